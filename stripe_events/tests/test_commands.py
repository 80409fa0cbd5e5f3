"""manage.py replay_stripe_events and fetch_stripe_events."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commercecore_payments import clock
from commercecore_payments.management.arguments import moment
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.errors import StripeUnreachable
from sandbox.money.authentication import answer_open_challenge
from sandbox.timeline.due import carry_out_due
from stripe_events.models import Source, Status, StripeEvent
from stripe_events.operations import forget_old_events
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from webhooks.models import Event


def run(command: str, *arguments: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    out = StringIO()
    try:
        call_command(command, *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def challenged(tenant: Tenant, seller: str) -> str:
    """A payment whose buyer has passed the challenge; no event of it has arrived."""
    payment_id = tenant.create_payment(seller)
    tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
    answer_open_challenge(intent_id=payment_id, authenticated=True)
    return payment_id


@pytest.fixture
def failed(challenged: str, seller: str, monkeypatch: pytest.MonkeyPatch) -> StripeEvent:
    """An event that could not be applied, since Stripe was out of reach."""

    def unreachable(*_: Any, **__: Any) -> None:
        raise StripeUnreachable("Stripe could not be asked. Please try again.")

    with monkeypatch.context() as patch:
        patch.setattr(reads, "retrieve_payment_intent", unreachable)
        arrive(told_by_stripe(seller, "payment_intent.created"))
        work()
    return StripeEvent.objects.get()


class TestReplay:
    def test_applies_what_failed_and_says_what_came_of_it(self, failed: StripeEvent) -> None:
        status, printed = run("replay_stripe_events", "--failed")
        assert status == 0
        assert printed.splitlines() == [
            f"{failed.event_id} payment_intent.created: applied (The payment is succeeded.)",
            "0 pending, 1 applied, 0 unhandled, 0 quarantined, 0 failed",
        ]
        assert Transaction.objects.get().status == "succeeded"

    def test_of_what_was_applied_changes_nothing(self, failed: StripeEvent) -> None:
        run("replay_stripe_events", "--failed")
        before = list(Event.objects.values_list("type", flat=True))
        assert run("replay_stripe_events", "--since", "1h", "--type", "payment_intent.created")[0] == 0
        assert run("replay_stripe_events", "--failed")[1].splitlines()[0].startswith("0 pending, 0 applied")
        assert list(Event.objects.values_list("type", flat=True)) == before

    def test_takes_those_alone_that_were_named(self, failed: StripeEvent) -> None:
        for arguments in (("--type", "refund.created"), ("--since", (clock.now() + timedelta(days=1)).isoformat())):
            assert run("replay_stripe_events", *arguments)[1].startswith("0 pending, 0 applied")
        assert Transaction.objects.get().status == "requires_action"

    def test_without_a_choice_is_refused(self, db: None) -> None:
        with pytest.raises(CommandError, match="Say which events are meant") as refused:
            run("replay_stripe_events")
        assert refused.value.returncode == 2

    def test_can_be_rehearsed(self, failed: StripeEvent) -> None:
        status, printed = run("replay_stripe_events", "--failed", "--dry-run")
        assert (status, printed.splitlines()[-1]) == (0, "1 chosen. Nothing was done.")
        assert Transaction.objects.get().status == "requires_action"

    def test_ends_with_3_where_something_could_not_be_applied(self, failed: StripeEvent, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(*_: Any, **__: Any) -> None:
            raise StripeUnreachable("Stripe could not be asked. Please try again.")

        monkeypatch.setattr(reads, "retrieve_payment_intent", unreachable)
        status, printed = run("replay_stripe_events", "--failed")
        assert status == 3
        assert "pending (Stripe could not be asked. Please try again.)" in printed


class TestFetching:
    def test_stores_what_never_arrived_and_the_worker_applies_it(self, challenged: str, seller: str) -> None:
        arrive(told_by_stripe(seller, "payment_intent.created"))
        carry_out_due()
        count = len(told_by_stripe(seller))
        status, printed = run("fetch_stripe_events", "--since", "1d")
        assert status == 0
        assert f"{seller}: {count - 1} of {count} were missing, and are stored" in printed.splitlines()
        assert StripeEvent.objects.filter(source=Source.LIST, account_id=seller).count() == count - 1
        work()
        assert Transaction.objects.get().status == "succeeded"
        assert not StripeEvent.objects.exclude(status__in=(Status.APPLIED, Status.UNHANDLED)).exists()
        assert run("fetch_stripe_events", "--since", "1d")[1].splitlines()[-1] == "0 stored, 0 of 2 lists could not be read."

    def test_finds_what_a_quarantined_namesake_hides(self, challenged: str, seller: str) -> None:
        content = told_by_stripe(seller, "payment_intent.succeeded")[0]
        arrive([{**content, "account": "acct_unknown"}, {**content, "livemode": True}])
        run("fetch_stripe_events", "--since", "1d")
        assert StripeEvent.objects.filter(event_id=content["id"], account_id=seller, livemode=False).count() == 1

    def test_says_what_is_no_snapshot_event(self, challenged: str, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reads, "list_events", lambda account_id, since: iter([{"object": "v2.core.event"}] * 101))
        printed = run("fetch_stripe_events", "--since", "1d")[1].splitlines()
        assert printed[0] == "the platform: 0 of 101 were missing, and are stored, 101 are no snapshot events"

    def test_can_be_rehearsed(self, challenged: str, seller: str) -> None:
        assert "are missing" in run("fetch_stripe_events", "--since", "1d", "--dry-run")[1]
        assert not StripeEvent.objects.exists()

    def test_of_one_account_that_cannot_be_read_does_not_stop_the_others(
        self, challenged: str, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = reads.list_events

        def half(account_id: str, *, since: datetime) -> Any:
            if not account_id:
                raise StripeUnreachable("Stripe could not be asked. Please try again.")
            return whole(account_id, since=since)

        monkeypatch.setattr(reads, "list_events", half)
        status, printed = run("fetch_stripe_events", "--since", "1d")
        assert status == 3
        assert printed.splitlines()[0] == "the platform: Stripe could not be asked. Please try again."
        assert StripeEvent.objects.filter(account_id=seller).exists()

    def test_beyond_thirty_days_says_that_stripe_lists_no_more(self, transactional_db: None) -> None:
        assert run("fetch_stripe_events", "--since", "31d")[1].startswith("Stripe lists its events for 30 days")


class TestTheTimeOnACommandLine:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
            ("2026-12-01T09:30", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
            ("2026-12-01T09:30+02:00", datetime(2026, 12, 1, 7, 30, tzinfo=UTC)),
        ],
    )
    def test_is_a_date_or_a_time(self, text: str, meant: datetime) -> None:
        assert moment(text) == meant

    @pytest.mark.parametrize(
        ("text", "ago"), [("90m", timedelta(minutes=90)), ("36h", timedelta(hours=36)), ("7d", timedelta(days=7))]
    )
    def test_may_be_so_long_ago(self, text: str, ago: timedelta) -> None:
        assert abs(clock.now() - moment(text) - ago) < timedelta(seconds=5)

    @pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "-1d", "1w", "1.5h"])
    def test_is_refused_where_it_is_neither(self, text: str) -> None:
        with pytest.raises(Exception, match="is 90m, 36h or 7d"):
            moment(text)


class TestOldEvents:
    def test_are_forgotten_after_ninety_days_unless_they_are_in_trouble(self, failed: StripeEvent, seller: str) -> None:
        arrive(told_by_stripe(seller, "payment_intent.succeeded"))
        work()
        assert forget_old_events(limit=10) == 0
        with clock.moved_ahead(timedelta(days=91)):
            assert forget_old_events(limit=10) == 1
        assert StripeEvent.objects.get() == failed
