"""manage.py doctor: each check, where all is well and where it is not."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from commercecore_payments import clock
from commercecore_payments.doctor import configuration, stripe_side, work_done
from commercecore_payments.doctor.checks import NAMES, examine
from commercecore_payments.doctor.stripe_side import Stripe
from commercecore_payments.doctor.verdicts import Level
from commercecore_payments.heartbeats import Heartbeat
from commercecore_payments.models import WorkerHeartbeat
from commercecore_payments.tests.tenants import Tenant
from gateway.client import API_VERSION
from gateway.models import Kind, Operation
from gateway.models import Status as OperationStatus
from reconciliation.models import Run
from sandbox.models import SandboxFault, SandboxObject
from sandbox.resources import webhook_endpoints
from stripe_events.models import StripeEvent
from webhooks.models import WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)
OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
DOOR = "https://pay.example.com/webhooks/stripe"


def beside_stripe(settings: Any, environment: str) -> None:
    """Configured as beside a Stripe of its own, whose answers the sandbox gives."""
    settings.STRIPE_SANDBOX = False
    settings.STRIPE_ENVIRONMENT = environment
    settings.STRIPE_PUBLISHABLE_KEY = f"pk_{environment}_123"
    settings.PUBLIC_BASE_URL = "https://pay.example.com"


class TestTheDoctor:
    def test_finds_nothing_in_a_sandbox_with_a_worker(self) -> None:
        webhook_endpoints.register_own()
        Heartbeat().beat_when_due()
        written = io.StringIO()
        call_command("doctor", stdout=written)
        lines = written.getvalue().splitlines()
        assert [line.split()[0] for line in lines] == ["OK"] * len(NAMES)

    def test_ends_with_1_and_tells_the_cure_where_something_fails(self) -> None:
        webhook_endpoints.register_own()
        written = io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("doctor", format="json", stdout=written)
        assert ended.value.code == 1
        told = json.loads(written.getvalue())
        failed = [check for check in told["checks"] if check["level"] == "FAIL"]
        assert failed == [
            {"check": "worker", "level": "FAIL", "what": "No worker was seen in the last 90 s.", "cure": work_done.WORKER_CURE}
        ]
        assert told["ok"] is False

    def test_goes_on_after_a_check_that_breaks(self, settings: Any) -> None:
        settings.PUBLIC_BASE_URL = None
        settings.STRIPE_SANDBOX = False
        found = dict(examine())
        assert (found["public address"].level, len(found)) == (FAIL, len(NAMES))
        assert found["public address"].what.startswith("It could not be looked at: AttributeError")


class TestStripesSide:
    def test_is_fine_where_the_key_is_taken(self) -> None:
        assert stripe_side.secret_key(Stripe()).level == OK

    def test_fails_where_stripe_cannot_be_reached_and_waits_for_it_once(self) -> None:
        fault = SandboxFault.objects.create(kind="refuse_connection", times_left=9, created_at=clock.now())
        stripe = Stripe()
        for check in (stripe_side.secret_key, stripe_side.stripes_clock, stripe_side.connect_endpoint):
            found = check(stripe)
            assert (found.level, found.cure) == (FAIL, stripe_side.REACH_CURE)
        fault.refresh_from_db()
        assert fault.times_left == 8

    def test_fails_where_the_key_is_of_the_other_mode(self, settings: Any) -> None:
        settings.STRIPE_ENVIRONMENT = "live"
        assert stripe_side.secret_key(Stripe()).what == "Stripe answers in test mode, and the service runs otherwise."

    @pytest.mark.parametrize(("behind_s", "level"), [(0, OK), (29, OK), (40, WARN), (-40, WARN), (400, FAIL)])
    def test_judges_our_clock_by_stripes(self, settings: Any, behind_s: int, level: Level) -> None:
        beside_stripe(settings, "test")
        stripe, moment = Stripe(), datetime(2026, 12, 1, tzinfo=UTC)
        date = format_datetime(moment + timedelta(seconds=behind_s), usegmt=True)
        stripe.__dict__["_balance"] = ({}, date, moment)
        assert stripe_side.stripes_clock(stripe).level == level


def endpoint(**changes: Any) -> dict[str, Any]:
    known = {"id": "we_1", "url": DOOR, "status": "enabled", "enabled_events": ["*"], "api_version": API_VERSION}
    return {**known, "application": "ca_1", **changes}


class TestTheEndpointsAtStripe:
    @pytest.mark.parametrize(
        ("listed", "level", "what"),
        [
            ([endpoint()], OK, "with all events that matter here"),
            ([endpoint(api_version=None)], OK, "with all events that matter here"),
            ([], FAIL, f"no endpoint for events on connected accounts at {DOOR}."),
            ([endpoint(application=None)], FAIL, "no endpoint for events on connected accounts"),
            ([endpoint(url="https://old.example.com/hook")], FAIL, "there is one for https://old.example.com/hook"),
            ([endpoint(status="disabled")], FAIL, "we_1 is disabled"),
            ([endpoint(enabled_events=["payment_intent.succeeded"])], FAIL, "does not tell of account.application.deauthorized"),
            ([endpoint(api_version="2020-08-27")], WARN, "tells in version 2020-08-27"),
        ],
    )
    def test_are_judged(self, settings: Any, listed: list[Any], level: Level, what: str) -> None:
        beside_stripe(settings, "test")
        stripe = Stripe()
        stripe.__dict__["_endpoints"] = listed
        found = stripe_side.connect_endpoint(stripe)
        assert found.level == level
        assert what in found.what

    def test_are_two(self) -> None:
        webhook_endpoints.register_own()
        own = SandboxObject.objects.filter(object_type="webhook_endpoint", data__application=None)
        assert stripe_side.platform_endpoint(Stripe()).level == OK
        own.delete()
        assert stripe_side.platform_endpoint(Stripe()).level == FAIL
        assert stripe_side.connect_endpoint(Stripe()).level == OK


class TestTheConfiguration:
    @pytest.mark.parametrize(
        ("check", "changes", "in_test", "live"),
        [
            (configuration.publishable_key, {"STRIPE_PUBLISHABLE_KEY": "pk_sandbox_1"}, FAIL, FAIL),
            (configuration.publishable_key, {}, OK, OK),
            (configuration.secrets, {"SECRETS_ARE_GENERATED": True}, WARN, FAIL),
            (configuration.secrets, {"SECRETS_ARE_GENERATED": False}, OK, OK),
            (configuration.stripes_webhook_secrets, {"STRIPE_WEBHOOK_SECRETS_ARE_GENERATED": True}, FAIL, FAIL),
            (configuration.stripes_webhook_secrets, {"STRIPE_WEBHOOK_SECRETS_ARE_GENERATED": False}, OK, OK),
            (configuration.stripes_webhook_secrets, {"STRIPE_WEBHOOK_SECRETS_ARE_GENERATED": False,
                                                     "STRIPE_WEBHOOK_SECRETS": "whsec_"}, FAIL, FAIL),
            (configuration.encryption_keys, {"ANSWER_ENCRYPTION_KEYS": "a:short"}, FAIL, FAIL),
            (configuration.encryption_keys, {}, OK, OK),
            (configuration.public_address, {"PUBLIC_BASE_URL": "http://pay.example.com"}, WARN, FAIL),
            (configuration.public_address, {}, OK, OK),
            (configuration.debug, {"DEBUG": True}, WARN, FAIL),
            (configuration.debug, {"DEBUG": False}, OK, OK),
        ],
    )  # fmt: skip
    def test_is_judged_by_what_the_key_stands_for(
        self, settings: Any, check: Callable[[], Any], changes: dict[str, Any], in_test: Level, live: Level
    ) -> None:
        found = []
        for environment in ("test", "live"):
            beside_stripe(settings, environment)
            for name, value in changes.items():
                setattr(settings, name, value)
            found.append(check().level)
        assert found == [in_test, live]

    def test_has_keys_that_open_what_is_stored(self, tenant: Tenant) -> None:
        WebhookEndpoint.objects.create(app=tenant.app, url="https://shop.example/hook", secret="x", secret_key_id="lost")
        found = configuration.encryption_keys()
        assert (found.level, found.what.split()[3]) == (FAIL, "1")
        WebhookEndpoint.objects.update(deleted_at=timezone.now())
        assert configuration.encryption_keys().level == OK

    def test_tells_of_records_of_a_sandbox_beside_live_ones(self, tenant: Tenant, settings: Any) -> None:
        tenant.create_seller(onboarded=False)
        assert configuration.environments().level == OK
        settings.STRIPE_ENVIRONMENT = "live"
        assert (configuration.environments().level, "sandbox" in configuration.environments().what) == (WARN, True)

    def test_has_all_migrations(self) -> None:
        assert configuration.migrations().level == OK
        MigrationRecorder(connection).record_unapplied("sandbox", "0003_lists_by_time")
        found = configuration.migrations()
        MigrationRecorder(connection).record_applied("sandbox", "0003_lists_by_time")
        assert (found.level, found.what) == (FAIL, "1 migrations are not applied: sandbox.0003_lists_by_time.")

    def test_has_a_database_whose_clock_is_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert configuration.database_clock().level == OK
        monkeypatch.setattr(configuration, "database_now", lambda: clock.now() - timedelta(seconds=45))
        assert configuration.database_clock().what == "Our clock is 45 s ahead of the database's."


class TestAWorker:
    def test_is_seen_while_it_lives(self) -> None:
        heartbeat = Heartbeat()
        heartbeat.beat_when_due()
        heartbeat.beat_when_due()
        assert work_done.worker().level == OK
        assert WorkerHeartbeat.objects.count() == 1
        with clock.moved_ahead(timedelta(seconds=91)):
            assert work_done.worker().level == FAIL
        heartbeat.end()
        assert work_done.worker().level == FAIL

    def test_that_is_gone_is_forgotten_after_a_day(self) -> None:
        with clock.moved_ahead(-timedelta(hours=25)):
            Heartbeat().beat_when_due()
        Heartbeat().beat_when_due()
        assert WorkerHeartbeat.objects.count() == 1

    def test_of_an_earlier_release_leaves_work_undone(self) -> None:
        Heartbeat().beat_when_due()
        WorkerHeartbeat.objects.update(groups=["operations", "deliveries", "reconciliation"])
        assert work_done.worker().what == "No worker does: Stripe's events."


class TestWork:
    def test_that_waits_for_a_person_is_told(self, tenant: Tenant, seller: str) -> None:
        assert work_done.operations().level == OK
        Operation.objects.filter(kind=Kind.ACCOUNT_CREATE).update(status=OperationStatus.NEEDS_REVIEW, closed_at=None)
        assert (work_done.operations().level, work_done.operations().what[0]) == (WARN, "1")

    def test_that_is_overdue_is_told(self, tenant: Tenant) -> None:
        moment = clock.now() - timedelta(hours=2, minutes=5)
        StripeEvent.objects.create(
            livemode=False, event_id="evt_1", type="refund.updated", payload={}, happened_at=moment, next_attempt_at=moment
        )
        assert (work_done.stripe_events().level, work_done.stripe_events().what) == (
            WARN,
            "An event of Stripe's has been due for 2 h 5 min.",
        )
        StripeEvent.objects.update(status="applied")
        assert work_done.stripe_events().level == OK
        StripeEvent.objects.update(status="failed")
        assert work_done.stripe_events().level == WARN

    def test_of_a_night_is_told_where_it_is_missed(self, settings: Any) -> None:
        assert work_done.reconciliation().level == OK
        beside_stripe(settings, "test")
        assert work_done.reconciliation().what == "Our records were never compared with Stripe's books."
        moment = clock.now() - timedelta(hours=37)
        Run.objects.create(status="finished", started_at=moment, finished_at=moment, grace_s=0, asked_by="test")
        assert work_done.reconciliation().level == OK  # by hand, since nothing is done nightly in the tests
        settings.RECONCILE_NIGHTLY_AT = time(3)
        assert work_done.reconciliation().what == "The last comparison began 37 h 0 min ago."
        moment = clock.now()
        ended = {"status": "finished", "started_at": moment, "finished_at": moment}
        Run.objects.create(**ended, grace_s=0, asked_by="test", account_id="acct_1")
        assert work_done.reconciliation().level == WARN  # one account says nothing of the others
        Run.objects.update(started_at=moment)
        assert work_done.reconciliation().level == OK
        Run.objects.update(not_compared={"acct_2": "Stripe refused."})
        assert work_done.reconciliation().what.endswith("left out: acct_2.")
        Run.objects.update(not_compared={})
        Run.objects.update(status="failed", error="Stripe could not be asked.")
        assert work_done.reconciliation().level == WARN
