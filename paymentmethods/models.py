"""PaymentMethod: a card saved for a developer's user on the platform, and the customer that it hangs on."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.indexes import prefix_index
from commercecore_payments.rows import column_values
from developers.models import App, Developer
from gateway.snapshots import PaymentMethodSnapshot, SetupIntentSnapshot


class Customer(models.Model):
    """A developer's user as the platform's customer at Stripe: one for each environment, developer and user."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="customers")
    user_id = models.CharField(max_length=255)
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=now)

    objects = EnvironmentManager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["environment", "-created_at", "-id"], name="customer_newest")]
        constraints = [
            models.UniqueConstraint(fields=["environment", "developer", "user_id"], name="one_customer_a_user"),
            models.UniqueConstraint(
                fields=["environment", "stripe_customer_id"],
                condition=~Q(stripe_customer_id=""),
                name="one_row_a_stripe_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_customer_id or f"customer for {self.user_id}"

    def mark_created(self, stripe_customer_id: str) -> None:
        self.stripe_customer_id = stripe_customer_id
        self.save(update_fields=["stripe_customer_id"])


class Status(models.TextChoices):
    SAVING = "saving"  # reserved here; Stripe's answer is not known yet
    REQUIRES_ACTION = "requires_action"  # the buyer has to pass a challenge first
    SAVED = "saved"
    FAILED = "failed"  # declined or refused
    DETACHING = "detaching"  # out of use already; Stripe's answer is not known yet
    DETACHED = "detached"  # for good: Stripe lets nobody use it again


# What is still to become a saved card.
BEING_SAVED = (Status.SAVING, Status.REQUIRES_ACTION)
# Kept as history: nothing becomes of these any more.
OVER = (Status.FAILED, Status.DETACHED)


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def of(self, developer: Developer, user_id: str) -> Self:
        return self.filter(customer__developer=developer, customer__user_id=user_id)

    def usable(self) -> Self:
        return self.filter(status=Status.SAVED)

    def not_over(self) -> Self:
        """Those that are saved, are being saved, or are being detached."""
        return self.exclude(status__in=OVER)


class PaymentMethod(models.Model):
    """One saved card. Of the card we hold what a person needs to tell it apart, and never its number."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    # Without an index of its own: that of its list begins with the same column.
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payment_methods", db_index=False)
    app = models.ForeignKey(App, models.PROTECT, related_name="payment_methods")
    given_id = models.CharField(max_length=255, help_text="The payment method that the caller named.")
    stripe_payment_method_id = models.CharField(max_length=255, blank=True)
    stripe_setup_intent_id = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=255, choices=Status, default=Status.SAVING)

    type = models.CharField(max_length=255)
    brand = models.CharField(max_length=255, blank=True)
    last4 = models.CharField(max_length=255, blank=True)
    exp_month = models.PositiveSmallIntegerField(null=True, blank=True)
    exp_year = models.PositiveSmallIntegerField(null=True, blank=True)
    preferred = models.BooleanField(default=False)
    wants_preferred = models.BooleanField(default=False, help_text="Becomes the preferred one once it is saved.")
    error_code = models.CharField(max_length=255, blank=True)
    decline_code = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)

    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = EnvironmentManager.from_queryset(PaymentMethodQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=["environment", "-created_at", "-id"], name="payment_method_newest"),
            models.Index(fields=["customer", "-created_at", "-id"], name="payment_method_of_customer"),
            prefix_index("stripe_payment_method_id", "payment_method_id_prefix"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "stripe_payment_method_id"],
                condition=Q(status=Status.SAVED),
                name="one_saved_row_a_stripe_payment_method",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(preferred=True), name="one_preferred_payment_method_a_customer"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_payment_method_id or self.given_id

    @property
    def is_being_saved(self) -> bool:
        return self.status in BEING_SAVED

    def clone_parameters(self) -> dict[str, Any]:
        """What Stripe needs to copy this card to a connected account (docs.stripe.com/connect/cloning)."""
        return {"customer": self.customer.stripe_customer_id, "payment_method": self.stripe_payment_method_id}

    def apply(self, setup: SetupIntentSnapshot) -> None:
        """Takes over what Stripe says of the setup intent and of the card that it saves.

        A setup intent goes on to say that it succeeded when its card is long detached: that changes nothing.
        """
        if self.status in (Status.DETACHING, Status.DETACHED):
            return
        self.stripe_setup_intent_id = setup.id
        self.status = STATUS_OF_SETUP.get(setup.status, Status.FAILED)
        self.error_code = setup.last_setup_error.code
        self.decline_code = setup.last_setup_error.decline_code
        self.error_message = setup.last_setup_error.message
        if setup.payment_method is not None:
            self._take_over_card(setup.payment_method)
        if self.status == Status.SAVED and self.wants_preferred:
            self._make_preferred()
        self._save()

    def change_preference(self, wants_preferred: bool) -> None:
        """Makes this the user's preferred card, or no longer; one that is not saved yet becomes it once it is.

        The caller has locked the customer.
        """
        self.wants_preferred = wants_preferred
        self.preferred = False
        if wants_preferred and self.status == Status.SAVED:
            self._make_preferred()
        self._save()

    def _make_preferred(self) -> None:
        """The one preferred card of its user; the caller has locked the customer and saves."""
        others = PaymentMethod.objects.filter(customer=self.customer_id, preferred=True).exclude(pk=self.pk)
        others.update(preferred=False, updated_at=now())
        self.preferred = True

    def renew(self, card: PaymentMethodSnapshot) -> None:
        """Takes over what the bank has changed, such as a later expiry. Where that is nothing, the row stays as old as it is."""
        before = column_values(self)
        self._take_over_card(card)
        if column_values(self) != before:
            self._save()

    def mark_failed(self, *, code: str, decline_code: str, message: str) -> None:
        """The card was declined or refused; nothing is saved."""
        self.status = Status.FAILED
        self.error_code, self.decline_code, self.error_message = code, decline_code, message
        self._save()

    def mark_detaching(self) -> None:
        """Out of use from now on, and no longer preferred: whoever detaches a card does not want it charged."""
        self._take_out_of_use(Status.DETACHING)

    def mark_detached(self) -> None:
        self._take_out_of_use(Status.DETACHED)

    def mark_kept(self) -> None:
        """Stripe did not detach it: it can be used as before."""
        if self.status == Status.DETACHING:
            self.status = Status.SAVED
            self._save()

    def _take_out_of_use(self, status: Status) -> None:
        self.status = status
        self.preferred = self.wants_preferred = False
        self._save()

    def _take_over_card(self, card: PaymentMethodSnapshot) -> None:
        self.stripe_payment_method_id = card.id
        self.type = card.type
        self.brand, self.last4 = card.brand, card.last4
        self.exp_month, self.exp_year = card.exp_month, card.exp_year

    def _save(self) -> None:
        self.updated_at = now()
        self.save()


# Stripe's states of a setup intent (docs.stripe.com/payments/paymentintents/lifecycle); whatever else is a failure.
STATUS_OF_SETUP = {
    "succeeded": Status.SAVED,
    "requires_action": Status.REQUIRES_ACTION,
    "processing": Status.SAVING,
}
