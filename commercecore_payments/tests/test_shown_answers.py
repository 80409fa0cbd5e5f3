"""What the walk through the documentation takes for the same answer, and what not."""

import pytest

from commercecore_payments.tests.documents import Block
from commercecore_payments.tests.shown_answers import differences

ALIKE = [
    ("json", '{"id": "pi_…", "…": "…"}', '{"id": "pi_1", "amount": 5}'),
    ("json", '[{"a": 1}, "…"]', '[{"a": 1}, {"a": 2}]'),
    ("json", '{"created": 1796040000}', '{"created": 1800000000}'),
    ("json", '{"a": 1} {"b": 2}', '{"a": 1}\n{"b": 2}\n'),
    ("text", "first …\n…\nlast\n", "first one\nsecond\nlast\n"),
]
DIFFERENT = [
    ("json", '{"amount": 5}', '{"amount": 6}', [".amount is shown as 5, and was 6"]),
    ("json", '{"paid": true}', '{"paid": 1}', [".paid is shown as True, and was 1"]),
    ("json", '{"a": {"b": 1}}', '{"a": {}}', [".a.b is shown, and is not there: {}"]),
    ("json", "[1]", "[1, 2]", [" has 2 members, and 1 are shown: [1, 2]"]),
    ("json", "{}", "oh", ["JSON is shown, and this was printed: oh"]),
    ("json", "{}", "", ["1 documents are shown, and 0 were printed: []"]),
    ("text", "one\n", "one\ntwo\n", ["shown:\none\nprinted:\none\ntwo"]),
    ("text", "", "a surprise\n", ["shown:\nprinted:\na surprise"]),
]


class TestAShownAnswer:
    @pytest.mark.parametrize(("language", "shown", "printed"), ALIKE)
    def test_may_be_shortened(self, language: str, shown: str, printed: str) -> None:
        assert differences(Block("bash", "", shown, language), printed) == []

    @pytest.mark.parametrize(("language", "shown", "printed", "told"), DIFFERENT)
    def test_is_compared_in_all_else(self, language: str, shown: str, printed: str, told: list[str]) -> None:
        assert differences(Block("bash", "", shown, language), printed) == told
