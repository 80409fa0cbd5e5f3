"""What the staff may do in the admin beside looking: one right for each action, none of which follows from another."""

from django.db import models


class Right(models.TextChoices):
    """The actions that take a permission of their own, by codename, and how the admin's forms call them."""

    REFUND = "refund", "Can refund a payment"
    APPROVE_REFUND = "approve_refund", "Can decide refunds that wait for a second person"
    CAPTURE = "capture", "Can capture a hold"
    CANCEL = "cancel", "Can cancel a payment"
    RESYNC = "resync", "Can read a record anew from Stripe"
    RETRY_OPERATION = "retry_operation", "Can retry an operation whose outcome is unknown"
    REVIEW_OPERATION = "review_operation", "Can close an operation as not done"
    ONBOARDING_LINK = "onboarding_link", "Can make a seller's onboarding link"
    ISSUE_TOKEN = "issue_token", "Can issue a token"
    ROTATE_TOKEN = "rotate_token", "Can rotate a token"
    REVOKE_TOKEN = "revoke_token", "Can revoke a token"
    MANAGE_CALLERS = "manage_callers", "Can disable and enable developers and apps"
    MANAGE_WEBHOOK_ENDPOINTS = "manage_webhook_endpoints", "Can switch webhook endpoints off and on"
    RESEND_WEBHOOKS = "resend_webhooks", "Can send webhooks again"
    REPLAY_STRIPE_EVENTS = "replay_stripe_events", "Can apply Stripe's events again"
    MEND_CASE = "mend_case", "Can mend a case of the reconciliation"
    CLOSE_CASE = "close_case", "Can close a case of the reconciliation"
    RUN_RECONCILIATION = "run_reconciliation", "Can run the reconciliation"
    EXPORT_RECORDS = "export_records", "Can export records as CSV"

    @property
    def permission(self) -> str:
        """As `User.has_perm` takes it: `staff.refund`."""
        return f"staff.{self.value}"
