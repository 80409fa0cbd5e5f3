"""What the offline Stripe remembers.

These rows are Stripe's side of the story, and the sandbox's alone: no row stands for something at another Stripe, so
none carries an environment.
"""

from django.db import models

# Stripe's ids are at most 255 characters: https://docs.stripe.com/upgrades ("object IDs … up to 255 characters").
ID_LENGTH = 255


class SandboxObject(models.Model):
    """One Stripe object: what an answer shows of it, and what only the sandbox knows."""

    # The connected account that the object exists under; "" is the platform itself.
    account = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    object_type = models.CharField(max_length=64)
    stripe_id = models.CharField(max_length=ID_LENGTH, unique=True)
    created_at = models.DateTimeField()
    deleted = models.BooleanField(default=False)
    # The parents by which Stripe's lists are filtered; copies of what `data` says.
    customer = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    payment_intent = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    charge = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    # The object as Stripe would answer it, other objects by their ids.
    data = models.JSONField(default=dict)
    # What Stripe knows of the object and does not show: how its test card behaves, the token of its challenge page.
    hidden = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["account", "object_type", "-created_at", "-id"], name="sandbox_newest"),
            models.Index(fields=["account", "object_type", "customer"], name="sandbox_by_customer"),
            models.Index(fields=["account", "object_type", "payment_intent"], name="sandbox_by_payment_intent"),
            models.Index(fields=["account", "object_type", "charge"], name="sandbox_by_charge"),
        ]

    def __str__(self) -> str:
        return self.stripe_id


class SandboxIdempotencyKey(models.Model):
    """The first request made under an idempotency key, and its answer once there is one."""

    account = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    key = models.CharField(max_length=ID_LENGTH)
    # A hash of the path and the parameters: the same key with other ones is refused.
    fingerprint = models.CharField(max_length=64)
    # Names the one attempt that may finish the row; a later attempt that takes the row over writes its own.
    attempt = models.CharField(max_length=64)
    claimed_at = models.DateTimeField()
    # 0 while the request is in flight.
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="sandbox_one_row_an_idempotency_key")]
        indexes = [models.Index(fields=["claimed_at"], name="sandbox_key_claimed_at")]

    def __str__(self) -> str:
        return self.key


class SandboxLink(models.Model):
    """A one-time address that Stripe hands out: to the onboarding form, or to the Express dashboard."""

    class Kind(models.TextChoices):
        ONBOARDING = "onboarding"
        DASHBOARD = "dashboard"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    account_id = models.CharField(max_length=ID_LENGTH)
    token = models.CharField(max_length=64, unique=True)
    return_url = models.TextField(blank=True, default="")
    refresh_url = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} link of {self.account_id}"


class SandboxOrder(models.Model):
    """An order as the marketplace's order service would know it, for a service that runs without one."""

    order_id = models.CharField(max_length=ID_LENGTH)
    developer_id = models.CharField(max_length=ID_LENGTH)
    account_id = models.CharField(max_length=ID_LENGTH)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["developer_id", "order_id"], name="sandbox_one_order_an_id"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="sandbox_order_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.order_id


class SandboxClock(models.Model):
    """How far the sandbox's clock has been moved ahead of the real one: one row, or none for not at all."""

    ahead_s = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.ahead_s} s ahead"


class SandboxTask(models.Model):
    """Something that Stripe does by itself at a later time: a hold lapses, a refund settles, a payout arrives."""

    kind = models.CharField(max_length=32)
    account = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    stripe_id = models.CharField(max_length=ID_LENGTH)
    # In the sandbox's time.
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "account", "stripe_id", "due_at"], name="sandbox_one_task")]
        indexes = [models.Index(fields=["due_at", "id"], name="sandbox_task_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id}"


class SandboxFault(models.Model):
    """A fault that was ordered: which requests or events it hits, how, and how many more times."""

    kind = models.CharField(max_length=32)
    # Empty: of every account, every method, every address, every type of event.
    account = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    method = models.CharField(max_length=8, blank=True, default="")
    path = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    event_type = models.CharField(max_length=64, blank=True, default="")
    times_left = models.PositiveIntegerField(default=1)
    delay_s = models.FloatField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(delay_s__gte=0), name="sandbox_fault_delay_not_negative")]

    def __str__(self) -> str:
        return f"{self.kind} {self.path or self.event_type}"


class SandboxDelivery(models.Model):
    """An event on its way to one webhook endpoint."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        DROPPED = "dropped"  # by an ordered fault
        HELD = "held"  # by one too, until a later event has arrived

    event = models.ForeignKey(SandboxObject, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(SandboxObject, models.CASCADE, related_name="deliveries_to")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    # In real time: the receiver that checks a signature's age has no other clock.
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["status", "due_at"], name="sandbox_delivery_due")]
        verbose_name_plural = "sandbox deliveries"

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"
