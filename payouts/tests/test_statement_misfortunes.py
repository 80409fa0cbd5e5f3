"""manage.py payout_statement, where something stands in its way."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from commercecore_payments.tests.tenants import Tenant
from gateway import listing
from payouts.tests.balances import paid_out
from payouts.tests.test_statement import statement
from sandbox.connect import deauthorization
from sandbox.faults.plans import order
from sandbox.models import SandboxFault, SandboxObject

CAN_NOT_BE_REACHED = "Stripe could not be asked. Please try again."
ACCESS_REFUSED = "Stripe refused this service's access. Its operator has to check the Stripe key and the connected account."


def refused(**options: Any) -> str:
    """What the command says that could not be done, and therefore ends with 2."""
    with pytest.raises(CommandError) as failed:
        call_command("payout_statement", **{"stdout": io.StringIO(), **options})
    assert failed.value.returncode == 2
    return str(failed.value)


def stripe_fails_at_the_second_page(monkeypatch: pytest.MonkeyPatch, kind: str, *, times: int) -> None:
    """A page is one line long, and the fault begins when the first one has been read."""
    real, asked = listing.get, []

    def get(path: str, **options: Any) -> dict[str, Any]:
        asked.append(path)
        if len(asked) == 2:
            order(kind, path="/v1/balance_transactions", times=times)
        return real(path, **options)

    monkeypatch.setattr(listing, "get", get)
    monkeypatch.setattr(listing, "PAGE_SIZE", 1)
    monkeypatch.setattr(listing, "WAITS_S", (0.0,))


class TestAnId:
    @pytest.mark.parametrize(
        "name", ["", "..", "../charges", "po_1?limit=1", "po_1#", "po 1", "pö", "po_1\n", "\x1b[2J", "\udc80"]
    )
    @pytest.mark.parametrize("option", ["account", "payout"])
    def test_that_is_none_of_stripes_is_asked_about_nowhere(self, db: None, option: str, name: str) -> None:
        options = {"account": "acct_1", "payout": "po_1", option: name}
        with pytest.raises(CommandError) as failed:
            call_command("payout_statement", **options)
        assert str(failed.value) == f"Error: argument --{option}: is an id of Stripe's, and not {name!a}"


class TestAPayout:
    def test_of_another_account_is_unknown(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        payout = paid_out(seller)
        other = tenant.create_seller("other@example.com")
        assert refused(account=other, payout=payout) == f"No such payout: '{payout}'"

    def test_of_an_account_that_left_can_not_be_read(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        payout = paid_out(seller)
        deauthorization.deauthorize(seller)
        assert refused(account=seller, payout=payout) == ACCESS_REFUSED

    def test_of_an_account_that_was_deleted_can_not_be_read(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        payout = paid_out(seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert refused(account=seller, payout=payout) == ACCESS_REFUSED


class TestStripeThatFailsMidway:
    KINDS = ("refuse_connection", "time_out_after", "drop_answer", "fail_inside", "limit_rate", "lock_timeout")

    @pytest.mark.parametrize("kind", KINDS)
    def test_for_a_moment_is_asked_again(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        tenant.pay(seller, order_id="order_1")
        payout = paid_out(seller)
        stripe_fails_at_the_second_page(monkeypatch, kind, times=1)
        told = json.loads(statement(seller, payout))
        assert ([line["order_id"] for line in told["lines"]], told["unexplained"]) == (["order_1"], 0)
        assert not SandboxFault.objects.exists()

    def test_for_longer_is_no_statement(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        tenant.pay(seller)
        payout, file = paid_out(seller), tmp_path / "statement.csv"
        file.write_text("before")
        stripe_fails_at_the_second_page(monkeypatch, "limit_rate", times=2)
        assert refused(account=seller, payout=payout, format="csv", output=file) == CAN_NOT_BE_REACHED
        assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]

    def test_leaves_a_table_without_a_verdict(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        payout, written = paid_out(seller), io.StringIO()
        stripe_fails_at_the_second_page(monkeypatch, "fail_inside", times=2)
        assert refused(account=seller, payout=payout, stdout=written) == CAN_NOT_BE_REACHED
        assert "unexplained" not in written.getvalue()


class TestAnOutput:
    def test_that_can_not_be_written_is_refused_before_stripe_is_asked(self, tenant: Tenant, seller: str, tmp_path: Path) -> None:
        order("fail_inside", path="/v1/", times=9)
        for nowhere in (tmp_path, tmp_path / "no" / "file", Path("/proc/file")):
            assert str(nowhere.parent if nowhere != tmp_path else nowhere) in refused(
                account=seller, payout="po_1", output=nowhere
            )
        assert SandboxFault.objects.get().times_left == 9

    def test_that_is_full_ends_with_2(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        payout = paid_out(seller)
        assert refused(account=seller, payout=payout, output=Path("/dev/full")) == "[Errno 28] No space left on device"

    def test_that_knows_no_such_letters_ends_with_2(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id="Größe")
        payout = paid_out(seller)
        terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        assert "codec can't encode" in refused(account=seller, payout=payout, stdout=terminal)


class TestAnOrderWithAHostileName:
    SCREEN, FORGED = "\x1b]0;title\x07\x1b[2J", "x\nunexplained: 0.00 USD\u202e"

    @pytest.fixture
    def payout(self, tenant: Tenant, seller: str) -> str:
        for name in (self.SCREEN, self.FORGED):
            tenant.pay(seller, order_id=name)
        return paid_out(seller)

    def test_does_nothing_to_a_terminal(self, seller: str, payout: str) -> None:
        for format in ("table", "json", "csv"):  # noqa: A001 - the option's name
            lines = statement(seller, payout, format=format).splitlines()
            assert all(line.isprintable() for line in lines)

    def test_forges_no_line_of_a_table(self, seller: str, payout: str) -> None:
        SandboxObject.objects.filter(object_type="payout").update(data=self.payout_of(payout, 9_999))
        lines = statement(seller, payout, format="table", status=1).splitlines()
        assert [line for line in lines if line.startswith("unexplained")] == ["unexplained: 81.17 USD"]
        assert any(r"x\nunexplained: 0.00 USD\u202e" in line for line in lines)

    def payout_of(self, payout: str, amount: int) -> dict[str, Any]:
        return {**SandboxObject.objects.get(stripe_id=payout).data, "amount": amount}

    def test_stays_one_row_of_a_spreadsheet(self, seller: str, payout: str) -> None:
        rows = list(csv.DictReader(statement(seller, payout, format="csv").splitlines()))
        assert [row["order_id"] for row in rows] == [r"x\nunexplained: 0.00 USD\u202e", r"\x1b]0;title\x07\x1b[2J"]
