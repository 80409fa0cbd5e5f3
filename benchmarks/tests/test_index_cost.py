"""The benchmark of what indexes cost."""

from benchmarks.index_cost import ALL, NECESSARY, _cost


class TestACost:
    def test_is_told_for_one_payment_and_compared_round_by_round(self) -> None:
        seconds = {("insert", ALL): [3.0, 8.0, 6.0], ("insert", NECESSARY): [1.0, 2.0, 4.0]}
        cost = _cost("insert", seconds, 1_000)
        assert (cost.write, round(cost.all_us), round(cost.necessary_us), cost.ratio) == ("insert", 6_000, 2_000, 3.0)
        assert round(cost.more_us) == 4_000
