"""Each key is changed without a gap: what the old one made works beside the new one, and no longer without it."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from commercecore_payments import clock
from commercecore_payments.clock import database_now
from commercecore_payments.doctor.old_keys import old_keys
from commercecore_payments.doctor.verdicts import Level
from commercecore_payments.key_rotation import STORES
from commercecore_payments.tests.tenants import Tenant
from developers.models import DeveloperToken
from developers.operations import rotate_token
from developers.tests.issuer import claims, sign
from idempotency.models import IdempotencyKey
from staff.tokens import Bound, form_of, new_token
from stripe_events.tests.arrivals import send, told_by_stripe
from webhooks.errors import SecretUnreadable
from webhooks.models import WebhookEndpoint
from webhooks.secrets import signing_secrets
from webhooks.tests.consumers import create_endpoint

OLD, NEW = "an old key that is long enough for all", "a new key that is as long as the old one"


def fernet(name: str) -> str:
    return f"{name}:{Fernet.generate_key().decode()}"


def rotate_encryption(**options: Any) -> tuple[int, list[str]]:
    """The exit status of the command, and its lines."""
    written = io.StringIO()
    try:
        call_command("rotate_encryption", stdout=written, **options)
    except SystemExit as ended:
        return int(str(ended.code)), written.getvalue().splitlines()
    return 0, written.getvalue().splitlines()


class TestADeveloperToken:
    def test_is_replaced_while_both_work(self, tenant: Tenant) -> None:
        row = DeveloperToken.objects.get()
        _, new = rotate_token(token=row, old_ends_at=clock.now() + timedelta(hours=1))
        assert [tenant.get("/events").status_code, tenant.client.get("/api/v1/connected-accounts", headers={
            "X-Developer-Token": new}).status_code] == [200, 200]  # fmt: skip
        with clock.moved_ahead(timedelta(hours=1)):
            assert tenant.get("/events").status_code == 401


class TestTheHashKeyOfTokens:
    def test_is_changed_while_tokens_of_both_keys_work(self, settings: Any, transactional_db: None) -> None:
        settings.TOKEN_HASH_KEY = OLD
        before = Tenant.create()
        settings.TOKEN_HASH_KEY_FALLBACKS = [NEW]  # given to all machines first
        assert old_keys().cure.startswith("Take out of the environment what is old, and leave what is about to become the first")
        settings.TOKEN_HASH_KEY, settings.TOKEN_HASH_KEY_FALLBACKS = NEW, ["one that is older still", OLD]
        after = Tenant.create()
        assert [one.get("/events").status_code for one in (before, after)] == [200, 200]
        assert (old_keys().level, old_keys().what) == (
            Level.WARN, "Nothing needs key 1 of TOKEN_HASH_KEY_FALLBACKS now.")  # fmt: skip
        settings.TOKEN_HASH_KEY_FALLBACKS = [OLD]
        assert old_keys().what == "Still needed: key 1 of TOKEN_HASH_KEY_FALLBACKS."
        settings.TOKEN_HASH_KEY_FALLBACKS = []
        assert [one.get("/events").status_code for one in (before, after)] == [401, 200]
        assert (old_keys().level, old_keys().what.split()[0]) == (Level.FAIL, "1")
        DeveloperToken.objects.filter(developer=before.developer).update(revoked_at=clock.now())
        assert old_keys().what == "There are none."


class TestTheKeyOfOnboardingLinks:
    def test_is_changed_while_links_of_both_keys_open(self, settings: Any, tenant: Tenant) -> None:
        settings.LINK_SIGNING_KEY = OLD
        link = tenant.post("/connected-accounts", {"email": "seller@example.com"}).json()["links"]["onboarding_url"]
        settings.LINK_SIGNING_KEY, settings.LINK_SIGNING_KEY_FALLBACKS = NEW, [OLD]
        assert tenant.client.get(link).status_code == 302
        assert "LINK_SIGNING_KEY_FALLBACKS can go 18 hours after" in old_keys().what
        settings.LINK_SIGNING_KEY_FALLBACKS = []
        assert tenant.client.get(link).status_code == 410


class TestDjangosSecretKey:
    def test_is_changed_while_sessions_and_forms_of_both_keys_live(self, settings: Any, db: None) -> None:
        settings.SECRET_KEY = OLD
        browser, bound = Client(), Bound(1, "transactions.transaction:1", "refund")
        browser.force_login(get_user_model().objects.create_superuser("admin"))
        form = new_token(bound)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
        assert browser.get("/admin/").status_code == 200
        assert form_of(form, bound) is not None
        stale = Client()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
        stale.force_login(get_user_model().objects.get())
        form = new_token(bound)
        settings.SECRET_KEY = NEW
        assert stale.get("/admin/").status_code == 302
        assert form_of(form, bound) is None
        assert browser.get("/admin/").status_code == 200  # the session was signed anew at its use beside both


class TestTheKeysOfJsonWebTokens:
    def test_are_changed_while_tokens_of_both_verify(self, settings: Any, tenant: Tenant) -> None:
        def status(kid: str, key: str) -> int:
            text = sign(claims(developer_id=tenant.developer.pk), key=key, kid=kid)
            found = tenant.client.get("/api/v1/connected-accounts", headers={"X-Developer-Token": text})
            return int(found.status_code)

        keys = {name: {"algorithm": "HS256", "key": key} for name, key in (("old", OLD), ("new", NEW))}
        settings.JWT_KEYS = keys
        assert [status("old", OLD), status("new", NEW), status("old", NEW)] == [200, 200, 401]
        settings.JWT_KEYS = {"new": keys["new"]}
        assert [status("old", OLD), status("new", NEW)] == [401, 200]


class TestStripesWebhookSecrets:
    def test_are_changed_while_events_signed_with_either_arrive(self, settings: Any, tenant: Tenant, seller: str) -> None:
        event = told_by_stripe(seller)[0]
        new, old = f"whsec_{'a' * 32}", f"whsec_{'b' * 32}"
        settings.STRIPE_WEBHOOK_SECRETS = settings.STRIPE_CONNECT_WEBHOOK_SECRETS = ",".join((new, old))
        assert [send(event, secret=secret).status_code for secret in (old, new)] == [200, 200]
        settings.STRIPE_WEBHOOK_SECRETS = settings.STRIPE_CONNECT_WEBHOOK_SECRETS = new
        assert [send(event, secret=secret).status_code for secret in (old, new)] == [400, 200]


class TestTheKeysOfWhatIsEncrypted:
    @pytest.fixture
    def stored(self, tenant: Tenant, settings: Any) -> tuple[Tenant, list[str], str]:
        """An endpoint with its two secrets and a stored answer under the key `old`, which the key `new` has come before."""
        settings.WEBHOOK_SECRET_KEYS = old_secrets = fernet("old")
        settings.ANSWER_ENCRYPTION_KEYS = old_answers = fernet("old")
        endpoint = create_endpoint(tenant)
        rotated = tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {}).json()["data"]["secret"]
        answer = self._create(tenant).json()
        settings.WEBHOOK_SECRET_KEYS = f"{fernet('new')},{old_secrets}"
        settings.ANSWER_ENCRYPTION_KEYS = f"{fernet('new')},{old_answers}"
        return tenant, [rotated, endpoint["secret"]], json.dumps(answer)

    def _create(self, tenant: Tenant) -> Any:
        return tenant.post("/connected-accounts", {"email": "seller@example.com"}, **{"Idempotency-Key": "one"})

    def _signing(self) -> list[str]:
        return signing_secrets(WebhookEndpoint.objects.get(), database_now())

    def test_are_changed_and_the_old_ones_given_up(self, stored: tuple[Tenant, list[str], str], settings: Any) -> None:
        tenant, secrets, answer = stored
        old = (settings.WEBHOOK_SECRET_KEYS, settings.ANSWER_ENCRYPTION_KEYS)
        assert old_keys().what == "Still needed: 'old' of WEBHOOK_SECRET_KEYS, 'old' of ANSWER_ENCRYPTION_KEYS."
        status, lines = rotate_encryption(dry_run=True)
        assert (status, [line.split(": ")[1].split()[0] for line in lines]) == (0, ["1", "1"])
        assert old_keys().level == Level.OK

        assert rotate_encryption()[0] == 0
        assert old_keys().what == "Nothing needs 'old' of WEBHOOK_SECRET_KEYS, 'old' of ANSWER_ENCRYPTION_KEYS now."
        settings.WEBHOOK_SECRET_KEYS, settings.ANSWER_ENCRYPTION_KEYS = (keys.split(",")[0] for keys in old)
        assert (self._signing(), json.dumps(self._create(tenant).json())) == (secrets, answer)
        status, lines = rotate_encryption()
        assert (status, lines[0]) == (
            0, "secrets of webhook endpoints: 0 encrypted anew, 0 changed meanwhile, 0 unreadable: its key is gone")  # fmt: skip

    def test_that_are_gone_too_early_open_nothing_and_are_told(
        self, stored: tuple[Tenant, list[str], str], settings: Any
    ) -> None:
        settings.WEBHOOK_SECRET_KEYS = settings.WEBHOOK_SECRET_KEYS.split(",")[0]
        before = WebhookEndpoint.objects.values().get()
        status, lines = rotate_encryption(limit=1)
        assert (status, lines[0].split(", ")[2]) == (3, "1 unreadable: its key is gone")
        assert WebhookEndpoint.objects.values().get() == before
        with pytest.raises(SecretUnreadable):
            self._signing()

    def test_that_are_gone_keep_no_other_row_from_its_turn(self, stored: tuple[Tenant, list[str], str], settings: Any) -> None:
        both = settings.WEBHOOK_SECRET_KEYS
        settings.WEBHOOK_SECRET_KEYS = both.split(",")[1]
        create_endpoint(stored[0])
        settings.WEBHOOK_SECRET_KEYS = both
        first = WebhookEndpoint.objects.order_by("pk")[0]
        WebhookEndpoint.objects.filter(pk=first.pk).update(secret_key_id="gone")
        assert rotate_encryption(limit=1)[1][0] == (
            "secrets of webhook endpoints: 1 encrypted anew, 0 changed meanwhile, 1 unreadable: its key is gone"
        )

    def test_leave_alone_what_was_changed_meanwhile(self, stored: tuple[Tenant, list[str], str]) -> None:
        tenant, _, _ = stored
        endpoints, answers = STORES
        old, kept = endpoints.under_older_keys().get(), answers.under_older_keys().get()
        new = tenant.post(f"/webhook-endpoints/{old.pk}/rotate-secret", {}).json()["data"]["secret"]
        IdempotencyKey.objects.all().delete()
        assert (endpoints.encrypt_anew(old), answers.encrypt_anew(kept)) == (False, False)
        assert self._signing()[0] == new

    def test_forget_a_previous_secret_whose_day_is_over(self, stored: tuple[Tenant, list[str], str]) -> None:
        WebhookEndpoint.objects.update(previous_secret_expires_at=database_now() - timedelta(seconds=1))
        assert rotate_encryption()[0] == 0
        row = WebhookEndpoint.objects.get()
        assert (row.secret_key_id, row.previous_secret, row.previous_secret_expires_at) == ("new", "", None)
