"""Operations as an operator sees them who lives in the admin: found, explained, recovered or closed."""

import re
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from commercecore_payments.recovery import Recovered, Result
from commercecore_payments.tests.admin_pages import list_page, perform, record_page, staff_client
from commercecore_payments.tests.lost_calls import lose_refund, parked_refund
from commercecore_payments.tests.tenants import Tenant
from gateway import admin as gateway_admin
from gateway.models import Kind, Operation, RecoveryAttempt, Status
from gateway.reviews import WORDS
from gateway.tests.faults import stripe_fails, time_out_after, time_out_before
from refunds.models import Refund
from transactions.models import Transaction


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


@pytest.fixture
def parked(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """A refund of 4.00 USD of a payment of 10.00 USD that Stripe answered with 500, and that a person has to decide."""
    tenant.pay(seller)
    return parked_refund(tenant, seller, monkeypatch)


def text_of(client: Client, address: str, **query: Any) -> str:
    """What a page says, in one line."""
    response = client.get(address, query)
    assert response.status_code == 200
    return " ".join(strip_tags(response.content.decode()).split())


def said(response: Any) -> list[tuple[int, str]]:
    """The banners after an action: how urgent, and what they say."""
    return [(message.level, str(message)) for message in get_messages(response.wsgi_request)]


def found(client: Client, term: str) -> list[str]:
    return [row.kind for row in client.get(list_page(Operation), {"q": term}).context["cl"].result_list]


class TestThePageThatAsksBeforeItClosesAnOperation:
    def test_says_what_is_at_stake(self, parked: Operation, seller: str, operator: Client) -> None:
        page = text_of(operator, record_page(parked, "close_not_done"))
        payment = Transaction.objects.get()
        sent = f"{parked.last_sent_at:%Y-%m-%d %H:%M:%S} UTC"
        facts = ["What Refund", "Amount 4.00 USD", "Order 2227222", f"Payment {payment}", f"Connected account {seller}"]
        assert [fact for fact in [*facts, f"Last sent {sent}"] if fact not in page] == []

    def test_warns_in_the_warning_colour_of_what_follows_if_it_was_done(self, parked: Operation, operator: Client) -> None:
        page = operator.get(record_page(parked, "close_not_done")).content.decode()
        warning = page[page.index("bg-orange-100") :]
        assert "if Stripe did it after all, the buyer may get the money back twice" in warning[:1000]
        assert "needs review" in strip_tags(page)

    def test_shows_its_input(self, parked: Operation, operator: Client) -> None:
        page = operator.get(record_page(parked, "close_not_done")).content.decode()
        [field] = re.findall(r'<textarea[^>]*name="reason"[^>]*>', page)
        assert "border-base-200" in field

    def test_is_linked_to_from_no_operation_that_is_closed(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        operation = Operation.objects.filter(status=Status.SUCCEEDED)[0]
        assert "close_not_done" not in operator.get(record_page(operation)).content.decode()


class TestRecoveringNow:
    def test_warns_where_the_operation_still_needs_a_review(self, parked: Operation, operator: Client) -> None:
        [(level, banner)] = said(perform(operator, parked, "recover_now"))
        assert level == messages.WARNING
        assert banner == (
            "What became of the refund is still not known: No refund of the payment names this operation. "
            "Look at Stripe yourself, as this page says. If it was not done, close it as not done; else recover it again later."
        )

    def test_warns_where_the_outcome_is_still_unknown(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            [(level, banner)] = said(perform(operator, operation, "recover_now"))
        operation.refresh_from_db()
        assert (level, operation.status) == (messages.WARNING, "unknown")
        assert banner.startswith("What became of the refund is still not known: ")
        assert banner.endswith(f"Nothing has to be done. Recovery goes on by itself, next on {shown(operation)}.")

    def test_warns_while_its_call_may_still_be_under_way(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        Operation.objects.filter(pk=operation.pk).update(status=Status.SENDING)
        [(level, banner)] = said(perform(operator, operation, "recover_now"))
        assert level == messages.WARNING
        assert banner.startswith("Nothing was done: ")

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after])
    def test_says_that_it_succeeded(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, fault)
        banners = said(perform(operator, operation, "recover_now"))
        assert banners == [(messages.SUCCESS, f"The refund is settled: Stripe has done it ({operation.id}).")]

    def test_says_that_it_was_not_done(self, parked: Operation, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def not_done(operation: Operation) -> Recovered:
            operation.status = Status.REJECTED
            return Recovered(operation, Result.SETTLED, "Stripe shows that it took no effect.")

        monkeypatch.setattr(gateway_admin, "recover", not_done)
        banners = said(perform(operator, parked, "recover_now"))
        assert banners == [
            (messages.SUCCESS, f"The refund is settled: it was not done ({parked.id}). Stripe shows that it took no effect.")
        ]


def shown(operation: Operation) -> str:
    return f"{operation.next_recovery_at:%Y-%m-%d %H:%M:%S} UTC"


class TestThePageOfAnOperation:
    def test_in_review_says_what_happened_what_it_holds_and_what_to_do(
        self, parked: Operation, seller: str, operator: Client
    ) -> None:
        page = text_of(operator, record_page(parked))
        looked = parked.recovery_attempts.filter(act="looked").last()
        assert looked is not None
        expected = [
            "This operation needs your decision",
            f"It was sent to Stripe once, last on {parked.last_sent_at:%Y-%m-%d %H:%M:%S} UTC.",
            "Stripe answered with HTTP status 500 (its request: req_fault), which does not tell whether it was done.",
            f"Recovery looked at Stripe 3 times, last on {looked.created_at:%Y-%m-%d %H:%M:%S} UTC: “No refund of the payment",
            "names this operation.” It does nothing more by itself.",
            "Amount 4.00 USD",
            "The amount counts as refunded: no other refund of the payment can use it.",
            f"a refund of this amount on the payment, with {parked.id} as its metadata commercecore_operation",
            "press Recover now",
            "press Close as not done",
        ]
        assert [sentence for sentence in expected if sentence not in page] == []

    def test_in_review_has_the_buttons_beside_the_advice(self, parked: Operation, operator: Client) -> None:
        page = operator.get(record_page(parked)).content.decode()
        advice = page[page.index("What to do") : page.index("What recovery tried")]
        buttons = [record_page(parked, "recover_now"), record_page(parked, "close_not_done")]
        assert re.findall(r'href="([^"]*)"', advice) == buttons

    def test_in_review_has_no_buttons_for_somebody_who_may_only_look(self, parked: Operation) -> None:
        page = staff_client("gateway.view_operation").get(record_page(parked)).content.decode()
        assert "This operation needs your decision" in page
        assert record_page(parked, "close_not_done") not in page

    def test_tells_what_recovery_tried_before_the_details(self, parked: Operation, operator: Client) -> None:
        page = text_of(operator, record_page(parked))
        places = [page.index(text) for text in ("This operation needs your decision", "What recovery tried", "What was asked")]
        assert places == sorted(places)

    def test_tells_the_newest_of_many_tries(self, parked: Operation, operator: Client) -> None:
        for number in range(1, 26):
            RecoveryAttempt.objects.create(
                operation=parked, act="looked", result="needs_review", message=f"look number {number}."
            )
        page = text_of(operator, record_page(parked))
        table = page[page.index("What recovery tried") : page.index("Times sent")]
        assert [number for number in range(1, 26) if f"look number {number}." in table] == list(range(6, 26))

    def test_of_an_unknown_outcome_says_that_recovery_goes_on(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        page = text_of(operator, record_page(operation))
        assert "The outcome of this operation is not known yet" in page
        assert "No answer came." in page
        assert f"Recovery goes on by itself, next on {shown(operation)}." in page
        assert f"Taken up next {shown(operation)}" in page
        assert "needs your decision" not in page

    def test_that_is_closed_explains_nothing(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        operation = Operation.objects.filter(status=Status.SUCCEEDED)[0]
        page = text_of(operator, record_page(operation))
        assert "needs your decision" not in page
        assert "not known yet" not in page

    def test_names_its_amount_with_the_currency(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller, amount="123456")
        operation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CREATE)
        assert "Amount 1,234.56 USD" in text_of(operator, record_page(operation)).replace("Amount:", "Amount")

    def test_uses_plain_words(self, parked: Operation, operator: Client) -> None:
        page = text_of(operator, record_page(parked))
        assert [word for word in ("fencing token", "Http status", "Parked", "needs_review", "Sent Again") if word in page] == []
        assert "Refund refund.create" in page.replace("·", "").replace("  ", " ")
        assert "Left to a person" in page
        assert "Looked at Stripe" in page

    def test_tells_kinds_in_plain_words_in_lists_too(self, parked: Operation, operator: Client) -> None:
        assert text_of(operator, list_page(Operation)).count("Confirmation of a payment") == 1

    def test_has_words_for_every_kind(self) -> None:
        assert set(WORDS) == set(Kind)


class TestSearchingOperations:
    def test_finds_those_about_an_order_by_its_id(self, parked: Operation, operator: Client) -> None:
        assert found(operator, "2227222") == ["refund.create", "payment_intent.confirm", "payment_intent.create"]

    def test_finds_those_about_a_payment_by_its_payment_intent(self, parked: Operation, operator: Client) -> None:
        intent = Transaction.objects.get().stripe_payment_intent_id
        assert found(operator, intent) == ["refund.create", "payment_intent.confirm", "payment_intent.create"]

    def test_finds_those_about_a_refund_by_its_id(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        tenant.refund(seller)
        Operation.objects.filter(kind=Kind.REFUND_CREATE).update(result_id="")
        assert found(operator, Refund.objects.get().stripe_refund_id) == ["refund.create"]

    def test_finds_nothing_about_another_order(self, parked: Operation, operator: Client) -> None:
        assert found(operator, "999") == []

    def test_searches_within_the_filters(self, parked: Operation, operator: Client) -> None:
        query = {"q": "2227222", "open": "yes"}
        assert list(operator.get(list_page(Operation), query).context["cl"].result_list) == [parked]


class TestClosingByAPerson:
    def test_records_who_it_was(self, parked: Operation, operator: Client) -> None:
        perform(operator, parked, "close_not_done", reason="nothing in the dashboard")
        parked.refresh_from_db()
        reviewed = parked.recovery_attempts.get(act="reviewed")
        assert (parked.status, parked.error_message) == (
            "rejected",
            "A person found that it was not done: nothing in the dashboard",
        )
        assert reviewed.message.startswith("operator found that it was not done: nothing in the dashboard")

    def test_keeps_what_stripe_answered_before(self, parked: Operation, operator: Client) -> None:
        perform(operator, parked, "close_not_done", reason="nothing in the dashboard")
        parked.refresh_from_db()
        assert parked.stripe_request_id == "req_fault"
        assert parked.recovery_attempts.get(act="reviewed").message == (
            "operator found that it was not done: nothing in the dashboard "
            "(before: HTTP status 500, Stripe's request req_fault, “Something went wrong on Stripe's end.”)"
        )

    def test_lets_the_same_request_be_carried_out_anew(self, parked: Operation, operator: Client) -> None:
        perform(operator, parked, "close_not_done", reason="nothing in the dashboard")
        parked.refresh_from_db()
        assert parked.tells_what_stripe_said is False


class TestTheNameOfARecord:
    def test_in_a_list_of_operations_is_stripes(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = tenant.pay(seller)
        tenant.refund(seller)
        page = text_of(operator, list_page(Operation))
        assert transaction_id in page
        assert Refund.objects.get().stripe_refund_id in page
        assert f"transaction {Transaction.objects.get().pk}" not in page

    def test_of_a_refund_that_stripe_has_not_made_is_its_order(self, parked: Operation, operator: Client) -> None:
        refund = Refund.objects.get()
        addresses = [list_page(Operation), list_page(Refund), record_page(parked), record_page(refund),
                     record_page(Transaction.objects.get())]  # fmt: skip
        pages = {address: text_of(operator, address) for address in addresses}
        assert [address for address, page in pages.items() if "refund of order 2227222" not in page] == []
        keys = (f"refund of {refund.transaction_id}", f"refund {refund.pk}")
        others = [page for address, page in pages.items() if address != record_page(refund)]
        assert [key for key in keys for page in others if f"{key} " in page] == []

    def test_costs_no_query_a_row(self, parked: Operation, operator: Client) -> None:
        queries = []
        for number in (2, 12):
            for copy in range(number):
                refund = Refund.objects.get(pk=parked.subject_id)
                refund.pk, refund._state.adding = None, True
                refund.save()
                fields = {field.attname: getattr(parked, field.attname) for field in Operation._meta.fields}
                Operation.objects.create(**{**fields, "id": f"op_{number}_{copy}", "subject_id": refund.pk})
            with CaptureQueriesContext(connection) as captured:
                operator.get(list_page(Operation))
            queries.append(len(captured))
        assert queries[0] == queries[1]


class TestTheOverview:
    def test_counts_in_red_what_needs_a_review_and_leads_to_it(
        self, tenant: Tenant, seller: str, parked: Operation, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, amount=100)  # another one, of which recovery may still find out
        response = operator.get(reverse("admin:index"))
        figure = response.context["figures"][0]
        assert (figure.title, figure.count) == ("Operations to review", "1")
        assert list(operator.get(figure.address).context["cl"].result_list) == [parked]
        page = response.content.decode()
        assert 'class="figure-count figure-critical">1<' in page
        assert page.count("figure-card-critical") == 1

    def test_is_calm_where_nothing_does(self, tenant: Tenant, operator: Client) -> None:
        response = operator.get(reverse("admin:index"))
        assert [figure.count for figure in response.context["figures"][:2]] == ["0", "0"]
        assert "figure-critical" not in response.content.decode()
