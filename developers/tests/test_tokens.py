"""The form of opaque tokens."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from commercecore_payments.identifiers import ALPHABET
from developers import tokens
from developers.errors import InvalidToken
from developers.operations import authenticate_opaque


class TestAnOpaqueToken:
    @pytest.mark.parametrize("environment", ["sandbox", "test", "live"])
    def test_names_its_environment_and_carries_36_random_letters_and_a_checksum(self, environment: str) -> None:
        token = tokens.make(environment)

        assert re.fullmatch(rf"cct_{environment}_[0-9A-Za-z]{{42}}", token.text)
        assert tokens.parse(token.text) == token

    def test_has_a_checksum_that_others_can_work_out(self) -> None:
        assert tokens.checksum("") == "aaaaaa"  # CRC32 of nothing is 0
        value = 0
        for letter in tokens.checksum("123456789"):
            value = value * 62 + ALPHABET.index(letter)
        assert value == 0xCBF43926  # the check value that the specification of this CRC32 gives

    def test_shows_eight_random_letters_in_its_prefix(self) -> None:
        token = tokens.make("sandbox")

        assert token.prefix == token.text[:20]
        assert re.fullmatch(r"cct_sandbox_[0-9A-Za-z]{8}", token.prefix)

    def test_is_never_made_twice(self) -> None:
        assert len({tokens.make("test").text for _ in range(1000)}) == 1000

    def test_does_not_show_itself_in_its_repr(self) -> None:
        token = tokens.make("live")

        assert token.text not in repr(token)

    def test_is_hashed_under_the_configured_key(self, settings: Any) -> None:
        token = tokens.make("sandbox")
        before = tokens.digest(token)
        settings.TOKEN_HASH_KEY = "another key, which is long enough to be one"

        assert re.fullmatch(r"[0-9a-f]{64}", before)
        assert tokens.digest(token) != before


class TestAMistypedToken:
    def test_is_refused_for_any_one_wrong_letter(self) -> None:
        text = tokens.make("sandbox").text
        typos = [text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1 :] for at in range(len(text))]

        assert [typo for typo in typos if tokens.parse(typo) is not None] == []

    def test_is_refused_for_two_letters_that_changed_places(self) -> None:
        text = tokens.make("sandbox").text
        swapped = [text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in range(len(text) - 1)]

        assert [typo for typo in swapped if typo != text and tokens.parse(typo) is not None] == []

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text + "a",
            lambda text: text[:-1],
            lambda text: text + "\n",
            lambda text: text + "\ud800" * 7,
            lambda text: " " + text,
            lambda text: text.upper(),
            lambda text: text.replace("sandbox", "live"),
            lambda text: text.replace("sandbox", "staging"),
            lambda text: text[:20] + "\0" + text[21:],
            lambda text: text[:20] + "é" + text[21:],
            lambda text: text[:20] + "\ud800" + text[21:],
            lambda text: text[:20] + "١" + text[21:],
            lambda text: "",
        ],
    )
    def test_is_refused_without_asking_the_database(self, spoil: Callable[[str], str]) -> None:
        """No database mark: a query would fail the test."""
        with pytest.raises(InvalidToken):
            authenticate_opaque(text=spoil(tokens.make("sandbox").text))
