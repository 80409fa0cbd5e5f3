"""Texts of others on a terminal."""

import pytest

from commercecore_payments.management.terminal import printable


class TestAText:
    def test_that_can_be_seen_stays_as_it_is(self) -> None:
        assert printable("Zoë’s 2 orders “№ 7” …") == "Zoë’s 2 orders “№ 7” …"

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("\x1b[2J", r"\x1b[2J"),  # empties the screen
            ("\x9b2J", r"\x9b2J"),  # the same in one letter
            ("a\nunexplained: 0.00 USD", r"a\nunexplained: 0.00 USD"),
            ("a\rb", r"a\rb"),
            ("a\u2028b", r"a\u2028b"),
            ("\u202e001", r"\u202e001"),  # is read from the right
            ("\udc80", r"\udc80"),  # a byte of a command line that is no text
        ],
    )
    def test_that_would_do_something_is_shown_instead(self, text: str, shown: str) -> None:
        assert printable(text) == shown
