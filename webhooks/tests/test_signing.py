"""Signatures, judged by the Standard Webhooks library itself, which shares no code with ours."""

from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from commercecore_payments.clock import now
from webhooks.secrets import new_secret
from webhooks.signing import headers, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"payment.succeeded","timestamp":"2026-12-01T09:30:00.123456Z","data":{"name":"Zoë ☃"}}'


def present() -> int:
    return int(now().timestamp())


class TestASignature:
    def test_is_the_one_that_the_libraries_are_tested_with(self) -> None:
        # "sign function works" of https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
        signature = sign(SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body='{"test": 2432232314}')
        assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_is_accepted(self) -> None:
        signed = headers([SECRET], message_id="msg_1", timestamp=present(), body=BODY)
        assert Webhook(SECRET).verify(BODY.encode(), signed)["data"] == {"name": "Zoë ☃"}

    def test_of_two_secrets_is_accepted_by_either(self) -> None:
        old, new = new_secret(), new_secret()
        signed = headers([new, old], message_id="msg_1", timestamp=present(), body=BODY)
        assert len(signed["webhook-signature"].split(" ")) == 2
        for secret in (old, new):
            Webhook(secret).verify(BODY, signed)
        with pytest.raises(WebhookVerificationError):
            Webhook(new_secret()).verify(BODY, signed)

    def test_is_refused_for_another_body(self) -> None:
        signed = headers([SECRET], message_id="msg_1", timestamp=present(), body=BODY)
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(SECRET).verify(BODY.replace("succeeded", "failed"), signed)

    @pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
    def test_is_refused_for_another_id_or_time(self, name: str) -> None:
        signed = headers([SECRET], message_id="msg_1", timestamp=present(), body=BODY)
        tampered = {"webhook-id": "msg_2", "webhook-timestamp": str(present() - 1)}
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(SECRET).verify(BODY, {**signed, name: tampered[name]})

    def test_is_refused_once_it_is_old(self) -> None:
        old = int((now() - timedelta(minutes=10)).timestamp())
        with pytest.raises(WebhookVerificationError, match="too old"):
            Webhook(SECRET).verify(BODY, headers([SECRET], message_id="msg_1", timestamp=old, body=BODY))
