"""The payment methods that a user has saved: found, listed, and one of them preferred."""

from typing import Any

from django.db import transaction

from commercecore_payments.actors import Actor
from commercecore_payments.pages import (
    Filters,
    Page,
    created_before,
    created_from,
    narrowed,
    newest_first,
    starting_point,
)
from gateway import reads
from gateway.outcomes import Fault
from gateway.snapshots import SetupIntentSnapshot
from idempotency.operations import keep_hold
from paymentmethods.errors import PaymentMethodDeclined, PaymentMethodNotFound
from paymentmethods.models import Customer, PaymentMethod, PaymentMethodQuerySet, Status


def find_saved_method(*, payment_method_id: str, actor: Actor) -> PaymentMethod | None:
    """The user's own saved card of this id that can be used; None where it is none of the user's, or no longer.

    One that waited for a challenge is looked at again. Raises PaymentMethodDeclined where the challenge failed.
    """
    method = _current(payment_method_id, actor=actor)
    if method is not None:
        raise_if_declined(method)
    return method if method is not None and method.status == Status.SAVED else None


FILTERS: Filters[PaymentMethodQuerySet] = {"created_from": created_from, "created_before": created_before}


def list_payment_methods(*, actor: Actor, limit: int, starting_after: str = "", **asked: Any) -> Page[PaymentMethod]:
    """At most `limit` of the user's saved cards that pass the FILTERS of `asked`, newest first.

    `starting_after` names the last one of the page before; one that was detached since still marks its place. Raises
    UnknownStartingPoint where the user has none of this id.
    """
    # By the customer's row, which is looked up once: an index leads on from it, as it does not from a join.
    customer = Customer.objects.filter(developer=actor.developer, user_id=actor.user_id).values("pk")[:1]
    of_user = PaymentMethod.objects.filter(customer=customer)
    rows = narrowed(of_user.usable().select_related("customer"), FILTERS, asked)
    behind = starting_point(of_user, starting_after, column="stripe_payment_method_id", of_what="payment method of this user")
    return newest_first(rows, behind=behind, limit=limit)


def prefer_payment_method(*, payment_method_id: str, actor: Actor) -> PaymentMethod:
    """Makes a saved card the one preferred by its user. Stripe is not told: which card is charged is the caller's to say.

    Raises PaymentMethodNotFound, and KeyInUse where another attempt has taken over the caller's Idempotency-Key.
    """
    method = _current(payment_method_id, actor=actor)
    if method is None:
        raise PaymentMethodNotFound
    with transaction.atomic(durable=True):
        Customer.objects.select_for_update().get(pk=method.customer_id)
        if actor.idempotency_key is not None:
            keep_hold(actor.idempotency_key)
        stored = PaymentMethod.objects.usable().select_related("customer").filter(pk=method.pk).first()
        if stored is None:
            raise PaymentMethodNotFound
        stored.change_preference(True)
    return stored


def _current(payment_method_id: str, *, actor: Actor) -> PaymentMethod | None:
    """The user's own row of this id as it is now: one that waited for a challenge is looked at again."""
    rows = PaymentMethod.objects.of(actor.developer, actor.user_id).filter(stripe_payment_method_id=payment_method_id)
    method = rows.not_over().select_related("customer").first()
    if method is not None and method.is_being_saved:
        method, _ = look_again(method, preferred=None)
    return method


def look_again(method: PaymentMethod, *, preferred: bool | None) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """A known card: whether its challenge was passed meanwhile, and whether it is to be the preferred one now."""
    waiting = method.is_being_saved and method.stripe_setup_intent_id != ""
    setup = reads.retrieve_setup_intent(method.stripe_setup_intent_id) if waiting else None
    with transaction.atomic(durable=True):
        Customer.objects.select_for_update().get(pk=method.customer_id)
        stored = PaymentMethod.objects.select_related("customer").get(pk=method.pk)
        # What was written here while Stripe was asked is newer than the answer, and stays.
        if setup is not None and stored.updated_at == method.updated_at:
            stored.apply(setup)
        if preferred is not None:
            stored.change_preference(preferred)
    return stored, setup


def raise_if_declined(method: PaymentMethod) -> None:
    """Raises PaymentMethodDeclined where the card's bank did not let it be saved."""
    if method.status == Status.FAILED:
        raise PaymentMethodDeclined(Fault(message=method.error_message, code=method.error_code, decline_code=method.decline_code))
