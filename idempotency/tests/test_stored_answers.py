"""What lies in the table: encrypted answers, under keys that can be changed."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from commercecore_payments.encryption import load_keys
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe
from commercecore_payments.tests.test_configuration import manage
from gateway.models import Operation
from idempotency.models import IdempotencyKey
from idempotency.tests.keyed import assert_refused, is_replay, under

# The same in each of the processes that share the tests.
OLD, NEW = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))


def create(tenant: Tenant, seller: str) -> Any:
    return tenant.post("/transactions", {"order_id": "order-77", "account_id": seller, "amount": 1000}, **under())


class TestAStoredAnswer:
    def test_is_nowhere_in_a_dump_of_the_table(self, tenant: Tenant, seller: str) -> None:
        response = create(tenant, seller)
        secret = intent_at_stripe(seller, response.json()["data"]["transaction_id"])["client_secret"]
        assert secret in response.content.decode()
        dump = json.dumps(list(IdempotencyKey.objects.values()), default=str)
        body = response.json()
        texts = [secret, seller, "order-77", "_secret_", *(str(value) for value in body["data"].values() if len(str(value)) > 6)]
        assert [text for text in texts if text in dump] == []

    def test_names_the_key_that_it_is_encrypted_with(self, tenant: Tenant, seller: str, settings: Any) -> None:
        settings.ANSWER_ENCRYPTION_KEYS = f"old:{OLD}"
        response = create(tenant, seller)
        row = IdempotencyKey.objects.get()
        assert (row.encryption_key_id, row.status_code, row.api_version) == ("old", 201, "2024-09-26")
        assert json.loads(Fernet(OLD).decrypt(row.answer.encode())) == response.json()

    def test_is_read_after_another_key_came_before_its_own(self, tenant: Tenant, seller: str, settings: Any) -> None:
        settings.ANSWER_ENCRYPTION_KEYS = f"old:{OLD}"
        first = create(tenant, seller)
        settings.ANSWER_ENCRYPTION_KEYS = f"new:{NEW}, old:{OLD}"
        second = create(tenant, seller)
        assert (second.content, is_replay(second)) == (first.content, True)
        tenant.post("/connected-accounts", {"email": "b@example.com"}, **under("another"))
        assert IdempotencyKey.objects.get(key="another").encryption_key_id == "new"

    @pytest.mark.parametrize("keys", [f"new:{NEW}", f"old:{NEW}"], ids=["gone", "another under its id"])
    def test_whose_key_is_lost_is_an_error_and_never_a_second_execution(
        self, tenant: Tenant, seller: str, settings: Any, keys: str
    ) -> None:
        settings.ANSWER_ENCRYPTION_KEYS = f"old:{OLD}"
        first = create(tenant, seller)
        before = Operation.objects.count()
        settings.ANSWER_ENCRYPTION_KEYS = keys
        assert_refused(create(tenant, seller), 503, "stored_answer_unreadable")
        assert Operation.objects.count() == before
        settings.ANSWER_ENCRYPTION_KEYS = f"new:{NEW},old:{OLD}"
        assert create(tenant, seller).content == first.content


class TestTheKeysOfStoredAnswers:
    def test_are_one_or_several(self, settings: Any) -> None:
        assert len(load_keys("ANSWER_ENCRYPTION_KEYS", settings.ANSWER_ENCRYPTION_KEYS)) == 1
        assert list(load_keys("ANSWER_ENCRYPTION_KEYS", f"new:{NEW}, old:{OLD}")) == ["new", "old"]

    @pytest.mark.parametrize(
        "keys",
        ["", NEW, f":{NEW}", f"a:{NEW[:-4]}", f"a:{NEW},", f"a:{NEW},a:{OLD}", f"{'a' * 33}:{NEW}", "a:schlüssel"],
        ids=range(8),
    )
    def test_that_cannot_be_used_are_refused_and_not_repeated(self, keys: str) -> None:
        with pytest.raises(ImproperlyConfigured) as refused:
            load_keys("ANSWER_ENCRYPTION_KEYS", keys)
        assert str(refused.value).startswith("ANSWER_ENCRYPTION_KEYS")
        assert NEW[:20] not in str(refused.value)

    def test_that_cannot_be_used_keep_the_service_from_starting(self, tmp_path: Path) -> None:
        done = manage(tmp_path, "check", ANSWER_ENCRYPTION_KEYS="a:short")
        sentence = "ANSWER_ENCRYPTION_KEYS: the key 'a' is not 32 bytes in URL-safe base64."
        assert (done.returncode, done.stderr) == (1, f"Configuration: {sentence}\n")
