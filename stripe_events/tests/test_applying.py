"""What becomes of a stored event: applied, waiting, tried again, given up; and nothing of it twice."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.errors import StripeUnreachable
from gateway.models import CALL_BUDGET
from gateway.tests.faults import killed, stripe_fails, time_out_after, time_out_before
from sandbox.connect.onboarding import complete_onboarding
from sandbox.money.authentication import answer_open_challenge
from stripe_events.applying import ACCOUNT_IS_AWAITED_FOR, FAILURE_WAITS, LEASE, apply_next, apply_now
from stripe_events.models import Status, StripeEvent
from stripe_events.tests.arrivals import arrive, send, stored, told_by_stripe, work
from transactions.models import Transaction
from webhooks.models import Event


def challenged(tenant: Tenant, seller: str) -> str:
    """The id of a payment whose buyer has passed the challenge, which nobody here knows."""
    payment_id = tenant.create_payment(seller)
    tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
    answer_open_challenge(intent_id=payment_id, authenticated=True)
    return payment_id


def status_of(payment_id: str) -> str:
    return str(Transaction.objects.get(stripe_payment_intent_id=payment_id).status)


def told() -> list[str]:
    return list(Event.objects.order_by("sequence").values_list("type", flat=True))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The payment intents that were read from Stripe meanwhile."""
    ids: list[str] = []
    whole = reads.retrieve_payment_intent

    def note(payment_intent_id: str, *, account_id: str) -> Any:
        ids.append(payment_intent_id)
        return whole(payment_intent_id, account_id=account_id)

    monkeypatch.setattr(reads, "retrieve_payment_intent", note)
    return ids


class TestAnEvent:
    def test_with_a_final_state_is_taken_at_its_word(self, tenant: Tenant, seller: str, asked: list[str]) -> None:
        payment_id = challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.succeeded"))
        assert (status_of(payment_id), StripeEvent.objects.get().status) == ("requires_action", Status.PENDING)
        work()
        assert (status_of(payment_id), asked) == ("succeeded", [])
        assert StripeEvent.objects.get().note == "The payment is succeeded."
        assert told()[-1] == "payment.succeeded"

    def test_that_tells_nothing_new_asks_stripe_nothing(self, tenant: Tenant, seller: str, asked: list[str]) -> None:
        payment_id = tenant.create_payment(seller)
        arrive(told_by_stripe(seller, "payment_intent.created"))
        work()
        event = StripeEvent.objects.get()
        assert (event.status, event.note) == (Status.APPLIED, "The payment is requires_payment_method.")
        assert (status_of(payment_id), asked, told()) == ("requires_payment_method", [], [])

    def test_that_may_be_old_has_its_object_read_again(self, tenant: Tenant, seller: str, asked: list[str]) -> None:
        payment_id = challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.created"))
        assert (status_of(payment_id), StripeEvent.objects.get().status) == ("requires_action", Status.PENDING)
        work()
        assert (status_of(payment_id), asked) == ("succeeded", [payment_id])
        assert told() == ["payment.requires_action", "payment.succeeded"]

    def test_in_another_api_version_has_its_object_read_again(self, tenant: Tenant, seller: str, asked: list[str]) -> None:
        payment_id = challenged(tenant, seller)
        content = told_by_stripe(seller, "payment_intent.succeeded")[0]
        arrive([{**content, "api_version": "2019-02-11"}])
        assert status_of(payment_id) == "requires_action"
        work()
        assert (status_of(payment_id), asked) == ("succeeded", [payment_id])

    def test_that_is_applied_again_changes_nothing(self, tenant: Tenant, seller: str) -> None:
        payment_id = challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.succeeded"))
        work()
        payment, before = Transaction.objects.get(), told()
        for _ in range(3):
            assert apply_now(StripeEvent.objects.get()).status == Status.APPLIED
        assert (status_of(payment_id), told()) == ("succeeded", before)
        assert Transaction.objects.get().version == payment.version


class TestAnEventThatArrivesBeforeOurOwnCommit:
    def test_of_a_creation_waits_for_it(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[str, str]] = []

        def event_comes_first(answer_of: Any, *request: Any) -> Any:
            answer = answer_of(*request)
            arrive(told_by_stripe(seller, "payment_intent.created"))
            work()
            event = StripeEvent.objects.get()
            seen.append((event.status, event.note))
            return answer

        with stripe_fails(monkeypatch, event_comes_first, path="/v1/payment_intents"):
            payment_id = tenant.create_payment(seller)
        assert seen == [(Status.PENDING, "The payment is being created.")]
        work(ahead_s=5)
        assert StripeEvent.objects.get().status == Status.APPLIED
        payment = Transaction.objects.get()
        assert (payment.stripe_payment_intent_id, payment.external) == (payment_id, False)

    def test_settles_a_creation_whose_answer_was_lost(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/v1/payment_intents"):
            answer = tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 700})
        assert answer.status_code == 503
        arrive(told_by_stripe(seller, "payment_intent.created"))
        work()
        payment = Transaction.objects.get()
        assert (payment.status, payment.external, payment.order_id) == ("requires_payment_method", False, "1")
        assert StripeEvent.objects.get().note == "The payment was created, whose outcome was unknown."

    def test_settles_a_confirmation_whose_answer_was_lost(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            assert tenant.confirm(seller, payment_id).status_code == 503
        arrive(told_by_stripe(seller, "payment_intent.succeeded"))
        work()
        assert (status_of(payment_id), told()) == ("succeeded", ["payment.succeeded"])

    def test_waits_for_a_killed_process_as_long_as_it_could_be_at_work(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment_id = tenant.create_payment(seller)

        def dies_after_the_effect(answer_of: Any, *request: Any) -> Any:
            answer_of(*request)
            killed(answer_of, *request)

        with stripe_fails(monkeypatch, dies_after_the_effect, path="/confirm"), pytest.raises(KeyboardInterrupt):
            tenant.confirm(seller, payment_id)
        arrive(told_by_stripe(seller, "payment_intent.succeeded"))
        work()
        event = StripeEvent.objects.get()
        assert (event.status, event.note) == (Status.PENDING, "An operation about the payment is under way.")
        assert (status_of(payment_id), told()) == ("requires_payment_method", [])
        with clock.moved_ahead(CALL_BUDGET + timedelta(seconds=5)):
            work()
        assert (status_of(payment_id), told()) == ("succeeded", ["payment.succeeded"])

    def test_of_an_account_that_is_being_created_waits_for_it(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        notes: list[str] = []

        def event_comes_first(answer_of: Any, *request: Any) -> Any:
            answer = answer_of(*request)
            account_id = json.loads(answer[0])["id"]
            complete_onboarding(account_id=account_id)
            arrive(told_by_stripe(account_id, "account.updated")[-1:])
            work()
            notes.append(StripeEvent.objects.get().note)
            return answer

        with stripe_fails(monkeypatch, event_comes_first, path="/v1/accounts"):
            tenant.post("/connected-accounts", {"email": "seller@example.com"})
        assert notes == ["The account is not known here, and one is being created."]
        assert not ConnectedAccount.objects.get().charges_enabled
        work(ahead_s=5)
        assert ConnectedAccount.objects.get().charges_enabled


class TestAnEventThatCannotBeApplied:
    @pytest.fixture
    def event(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> StripeEvent:
        """Stripe cannot be asked about its object."""
        challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.created"))

        def unreachable(*_: Any, **__: Any) -> None:
            raise StripeUnreachable("Stripe could not be asked. Please try again.")

        monkeypatch.setattr(reads, "retrieve_payment_intent", unreachable)
        return StripeEvent.objects.get()

    def test_is_kept_with_its_error_and_tried_again_later(self, event: StripeEvent) -> None:
        before = clock.database_now()
        assert apply_next() is True
        event.refresh_from_db()
        assert (event.status, event.failures, event.error) == (
            Status.PENDING,
            1,
            "Stripe could not be asked. Please try again.",
        )
        assert timedelta(seconds=5) <= event.next_attempt_at - before < timedelta(seconds=10)
        assert apply_next() is False

    def test_is_given_up_after_the_last_wait_and_can_still_be_replayed(
        self, event: StripeEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ahead = timedelta()
        for _ in range(len(FAILURE_WAITS) + 1):
            with clock.moved_ahead(ahead):
                assert apply_next() is True
            ahead += FAILURE_WAITS[-1] + timedelta(hours=1)
        event.refresh_from_db()
        assert (event.status, event.failures) == (Status.FAILED, len(FAILURE_WAITS) + 1)
        assert list(StripeEvent.objects.in_trouble()) == [event]
        with clock.moved_ahead(ahead * 2):
            assert apply_next() is False
        monkeypatch.undo()
        assert apply_now(event).status == Status.APPLIED
        assert (event.failures, event.error) == (0, "")
        assert Transaction.objects.get().status == "succeeded"

    def test_does_not_keep_the_next_one_from_being_applied(self, event: StripeEvent, tenant: Tenant, seller: str) -> None:
        content = told_by_stripe(seller, "payment_intent.created")[0]
        arrive([{**content, "id": "evt_next", "type": "payout.paid", "data": {"object": {"object": "payout", "id": "po_gone"}}}])
        while apply_next():
            pass
        assert stored("evt_next").failures == 1
        assert stored("evt_next").error != ""

    def test_comes_after_those_that_have_not_failed(self, event: StripeEvent, seller: str) -> None:
        apply_next()
        with clock.moved_ahead(FAILURE_WAITS[0] + timedelta(seconds=1)):
            arrive([{**told_by_stripe(seller, "account.updated")[0], "id": "evt_new"}])
            apply_next()
        assert stored("evt_new").status == Status.APPLIED
        event.refresh_from_db()
        assert event.failures == 1

    def test_because_the_database_failed_keeps_no_row_in_its_error(
        self, event: StripeEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise IntegrityError("Failing row contains (4242).")

        monkeypatch.setattr(reads, "retrieve_payment_intent", fail)
        apply_next()
        event.refresh_from_db()
        assert event.error == "IntegrityError: the log says more."


class TestAnEventOfThePlatformsOwnObjects:
    @pytest.mark.parametrize(
        "name",
        ["payment_intent.succeeded", "refund.created", "charge.refunded", "charge.expired", "account.updated", "payout.paid"],
    )
    def test_is_nobodys_however_many_accounts_are_still_without_an_id(self, tenant: Tenant, seller: str, name: str) -> None:
        ConnectedAccount.objects.create(developer=tenant.developer, email="not-yet@example.com")
        tenant.pay(seller)
        content = {**told_by_stripe(seller, "payment_intent.succeeded")[0], "type": name}
        del content["account"]
        content["data"] = {"object": {**content["data"]["object"], "id": "pi_of_the_platform"}}
        before = told()
        arrive([content])
        work()
        event = StripeEvent.objects.get()
        assert (event.status, event.note) == (
            Status.UNHANDLED,
            "It is about an object of the platform's own, of which there is no record here.",
        )
        assert (Transaction.objects.count(), told()) == (1, before)


class TestAnEventThatWaits:
    def test_asks_stripe_nothing_while_an_operation_is_under_way(
        self, tenant: Tenant, seller: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment_id = tenant.create_payment(seller)
        seen: list[list[str]] = []

        def events_come_first(answer_of: Any, *request: Any) -> Any:
            answer = answer_of(*request)
            arrive(told_by_stripe(seller, "payment_intent.succeeded"))
            work()
            seen.append(list(asked))
            return answer

        with stripe_fails(monkeypatch, events_come_first, path="/confirm"):
            tenant.confirm(seller, payment_id)
        assert seen == [[]]

    def test_for_over_an_hour_is_in_trouble(self, tenant: Tenant, seller: str) -> None:
        arrive([{**told_by_stripe(seller, "account.updated")[0], "id": "evt_waits"}])
        StripeEvent.objects.update(note="The account is being deleted.")
        assert not StripeEvent.objects.in_trouble().exists()
        with clock.moved_ahead(timedelta(minutes=61)):
            assert [event.event_id for event in StripeEvent.objects.in_trouble()] == ["evt_waits"]

    def test_for_an_account_whose_creation_was_lost_is_quarantined_after_an_hour(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/v1/accounts"):
            tenant.post("/connected-accounts", {"email": "lost@example.com"})
        arrive([{**told_by_stripe(seller, "account.updated")[0], "account": "acct_unknown"}])
        work()
        assert StripeEvent.objects.get().status == Status.PENDING
        with clock.moved_ahead(ACCOUNT_IS_AWAITED_FOR + timedelta(minutes=1)):
            apply_next()
        assert StripeEvent.objects.get().status == Status.QUARANTINED

    def test_does_not_take_back_what_somebody_else_has_applied(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.created"))
        late = StripeEvent.objects.get()
        work()
        assert StripeEvent.objects.get().status == Status.APPLIED

        def unreachable(*_: Any, **__: Any) -> None:
            raise StripeUnreachable("Stripe could not be asked. Please try again.")

        monkeypatch.setattr(reads, "retrieve_payment_intent", unreachable)
        monkeypatch.setattr(Transaction, "is_terminal", False)
        monkeypatch.setattr(Transaction, "says_nothing_new", lambda *_: False)
        assert apply_now(late).status == Status.APPLIED
        assert (late.failures, late.error) == (0, "")


class TestAClaimedEvent:
    def test_is_nobody_elses_until_its_lease_ends(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        challenged(tenant, seller)
        arrive(told_by_stripe(seller, "payment_intent.created"))

        def die(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(reads, "retrieve_payment_intent", die)
            with pytest.raises(KeyboardInterrupt):
                apply_next()
        assert apply_next() is False
        with clock.moved_ahead(LEASE + timedelta(seconds=1)):
            assert apply_next() is True
        assert StripeEvent.objects.get().status == Status.APPLIED


class TestAQuarantinedEvent:
    def test_is_applied_by_hand_once_its_account_is_known(self, tenant: Tenant, seller: str) -> None:
        challenged(tenant, seller)
        ConnectedAccount.objects.update(stripe_account_id="acct_another")
        send(told_by_stripe(seller, "payment_intent.succeeded")[0])
        work()
        event = StripeEvent.objects.get()
        assert (event.status, event.note) == (Status.QUARANTINED, "The account is not known here.")
        assert apply_now(event).status == Status.QUARANTINED
        ConnectedAccount.objects.update(stripe_account_id=seller)
        assert apply_now(event).status == Status.APPLIED
        assert Transaction.objects.get().status == "succeeded"

    def test_of_another_mode_is_never_applied(self, tenant: Tenant, seller: str) -> None:
        challenged(tenant, seller)
        send({**told_by_stripe(seller, "payment_intent.succeeded")[0], "livemode": True})
        assert apply_now(StripeEvent.objects.get()).status == Status.QUARANTINED
        assert Transaction.objects.get().status == "requires_action"
