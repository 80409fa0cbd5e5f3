"""The benchmark of lists."""

from benchmarks.lists import Measured, _lists


def measured(**changes: object) -> Measured:
    figures = {
        "name": "x",
        "rows": 10,
        "depth": 9,
        "first_ms": 2.0,
        "deep_ms": 3.0,
        "ratio": 1.5,
        "queries": 4,
        "database_ms": 1.0,
    }
    return Measured(**figures | changes)  # type: ignore[arg-type]


class TestAList:
    def test_holds_where_the_deep_page_costs_little_more_and_nothing_is_counted(self) -> None:
        assert measured().holds
        assert not measured(ratio=1.51).holds
        assert not measured(forbidden=["SELECT COUNT(*) FROM x"]).holds

    def test_is_asked_for_by_an_address_that_a_place_can_be_added_to(self) -> None:
        assert [listed.address for listed in _lists()][:2] == [
            "/api/v1/transactions?limit=20",
            "/api/v1/transactions?status=succeeded&limit=20",
        ]
