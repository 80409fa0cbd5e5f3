"""Every action of the staff, the right that it takes, and a record on which it is possible, for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Model

from accounts.models import ConnectedAccount
from commercecore_payments.tests.admin_pages import list_page, receive_newest, record_page
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken
from gateway.models import Kind, Operation, Status
from gateway.tests.faults import stripe_fails, time_out_before
from reconciliation.models import Case, Run
from reconciliation.tests.comparison import reconcile
from refunds.models import Refund, RefundApproval
from staff.rights import Right
from staff.tests.people import make_member
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery, Event, WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Act:
    """One button, for whoever has `right`: on the record that `of` finds in the scene, or on the list of the model it names."""

    name: str
    right: Right
    of: Callable[[], Any]
    answers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self._model().__name__}.{self.name}"

    @property
    def page(self) -> str:
        """The address of the page on which the button is."""
        found = self.of()
        return list_page(found) if isinstance(found, type) else record_page(found)

    @property
    def form(self) -> str:
        """The address of the form that the button opens."""
        found = self.of()
        return list_page(found) + f"{self.name}/" if isinstance(found, type) else record_page(found, self.name)

    def logged_under(self, username: str) -> Model:
        """The record under which the audit log has it when this user has done it."""
        found = self.of()
        return User.objects.get(username=username) if isinstance(found, type) else found

    def _model(self) -> type[Any]:
        found = self.of()
        return found if isinstance(found, type) else type(found)


def payment_of(order_id: str) -> Callable[[], Transaction]:
    """Finds the payment of the order."""
    return lambda: Transaction.objects.get(order_id=order_id)


def approval_of(order_id: str) -> Callable[[], RefundApproval]:
    """Finds the waiting refund of the order's payment."""
    return lambda: RefundApproval.objects.get(transaction__order_id=order_id)


def first_token() -> DeveloperToken:
    found: DeveloperToken = DeveloperToken.objects.order_by("pk")[0]
    return found


def parked() -> Operation:
    """One that waits for a person."""
    return Operation.objects.filter(kind=Kind.REFUND_CREATE).order_by("created_at")[0]


# In an order in which one person can do them all: what ends a record comes last.
def case_of(order_id: str) -> Callable[[], Case]:
    """The case of the order's payment, which was changed here by hand."""
    return lambda: Case.objects.get(transaction__order_id=order_id)


ACTS = (
    Act("refund", Right.REFUND, payment_of("paid"), {"amount": "1.00"}),
    Act("capture", Right.CAPTURE, payment_of("captured"), {"amount": "4.00"}),
    Act("cancel", Right.CANCEL, payment_of("canceled")),
    Act("read_from_stripe", Right.RESYNC, payment_of("paid")),
    Act("read_from_stripe", Right.RESYNC, lambda: Refund.objects.get(amount_minor=300)),
    Act("read_from_stripe", Right.RESYNC, ConnectedAccount.objects.get),
    Act("approve", Right.APPROVE_REFUND, approval_of("approved")),
    Act("refuse", Right.APPROVE_REFUND, approval_of("refused")),
    Act("recover_now", Right.RETRY_OPERATION, parked),
    Act("close_not_done", Right.REVIEW_OPERATION, parked),
    Act("new_onboarding_link", Right.ONBOARDING_LINK, ConnectedAccount.objects.get),
    Act("issue_developer_token", Right.ISSUE_TOKEN, Developer.objects.get, {"name": "Checkout"}),
    Act("rotate", Right.ROTATE_TOKEN, first_token, {"hours": "24"}),
    Act("revoke", Right.REVOKE_TOKEN, first_token),
    Act("send_range_again", Right.RESEND_WEBHOOKS, WebhookEndpoint.objects.get, {"first": "1", "last": "1"}),
    Act("send_event_again", Right.RESEND_WEBHOOKS, lambda: Event.objects.order_by("sequence")[0]),
    Act("send_again", Right.RESEND_WEBHOOKS, lambda: Delivery.objects.order_by("sequence")[0]),
    Act("switch_off", Right.MANAGE_WEBHOOK_ENDPOINTS, WebhookEndpoint.objects.get),
    Act("apply_now", Right.REPLAY_STRIPE_EVENTS, StripeEvent.objects.get),
    Act("mend", Right.MEND_CASE, case_of("mended")),
    Act("correct", Right.MEND_CASE, case_of("corrected")),
    Act("compare_again", Right.MEND_CASE, case_of("compared")),
    Act("accept", Right.CLOSE_CASE, case_of("accepted")),
    Act("compare_its_books", Right.RUN_RECONCILIATION, ConnectedAccount.objects.get),
    Act("compare_anew", Right.RUN_RECONCILIATION, lambda: Run.objects.earliest("pk")),
    Act("compare_everything", Right.RUN_RECONCILIATION, lambda: Run),
    Act("disable", Right.MANAGE_CALLERS, App.objects.get),
    Act("disable", Right.MANAGE_CALLERS, Developer.objects.get),
)


def play(tenant: Tenant, seller: str) -> None:
    """Makes a record for each of ACTS; `asker` has asked for the refunds of 2.00 USD that somebody else may decide."""
    create_endpoint(url="https://shop.example/hooks", event_types=["*"], actor=tenant.actor)
    for order_id in ("paid", "approved", "refused"):
        tenant.pay(seller, order_id=order_id)
    with pytest.MonkeyPatch.context() as patch, stripe_fails(patch, time_out_before, path="/refunds"):
        tenant.refund(seller, order_id="paid", amount=400)
    Operation.objects.open().update(status=Status.NEEDS_REVIEW)
    assert tenant.refund(seller, order_id="paid", amount=300).status_code == 201
    receive_newest(seller, "payment_intent.succeeded")
    for order_id in ("captured", "canceled"):
        tenant.confirm(seller, tenant.create_payment(seller, order_id=order_id, capture_method="manual"))
    asker = make_member("asker")
    for order_id in ("approved", "refused"):
        payment = payment_of(order_id)()
        RefundApproval.objects.create(
            transaction=payment, amount_minor=200, currency="usd", reason="the parcel was damaged", requested_by=asker
        )
    for order_id in ("mended", "corrected", "compared", "accepted"):
        tenant.pay(seller, order_id=order_id)
    drifted = Transaction.objects.filter(order_id__in=("mended", "compared", "accepted"))
    drifted.update(amount_received_minor=F("amount_received_minor") - 1)
    Transaction.objects.filter(order_id="corrected").update(status="canceled", holds_order=False)
    reconcile()
