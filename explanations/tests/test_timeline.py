"""The timeline of a payment: everything, once, in order, and within bounds; and no secret, whoever wrote it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commercecore_payments import clock
from commercecore_payments.recovery import close_as_not_done
from commercecore_payments.tests.tenants import Tenant
from developers.tests.factories import AppFactory
from explanations import sources
from explanations.explaining import explain
from explanations.serializers import explanation_data
from explanations.structure import STAFF, Entry, Explanation, Reader
from explanations.tests import states
from gateway.models import Operation
from idempotency.models import IdempotencyKey
from reconciliation.models import Case, Run
from refunds.models import Refund, RefundApproval
from refunds.operations import RefundRequest, approve_refund, refund_by_staff
from sandbox.faults.plans import order
from staff.audit import Outcome, record_action
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import DeliveryAttempt, Event
from webhooks.sending import deliver_next
from webhooks.tests.receivers import make_endpoint, receiving

# Of an explanation. The whole page may ask thirty.
MOST_QUERIES = 15


def explained(reader: Reader = STAFF) -> Explanation:
    return explain(Transaction.objects.get(), reader)


def told(explanation: Explanation, *kinds: str) -> list[str]:
    """The lines of these kinds, or all, with the port of the test's receiver left out."""
    return [_without_port(entry) for entry in explanation.timeline if not kinds or entry.kind in kinds]


def _without_port(entry: Entry) -> str:
    return f"{entry.kind}: " + " ".join("receiver" if word.startswith("127.0.0.1") else word for word in entry.text.split())


def details_of(explanation: Explanation, text: str) -> Mapping[str, str]:
    """The details of the one line that begins so."""
    [entry] = [entry for entry in explanation.timeline if entry.text.startswith(text)]
    return dict(entry.details)


class TestATimeline:
    def test_tells_of_a_payment_from_its_beginning_to_its_end(self, tenant: Tenant, seller: str) -> None:
        states.rich(tenant, seller)
        app = tenant.app.name
        assert told(explained()) == [
            f"request: {app} asked for a payment (10.00 USD).",
            "operation: Stripe made the payment.",
            f"request: {app} asked to charge the buyer.",
            "operation: The card was declined: Your card has insufficient funds.",
            f"event: {app} is told payment.failed.",
            "delivery: receiver answered payment.failed with 500: “out of order: [hidden]”",
            f"request: {app} asked to charge the buyer.",
            "operation: Stripe took the confirmation.",
            f"event: {app} is told payment.requires_action.",
            "stripe_event: Stripe told payment_intent.created: applied. The payment is succeeded.",
            "stripe_event: Stripe told charge.failed: ignored. Nothing here depends on events of this type.",
            "stripe_event: Stripe told payment_intent.payment_failed: applied. The payment is succeeded.",
            "stripe_event: Stripe told payment_intent.requires_action: applied. The payment is succeeded.",
            "stripe_event: Stripe told charge.succeeded: ignored. Nothing here depends on events of this type.",
            "stripe_event: Stripe told payment_intent.succeeded: applied. The payment is succeeded.",
            "stripe_event: Stripe told charge.updated: ignored. Nothing here depends on events of this type.",
            f"event: {app} is told payment.succeeded.",
            f"request: {app} asked for a refund (4.00 USD).",
            "operation: Stripe took the refund.",
            f"event: {app} is told refund.processed.",
            "staff: anna pressed “Read from Stripe”. Why: The buyer asked.",
            "delivery: payment.requires_action arrived at receiver (200).",
            "delivery: payment.succeeded arrived at receiver (200).",
            "delivery: refund.processed arrived at receiver (200).",
            "delivery: payment.failed arrived at receiver (200).",
        ]

    def test_keeps_the_staffs_names_and_notes_from_the_app(self, tenant: Tenant, seller: str) -> None:
        states.rich(tenant, seller)
        refund = Operation.objects.get(kind="refund.create")
        anna, asked = User.objects.get(username="anna"), "asked for a refund (4.00 USD)."
        told_to_staff = {
            "action": "refund",
            "reason": "It broke.",
            "outcome": Outcome.DONE,
            "message": "",
            "operation_id": refund.pk,
        }
        record_action(Transaction.objects.get(), user=anna, **told_to_staff)
        Operation.objects.filter(pk=refund.pk).update(operator="anna")
        for_staff, for_app = told(explained()), told(explained(Reader(tenant.app)))
        pressed = "pressed “Read from Stripe”."
        hidden = {
            f"staff: anna {pressed} Why: The buyer asked.": f"staff: Operations staff {pressed}",
            f"request: anna (operations staff) {asked} Why: It broke.": f"request: Operations staff {asked}",
            **{line: line[: line.index(". ") + 1] for line in for_staff if line.startswith("stripe_event: ")},
        }
        assert for_app == [hidden.get(line, line) for line in for_staff]
        assert not hidden.keys() - for_staff

    def test_has_the_ids_that_somebody_looks_up(self, tenant: Tenant, seller: str) -> None:
        states.rich(tenant, seller)
        operation, key = Operation.objects.get(status="declined"), IdempotencyKey.objects.get()
        assert details_of(explained(), "The card was declined") == {
            "Operation": operation.pk,
            "Kind": "payment_intent.confirm",
            "Made at Stripe": str(Transaction.objects.get()),
            "Stripe's request": operation.stripe_request_id,
            "HTTP status": "402",
            "Error": "card_error · card_declined",
            "Decline code": "insufficient_funds",
            "Sent": f"once, last on {operation.last_sent_at:%Y-%m-%d %H:%M:%S} UTC",
        }
        request = details_of(explained(Reader(tenant.app)), f"{tenant.app.name} asked for a refund")
        assert request == {
            "Request": Operation.objects.get(kind="refund.create").request_id,
            "User": "usr_ada",
            "Idempotency-Key": "refund-2227222",
            "Answered": f"{key.answered_at:%Y-%m-%d %H:%M:%S} UTC with HTTP status 201",
        }

    def test_tells_how_often_a_request_was_begun_under_its_key(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        order("time_out_before", path="/confirm")
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_visa"}
        statuses = [tenant.post("/transactions/confirm", body, **{"Idempotency-Key": "once"}).status_code for _ in range(2)]
        assert statuses == [503, 200]
        app = tenant.app.name
        assert told(explained())[2:4] == [
            f"request: {app} asked to charge the buyer. The request was begun twice under its Idempotency-Key.",
            "operation: Stripe took the confirmation. It was sent twice.",
        ]

    def test_ends_with_what_is_still_to_come(self, tenant: Tenant, seller: str) -> None:
        states.held(tenant, seller)
        *past, hold = explained().timeline
        text = "The hold lapses, and 10.00 USD go back to the buyer, unless the money is captured before."
        assert (hold.kind, hold.text, hold.at, hold.is_ahead) == ("hold", text, Transaction.objects.get().capture_before, True)
        assert not any(entry.is_ahead for entry in past)

    def test_names_whoever_closed_an_operation_to_the_staff_alone(self, tenant: Tenant, seller: str) -> None:
        states.needing_review(tenant, seller)
        with clock.moved_ahead(timedelta(hours=1)):
            close_as_not_done(Operation.objects.get(kind="refund.create"), reason="nothing seen on Monday", by="anna")
        seen = "anna found that it was not done: nothing seen on Monday"
        assert told(explained(), "recovery")[-1].startswith(f"recovery: Operations staff closed it as not done: {seen}")
        for_app = explained(Reader(tenant.app))
        assert told(for_app, "recovery")[-1] == "recovery: Operations staff closed it as not done."
        assert "operation: The refund was closed as not done." in told(for_app)
        assert "Monday" not in str(for_app)

    def test_shows_an_app_its_own_events_and_deliveries_alone(self, tenant: Tenant, seller: str) -> None:
        other = AppFactory.create(developer=tenant.developer)
        with receiving() as receiver:
            for app in (tenant.app, other):
                make_endpoint(receiver.url, app)
            states.paid_in_the_dashboard(tenant, seller)
            while deliver_next():
                pass
        for app in (tenant.app, other):
            seen = explained(Reader(app))
            assert told(seen, "event") == [f"event: {app.name} is told payment.succeeded."]
            assert len(told(seen, "delivery")) == 1
        assert len(told(explained(), "event", "delivery")) == 4

    def test_shows_an_app_that_another_asked_and_not_in_which_request(self, tenant: Tenant, seller: str) -> None:
        other = AppFactory.create(developer=tenant.developer)
        states.paid_in_the_dashboard(tenant, seller)
        asked = {"transaction_id": str(Transaction.objects.get()), "account_id": seller, "amount": 400}
        assert tenant.post("/refunds", asked).status_code == 201
        assert details_of(explained(Reader(tenant.app)), f"{tenant.app.name} asked for a refund (4.00 USD)").keys() == {
            "Request",
            "User",
        }
        assert details_of(explained(Reader(other)), "Another app of the developer's asked for a refund (4.00 USD).") == {}


class TestTheBounds:
    def test_of_what_is_read_are_told(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        states.rich(tenant, seller)
        monkeypatch.setattr(sources, "MOST_ROWS", 2)
        monkeypatch.setattr(sources, "MOST_DELIVERIES", 1)
        monkeypatch.setattr(sources, "COUNTED_UP_TO", 6)
        found = explained()
        assert [str(one) for one in found.left_out] == [
            "2 older operations",
            "2 older events to the app",
            "at least 4 older events of Stripe",
            "1 older deliveries",
        ]
        assert told(found, "operation") == ["operation: Stripe took the confirmation.", "operation: Stripe took the refund."]
        assert len(told(found)) == 2 + 2 + 2 + 2 + 1 + 1

    def test_of_queries_do_not_grow_with_the_payment(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        states.paid(tenant, seller)
        asked = []
        for _ in range(2):
            payment = Transaction.objects.select_related("account").get()
            with CaptureQueriesContext(connection) as queries:
                explain(payment)
            asked.append(len(queries))
            for amount in range(1, 4):
                tenant.refund(seller, amount=amount)
            states.everything_arrives(seller)
        assert asked[1] == asked[0] <= MOST_QUERIES
        monkeypatch.setattr(sources, "MOST_ROWS", 1)
        with CaptureQueriesContext(connection) as queries:
            assert len(explain(payment).left_out) == 4
        assert len(queries) <= MOST_QUERIES
        # Of the attempts of the deliveries that were read, the newest ten are chosen by their numbers.
        assert [
            one["sql"] for one in queries.captured_queries if "LIMIT" not in one["sql"] and "ROW_NUMBER" not in one["sql"]
        ] == []


class TestAnExplanation:
    def test_holds_no_secret_whoever_wrote_it(self, tenant: Tenant, seller: str) -> None:
        states.rich(tenant, seller)
        secrets = ["whsec_c2VjcmV0", "sk_test_canary", "pi_1_secret_canary", "cct_sandbox_canary", "Basic dXNlcjpwYXNzd29yZA=="]
        cut_off = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn"  # what two lines would show of a long JSON Web Token
        words = f"{cut_off}{'x' * 200}.c2lnbmF0dXJl {' '.join(secrets)}"
        Operation.objects.filter(status="declined").update(error_message=words)
        Transaction.objects.update(error_message=words, status="requires_payment_method", metadata={"token": words})
        DeliveryAttempt.objects.update(error=words, http_status=None)
        StripeEvent.objects.update(note=words)
        Event.objects.update(body=words)
        for reader in (STAFF, Reader(tenant.app)):
            text = json.dumps(explanation_data(explained(reader)))
            assert [secret for secret in (*secrets, cut_off) if secret in text] == []
            assert text.count("[hidden]") > len(secrets)

    def test_asks_stripe_nothing(self, tenant: Tenant, seller: str) -> None:
        states.paid(tenant, seller)
        plan = order("fail_inside", times=1)
        explained()
        plan.refresh_from_db()
        assert plan.times_left == 1


class TestTheStaff:
    def test_sees_a_refund_that_waits_for_a_second_person_and_the_app_does_not(
        self, tenant: Tenant, seller: str, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_ABOVE_MINOR = 300
        states.paid(tenant, seller)
        anna, ben = (User.objects.create_user(name, is_staff=True) for name in ("anna", "ben"))
        asked = RefundRequest(payment=Transaction.objects.get(), amount_minor=400)
        by_anna = replace(tenant.actor, operator="anna")
        approval = refund_by_staff(asked, reason="It broke on its way.", user=anna, actor=by_anna)
        assert isinstance(approval, RefundApproval)
        waiting = explained().verdict
        assert (waiting.code, waiting.headline) == ("refund_to_approve", "A refund of 4.00 USD waits for a second person")
        assert explained(Reader(tenant.app)).verdict.code == "paid"
        approve_refund(approval, note="I saw it.", user=ben, actor=replace(tenant.actor, operator="ben"))
        assert told(explained(), "staff", "request")[2:] == [
            "staff: anna asked for a refund of 4.00 USD that needs a second person. Why: It broke on its way.",
            "staff: ben decided on it: approved. I saw it. It was refunded: " + f"{Refund.objects.get()}.",
            "request: ben (operations staff) asked for a refund (4.00 USD).",
        ]
        for_app = explained(Reader(tenant.app))
        assert told(for_app, "staff", "request")[2:] == ["request: Operations staff asked for a refund (4.00 USD)."]
        assert [name for name in ("anna", "ben", "broke") if name in str(for_app)] == []

    def test_sees_a_case_of_the_reconciliation_and_the_app_does_not(self, tenant: Tenant, seller: str) -> None:
        states.paid(tenant, seller)
        payment = Transaction.objects.get()
        about = {"type": "amount", "kind": "payment_intent", "object_id": str(payment), "proposal": "look"}
        run = Run.objects.create(grace_s=0, asked_by="anna")
        summary = "Received 1.00 USD here, and 10.00 USD at Stripe."
        case = Case.objects.create(first_run=run, last_run=run, transaction=payment, summary=summary, **about)
        [remark] = explained().verdict.remarks
        assert remark == f"It differs from Stripe's books: {summary} Open the case in the timeline."
        case.close(Case.Status.ACCEPTED, at=clock.now(), by="anna", reason="Known.")
        assert told(explained(), "case") == [
            f"case: The comparison with Stripe's books found a difference: {summary}",
            "case: The difference is accepted: anna closed the case. Known.",
        ]
        assert explained().verdict.remarks == ()
        assert told(explained(Reader(tenant.app)), "case") == []
