"""manage.py payout_statement."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway import listing
from gateway.client import stripe_client
from payouts.models import Payout
from payouts.tests.balances import paid_out
from payouts.tests.told import pay_out, tell
from sandbox.models import SandboxFault


def statement(seller: str, payout: str, *, status: int = 0, format: str = "json", **options: Any) -> str:  # noqa: A002
    """What the command writes, which ends with this exit status."""
    written, said = io.StringIO(), io.StringIO()
    arguments = {"account": seller, "payout": payout, "format": format, "stdout": written, "stderr": said, **options}
    if status == 0:
        call_command("payout_statement", **arguments)
    else:
        with pytest.raises(SystemExit) as ended:
            call_command("payout_statement", **arguments)
        assert ended.value.code == status
    return written.getvalue()


class TestAnAutomaticPayout:
    def test_is_explained_to_the_cent(self, tenant: Tenant, seller: str) -> None:
        payment = tenant.pay(seller, order_id="order_1", amount=10_000)
        refund = tenant.refund(seller, order_id="order_1", amount=2_500).json()["data"]["refund_id"]
        fee = {"application_fee_amount": 700}
        tenant.confirm(seller, tenant.create_payment(seller, order_id="order_2", amount=7_000, **fee))
        payout = paid_out(seller)

        told = json.loads(statement(seller, payout))
        assert [(line["type"], line["record"], line["order_id"], line["gross"]) for line in told["lines"]] == [
            ("charge", "payment", "order_2", 7_000),
            ("refund", "refund", "order_1", -2_500),
            ("charge", "payment", "order_1", 10_000),
        ]
        assert [line["record_id"] for line in told["lines"][1:]] == [refund, payment]
        # Of cards Stripe takes 2.9% and 30 cents, and gives nothing back with a refund.
        assert [(line["fee"], line["net"]) for line in told["lines"]] == [(233 + 700, 6_067), (0, -2_500), (320, 9_680)]
        assert told["totals"]["charge"] == {"lines": 2, "gross": 17_000, "fee": 1_253, "net": 15_747}
        assert (told["amount"], told["unexplained"], told["unexplained_lines"]) == (13_247, 0, 0)

    def test_is_read_page_by_page(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(3):
            tenant.pay(seller, order_id=f"order_{number}")
        payout = paid_out(seller)
        monkeypatch.setattr(listing, "PAGE_SIZE", 2)
        told = json.loads(statement(seller, payout))
        assert [line["order_id"] for line in told["lines"]] == ["order_2", "order_1", "order_0"]
        assert told["unexplained"] == 0

    def test_with_a_payment_that_was_made_past_us_is_not_explained(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id="order_1", amount=10_000)
        asked: Any = {"amount": 5_000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        asked |= {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        charge = stripe_client().v1.payment_intents.create(asked, {"stripe_account": seller}).latest_charge
        payout = paid_out(seller)

        told = json.loads(statement(seller, payout, status=1))
        assert [line["explained"] for line in told["lines"]] == [False, True]
        assert told["lines"][0]["record_id"] == charge
        assert (told["unexplained"], told["unexplained_lines"]) == (4_825, 1)
        table = statement(seller, payout, status=1, format="table")
        assert f"UNEXPLAINED {charge}" in table
        assert table.endswith("unexplained: 48.25 USD\n")

    def test_is_written_into_a_file_that_no_spreadsheet_takes_for_formulas(
        self, tenant: Tenant, seller: str, tmp_path: Path
    ) -> None:
        tenant.pay(seller, order_id="=1+1")
        file = tmp_path / "statement.csv"
        assert statement(seller, paid_out(seller), format="csv", output=file) == ""
        rows = list(csv.DictReader(file.read_text().splitlines()))
        assert [(row["order_id"], row["gross"], row["fee"], row["net"]) for row in rows] == [("'=1+1", "1000", "59", "941")]


class TestAPayoutThatWasMadeByHand:
    def test_has_no_composition_and_says_so(self, tenant: Tenant, seller: str) -> None:
        payout = pay_out(tenant, seller)
        # Nothing is listed, since Stripe would not know what.
        SandboxFault.objects.create(kind="fail_inside", path="/v1/balance_transactions", times_left=9, created_at=clock.now())
        told = json.loads(statement(seller, payout, status=1))
        assert told["remark"] == "It was made by hand: Stripe tells of no such payout which transactions it is made of."
        assert (told["lines"], told["unexplained"]) == ([], 400)


class TestAStatementThatCannotBeMade:
    @pytest.mark.parametrize("account", ["", "acct_nobody"])
    def test_of_what_is_unknown_ends_with_2(self, tenant: Tenant, seller: str, account: str) -> None:
        with pytest.raises(CommandError) as failed:
            call_command("payout_statement", account=account or seller, payout="po_nobody")
        assert failed.value.returncode == 2
        assert "nobody" in str(failed.value)

    def test_for_stripe_is_out_of_reach_leaves_the_file_as_it_was(
        self, tenant: Tenant, seller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "WAITS_S", (0.0,))
        tenant.pay(seller)
        payout, file = paid_out(seller), tmp_path / "statement.json"
        file.write_text("before")
        SandboxFault.objects.create(
            kind="refuse_connection", method="GET", path="/v1/balance_transactions", times_left=2, created_at=clock.now()
        )
        with pytest.raises(CommandError) as failed:
            call_command("payout_statement", account=seller, payout=payout, format="json", output=file)
        assert failed.value.returncode == 2
        assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


class TestThePageOfAStatement:
    def address_of(self, seller: str, payout_id: str) -> str:
        """Of the page about a payout whose events are applied."""
        tell(seller)
        return f"/admin/payouts/payout/{Payout.objects.get(stripe_payout_id=payout_id).pk}/statement/"

    def test_shows_each_line_and_what_is_unexplained(self, tenant: Tenant, seller: str, admin_client: Client) -> None:
        tenant.pay(seller, order_id="order_1", amount=10_000)
        page = admin_client.get(self.address_of(seller, paid_out(seller))).content.decode()
        assert "Explained to the cent" in page
        for text in ("order_1", "100.00 USD", "3.20 USD", "96.80 USD"):
            assert text in page

    def test_says_that_nobody_knows_what_was_made_by_hand(self, tenant: Tenant, seller: str, admin_client: Client) -> None:
        page = admin_client.get(self.address_of(seller, pay_out(tenant, seller))).content.decode()
        assert "Not explained" in page
        assert "It was made by hand" in page

    def test_tells_at_once_that_stripe_is_out_of_reach(self, tenant: Tenant, seller: str, admin_client: Client) -> None:
        address = self.address_of(seller, pay_out(tenant, seller))
        SandboxFault.objects.create(
            kind="refuse_connection", method="GET", path="/v1/payouts/", times_left=1, created_at=clock.now()
        )
        page = admin_client.get(address).content.decode()
        assert "Stripe could not be asked" in page

    def test_is_for_those_who_may_look_at_payouts(self, tenant: Tenant, seller: str, client: Client) -> None:
        address = self.address_of(seller, pay_out(tenant, seller))
        client.force_login(User.objects.create_user("nobody", is_staff=True))
        assert client.get(address).status_code == 403
