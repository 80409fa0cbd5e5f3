"""Which JSON Web Tokens are believed. Nothing here may touch the database: verification comes before it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.exceptions import ImproperlyConfigured

from commercecore_payments import clock
from developers import json_web_tokens
from developers.errors import InvalidToken
from developers.json_web_tokens import Claims
from developers.tests import issuer
from developers.tests.issuer import APP_ID, DEVELOPER_ID, SECRET, SECRET_KEYS, claims, forge, sign


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.JWT_KEYS = {
        **SECRET_KEYS,
        "rsa": {"algorithm": "RS256", "key": issuer.public_pem(issuer.rsa_key())},
        "curve": {"algorithm": "ES256", "key": issuer.public_pem(issuer.elliptic_curve_key())},
    }


def refused(text: str) -> bool:
    with pytest.raises(InvalidToken) as caught:
        json_web_tokens.verify(text)
    return caught.value.message == "Invalid or expired token" and caught.value.code == "invalid_token"


class TestAGoodToken:
    @pytest.mark.parametrize("kid", ["shared", "rsa", "curve"])
    def test_is_believed_by_the_key_that_it_names(self, kid: str) -> None:
        key, algorithm = {
            "shared": (SECRET, "HS256"),
            "rsa": (issuer.rsa_key(), "RS256"),
            "curve": (issuer.elliptic_curve_key(), "ES256"),
        }[kid]

        verified = json_web_tokens.verify(sign(key=key, algorithm=algorithm, kid=kid))

        assert verified == Claims(kid=kid, jti="a3f1c2", developer_id=DEVELOPER_ID, app_ids=frozenset({APP_ID}))

    def test_needs_no_kid_where_one_key_is_configured(self, settings: Any) -> None:
        settings.JWT_KEYS = SECRET_KEYS

        assert json_web_tokens.verify(sign(kid=None)).kid == "shared"

    @pytest.mark.parametrize(
        "changes",
        [
            {"user_id": ...},
            {"user_id": None},
            {"app_ids": []},
            {"aud": "elsewhere"},
            {"iss": "someone"},
            {"nbf": 0},
            {"jti": "j" * 255},
            {"developer_id": "de_" + "x" * 61},
            {"app_ids": ["ap_" + "x" * 61]},
            {"unknown": {"claim": 1}},
        ],
    )
    def test_may_leave_out_or_add_what_is_not_required(self, changes: dict[str, Any]) -> None:
        assert json_web_tokens.verify(sign(claims(**changes))).kid == "shared"

    def test_names_an_app_twice_as_once(self) -> None:
        assert json_web_tokens.verify(sign(claims(app_ids=[APP_ID, APP_ID]))).app_ids == {APP_ID}

    def test_works_until_the_second_of_its_expiry(self) -> None:
        moment = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            text = sign(claims(exp=int(moment.timestamp()) + 60))
        with time_machine.travel(moment + timedelta(seconds=59), tick=False):
            assert json_web_tokens.verify(text).jti == "a3f1c2"
        with time_machine.travel(moment + timedelta(seconds=60), tick=False):
            assert refused(text)


class TestATokenIsRefused:
    def test_without_a_signature(self) -> None:
        for name in ("none", "None", "NONE", "nOnE", ""):
            assert refused(forge({"alg": name, "typ": "JWT", "kid": "shared"}, claims()))
            assert refused(forge({"alg": name, "typ": "JWT", "kid": "rsa"}, claims()))
        assert refused(forge({"typ": "JWT", "kid": "shared"}, claims()))

    def test_with_the_public_key_as_an_hmac_secret(self) -> None:
        public = issuer.public_pem(issuer.rsa_key()).encode()
        for kid in ("rsa", "curve", "shared"):
            unsigned = forge({"alg": "HS256", "typ": "JWT", "kid": kid}, claims()).rsplit(".", 1)[0]
            signature = hmac.new(public, unsigned.encode(), hashlib.sha256).digest()
            assert refused(f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # the signer's own secret is short for these
    def test_with_a_sister_of_the_keys_algorithm(self, algorithm: str) -> None:
        assert refused(sign(algorithm=algorithm))

    @pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
    def test_with_another_algorithm_of_the_same_rsa_key(self, algorithm: str) -> None:
        assert refused(sign(key=issuer.rsa_key(), algorithm=algorithm, kid="rsa"))

    def test_when_its_kid_names_another_configured_key(self) -> None:
        assert refused(sign(kid="rsa"))
        assert refused(sign(key=issuer.rsa_key(), algorithm="RS256", kid="shared"))

    @pytest.mark.parametrize(
        "kid", ["unknown", "", "SHARED", "shared\0", "../../dev/null", "' OR 1=1 --", "http://127.0.0.1/key", "é", "__class__"]
    )
    def test_when_its_kid_is_not_configured(self, kid: str) -> None:
        assert refused(sign(kid=kid))

    @pytest.mark.parametrize("kid", [None, 1, True, ["shared"], {"shared": 1}, "\ud800"])
    def test_when_its_kid_is_not_a_text_of_ours(self, kid: Any) -> None:
        assert refused(forge({"alg": "HS256", "kid": kid}, claims(), b"x" * 32))

    def test_when_it_names_no_kid_and_several_keys_are_configured(self) -> None:
        assert refused(sign(kid=None))

    def test_when_it_names_an_unknown_kid_and_one_key_is_configured(self, settings: Any) -> None:
        settings.JWT_KEYS = SECRET_KEYS

        assert refused(sign(kid="unknown"))

    def test_when_no_key_is_configured(self, settings: Any) -> None:
        settings.JWT_KEYS = {}

        assert refused(sign())
        assert refused(sign(kid=None))

    def test_when_it_brings_its_own_key(self) -> None:
        own = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
        for headers in (
            {"jwk": public},
            {"jku": "https://attacker.example/keys"},
            {"x5u": "https://a.example"},
            {"x5c": ["MII"]},
        ):
            for kid in ("curve", None):
                assert refused(sign(key=own, algorithm="ES256", kid=kid, headers=headers))

    def test_when_it_asks_for_an_extension_that_nobody_knows(self) -> None:
        assert refused(sign(headers={"crit": ["exp"]}))
        assert refused(forge({"alg": "HS256", "kid": "shared", "b64": False, "crit": ["b64"]}, b"", b"x" * 32))

    def test_with_an_elliptic_signature_of_nothing(self) -> None:
        """As of CVE-2022-21449: zeros satisfy the equation of ECDSA where nobody looks at their range. And one in DER."""
        text = sign(key=issuer.elliptic_curve_key(), algorithm="ES256", kid="curve")
        signed = text.rsplit(".", 1)[0]
        own = issuer.elliptic_curve_key().sign(signed.encode(), ec.ECDSA(SHA256()))
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256: SEC 2, section 2.4.2
        for signature in (b"\0" * 64, order.to_bytes(32, "big") * 2, own, b""):
            assert refused(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")

    def test_by_its_name_and_not_by_its_letters_where_it_is_revoked(self) -> None:
        """Whoever has a token of ES256 can write its signature in a second way: it is the same token, with the same `jti`."""
        signed, signature = sign(key=issuer.elliptic_curve_key(), algorithm="ES256", kid="curve").rsplit(".", 1)
        raw = base64.urlsafe_b64decode(signature + "==")
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        other = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
        second = f"{signed}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}"
        assert json_web_tokens.verify(second).jti == "a3f1c2"

    def test_with_numbers_that_no_clock_has(self) -> None:
        header = {"alg": "HS256", "kid": "shared"}
        for claim in ("exp", "iat", "nbf"):
            for number in ("1e999", "-1e999", "9" * 5_000, "NaN"):
                payload = json.dumps(claims(**{claim: "here"})).replace('"here"', number).encode()
                assert refused(jwt.api_jws.encode(payload, SECRET, "HS256", headers=header))
        assert json_web_tokens.verify(sign(claims(exp=10**30))).jti == "a3f1c2"

    def test_where_a_claim_is_named_twice_unless_the_last_one_is_good(self) -> None:
        """RFC 7519, section 4: the last one counts, in every reader that takes any."""
        good = json.dumps(claims())
        for payload in (good[:-1] + ', "exp": 1}', good[:-1] + ', "token_type": "refresh"}'):
            assert refused(jwt.api_jws.encode(payload.encode(), SECRET, "HS256", headers={"kid": "shared"}))

    def test_when_a_letter_of_it_was_changed(self) -> None:
        text = sign()
        header, payload, signature = text.split(".")
        other = sign(claims(developer_id="de_another")).split(".")[1]
        assert refused(f"{header}.{other}.{signature}")
        assert refused(f"{header}.{payload}.{signature[:-4]}AAAA")
        assert refused(f"{header}.{payload}.")

    @pytest.mark.parametrize("name", ["exp", "iat", "jti", "token_type", "developer_id", "app_ids"])
    def test_without_a_required_claim(self, name: str) -> None:
        assert refused(sign(claims(**{name: ...})))
        assert refused(sign(claims(**{name: None})))

    @pytest.mark.parametrize(
        "changes",
        [
            {"token_type": "refresh"},
            {"token_type": "Access"},
            {"token_type": ["access"]},
            {"exp": "4102444800"},
            {"exp": True},
            {"exp": float("inf")},
            {"exp": float("nan")},
            {"exp": [4102444800]},
            {"exp": -1},
            {"iat": "0"},
            {"iat": True},
            {"iat": {}},
            {"nbf": "0"},
            {"nbf": None},
            {"jti": ""},
            {"jti": 7},
            {"jti": ["a"]},
            {"jti": "j" * 256},
            {"jti": "a\0b"},
            {"jti": "a\ud800"},
            {"developer_id": 7},
            {"developer_id": ""},
            {"developer_id": "de_"},
            {"developer_id": "ap_abc"},
            {"developer_id": "x de_abc"},
            {"developer_id": "de_abc\n"},
            {"developer_id": "de_a/b"},
            {"developer_id": "de_é"},
            {"developer_id": "de_" + "x" * 62},
            {"developer_id": ["de_abc"]},
            {"app_ids": "ap_abc"},
            {"app_ids": {"ap_abc": 1}},
            {"app_ids": [APP_ID, 7]},
            {"app_ids": [APP_ID, None]},
            {"app_ids": [[APP_ID]]},
            {"app_ids": [APP_ID, "ap_"]},
            {"app_ids": [APP_ID, "de_abc"]},
            {"app_ids": [APP_ID, "ap_a\0"]},
            {"app_ids": [APP_ID, "ap_" + "x" * 62]},
            {"user_id": 7},
            {"user_id": ""},
            {"user_id": "u" * 256},
            {"user_id": "a\nb"},
        ],
    )
    def test_with_a_claim_of_the_wrong_kind(self, changes: dict[str, Any]) -> None:
        assert refused(sign(claims(**changes)))

    @pytest.mark.parametrize("changes", [{"iat": 60}, {"iat": 3}, {"nbf": 60}, {"exp": 0}, {"exp": -1}])
    def test_outside_its_times(self, changes: dict[str, int]) -> None:
        now = int(clock.now().timestamp())

        assert refused(sign(claims(**{name: now + seconds for name, seconds in changes.items()})))

    @pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"text"', b"{", b"\xff", b"[" * 4000])
    def test_when_its_claims_are_no_json_object(self, payload: bytes) -> None:
        assert refused(jwt.api_jws.encode(payload, SECRET, "HS256", headers={"kid": "shared"}))

    @pytest.mark.parametrize(
        "header", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 4000, b'{"alg":' * 500, b'{"alg":["HS256"],"kid":"shared"}']
    )
    def test_when_its_header_is_no_header(self, header: bytes) -> None:
        assert refused(forge(header, claims(), b"x" * 32))

    @pytest.mark.parametrize(
        "text", ["", ".", "..", "...", "a.b", "a.b.c.d", "not a token", "\0.\0.\0", "é.é.é", "\ud800", "=.=.=", "A" * 8000]
    )
    def test_when_it_is_no_token_at_all(self, text: str) -> None:
        assert refused(text)


class TestAnIssuerAndAnAudience:
    @pytest.fixture(autouse=True)
    def _expected(self, settings: Any) -> None:
        settings.JWT_ISSUER = "https://commercecore.example"
        settings.JWT_AUDIENCE = "payments"

    def test_are_believed_where_they_are_the_configured_ones(self) -> None:
        for audience in ("payments", ["payments", "orders"]):
            assert json_web_tokens.verify(sign(claims(iss="https://commercecore.example", aud=audience))).jti == "a3f1c2"

    @pytest.mark.parametrize("foreign", ["https://elsewhere.example", "", "https://commercecore.example/", ...])
    def test_are_refused_where_the_issuer_is_foreign_or_missing(self, foreign: Any) -> None:
        assert refused(sign(claims(iss=foreign, aud="payments")))

    @pytest.mark.parametrize("foreign", ["orders", [], ["orders"], "payment", 7, None, ...])
    def test_are_refused_where_the_audience_is_foreign_or_missing(self, foreign: Any) -> None:
        assert refused(sign(claims(iss="https://commercecore.example", aud=foreign)))


class TestAMisconfiguredKey:
    """It fails loudly instead of verifying too much: an unsigned token must never pass for a typing mistake."""

    @pytest.mark.parametrize(
        "entry", [{"algorithm": "none", "key": ""}, {"algorithm": "HS256", "key": ""}, {"algorithm": "HS256"}]
    )
    def test_verifies_nothing(self, settings: Any, entry: dict[str, str]) -> None:
        settings.JWT_KEYS = {"shared": entry}

        with pytest.raises(ImproperlyConfigured, match="'shared'"):
            json_web_tokens.verify(forge({"alg": "none", "kid": "shared"}, claims()))
