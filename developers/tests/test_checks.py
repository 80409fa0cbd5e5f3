"""What `manage.py check` says about the callers' keys."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.checks import run_checks

from developers.checks import check_json_web_token_keys, check_token_hash_key
from developers.tests import issuer


def complaints(settings: Any, keys: Any) -> list[str]:
    settings.JWT_KEYS = keys
    return [message.msg for message in check_json_web_token_keys(None)]


class TestTheCheckOfTheKeys:
    def test_accepts_one_good_key_of_each_algorithm_and_none_at_all(self, settings: Any) -> None:
        good = {
            "shared": {"algorithm": "HS256", "key": "s" * 32},
            "rsa": {"algorithm": "RS256", "key": issuer.public_pem(issuer.rsa_key())},
            "curve": {"algorithm": "ES256", "key": issuer.public_pem(issuer.elliptic_curve_key())},
        }

        assert complaints(settings, good) == []
        assert complaints(settings, {}) == []

    def test_names_every_bad_key(self, settings: Any) -> None:
        short = {"algorithm": "HS256", "key": "s" * 31}

        assert complaints(settings, {"first": short, "second": short}) == [
            f"COMMERCECORE_JWT_KEYS: the key '{kid}' cannot be used. An HS256 secret must have at least 32 bytes; it has 31."
            for kid in ("first", "second")
        ]

    def test_refuses_a_public_key_as_an_hmac_secret(self, settings: Any) -> None:
        for text in (
            issuer.public_pem(issuer.rsa_key()),
            issuer.private_pem(issuer.elliptic_curve_key()),
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ",
            '{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}',
        ):
            [complaint] = complaints(settings, {"k": {"algorithm": "HS256", "key": text}})
            assert complaint.startswith("COMMERCECORE_JWT_KEYS: the key 'k' cannot be used.")
            assert text not in complaint

    def test_refuses_an_rsa_key_that_is_short_private_or_none(self, settings: Any) -> None:
        for text in (
            issuer.public_pem(issuer.rsa_key(1024)),
            issuer.private_pem(issuer.rsa_key()),
            issuer.public_pem(issuer.elliptic_curve_key()),
            "no key",
            "",
        ):
            assert len(complaints(settings, {"k": {"algorithm": "RS256", "key": text}})) == 1

    def test_refuses_a_curve_other_than_p_256(self, settings: Any) -> None:
        for text in (issuer.public_pem(ec.generate_private_key(ec.SECP384R1())), issuer.public_pem(issuer.rsa_key())):
            assert complaints(settings, {"k": {"algorithm": "ES256", "key": text}}) == [
                "COMMERCECORE_JWT_KEYS: the key 'k' cannot be used. ES256 needs a public key on the curve P-256 in PEM."
            ]

    @pytest.mark.parametrize("algorithm", ["none", "", "hs256", "HS512", "RS384", "PS256", "EdDSA"])
    def test_refuses_any_other_algorithm(self, settings: Any, algorithm: str) -> None:
        assert complaints(settings, {"k": {"algorithm": algorithm, "key": "s" * 64}}) == [
            "COMMERCECORE_JWT_KEYS: the algorithm of 'k' must be one of HS256, RS256, ES256."
        ]

    @pytest.mark.parametrize(
        "entry", ["secret", None, [], {}, {"algorithm": "HS256"}, {"key": "s" * 32}, {"algorithm": [], "key": 1}]
    )
    def test_refuses_an_entry_that_lacks_its_parts(self, settings: Any, entry: Any) -> None:
        assert complaints(settings, {"k": entry}) == [
            "COMMERCECORE_JWT_KEYS: 'k' must have an 'algorithm' and a 'key', both text."
        ]

    def test_refuses_a_list_of_keys(self, settings: Any) -> None:
        assert complaints(settings, [{"algorithm": "HS256", "key": "s" * 32}]) == [
            "COMMERCECORE_JWT_KEYS must be a JSON object of keys by their kid."
        ]

    def test_runs_with_all_the_others(self, settings: Any) -> None:
        settings.JWT_KEYS = {"k": {"algorithm": "none", "key": ""}}

        assert "developers.E002" in [message.id for message in run_checks()]


class TestTheCheckOfTheHashKey:
    def test_wants_32_bytes(self, settings: Any) -> None:
        settings.TOKEN_HASH_KEY = "k" * 31
        assert [message.msg for message in check_token_hash_key(None)] == ["TOKEN_HASH_KEY must have at least 32 bytes."]

        settings.TOKEN_HASH_KEY = "k" * 32
        assert check_token_hash_key(None) == []
