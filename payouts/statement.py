"""What a payout is made of: every balance transaction behind it at Stripe, and which of our records each belongs to.

Stripe tells the composition of automatic payouts alone, once it is complete (docs.stripe.com/payouts/reconciliation): which
transactions a payout that was made by hand is made of, nobody can say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from accounts.models import ConnectedAccount
from disputes.models import Dispute
from gateway.listing import Page, get, pages
from payouts.models import Payout, Status
from refunds.models import Refund
from transactions.models import Transaction

# Stripe's own dealings with the seller, which no record of ours can stand behind
# (docs.stripe.com/reports/balance-transaction-types). All other types have to belong to something that we hold.
BETWEEN_STRIPE_AND_SELLER = frozenset(
    "climate_order_purchase climate_order_refund contribution payout_minimum_balance_hold payout_minimum_balance_release "
    "reserve_hold reserve_release reserve_transaction reserved_funds stripe_fee stripe_fx_fee tax_fee".split()
)

# Payouts that the bank has nothing of, in words: what they were made of left the balance and is in it again.
WENT_BACK: Mapping[str, str] = {Status.FAILED: "failed", Status.CANCELED: "was canceled"}


@dataclass(frozen=True, slots=True)
class Record:
    """One of our records behind a line: what it is, and the payment and order that it belongs to, where it has any."""

    what: str
    record_id: str
    transaction_id: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One balance transaction. Amounts in minor units of `currency`; `record` is None where we hold nothing that explains it."""

    id: str
    type: str
    source: str
    made_at: datetime
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    record: Record | None

    @property
    def is_explained(self) -> bool:
        return self.record is not None


@dataclass(slots=True)
class Total:
    """Of all lines of a type. Amounts in minor units."""

    lines: int = 0
    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0

    def add(self, line: Line) -> None:
        self.lines += 1
        self.gross_minor += line.gross_minor
        self.fee_minor += line.fee_minor
        self.net_minor += line.net_minor


@dataclass(slots=True)
class Statement:
    """A payout, and what its lines come to as they are read. `amount_minor` is what the bank was sent.

    `reversed_by` is the payout that took it back from the bank, if one did (docs.stripe.com/api/payouts/reverse).
    """

    account: ConnectedAccount
    payout_id: str
    status: str
    amount_minor: int
    currency: str
    is_automatic: bool
    is_complete: bool
    made_at: datetime
    reversed_by: str = ""
    waits_s: Sequence[float] | None = None  # as `gateway.listing.get`
    totals: dict[str, Total] = field(default_factory=dict)
    explained_minor: int = 0
    unexplained_lines: int = 0

    @property
    def unexplained_minor(self) -> int:
        """What the payout is more (or less, if negative) than all that is explained; 0 when its lines have been read."""
        return self.amount_minor - self.explained_minor

    @property
    def is_explained(self) -> bool:
        """To the minor unit, and line by line: two errors that cancel each other out are still two."""
        return self.unexplained_minor == 0 and self.unexplained_lines == 0

    @property
    def remark(self) -> str:
        """What has to be known about the payout as a whole; empty where nothing does."""
        return " ".join(self._remarks())

    def _remarks(self) -> Iterator[str]:
        if self.status in WENT_BACK:
            yield f"It {WENT_BACK[self.status]}: the money went back to the seller's balance, and a later payout carries it."
        if self.reversed_by:
            yield f"It was reversed by {self.reversed_by}, which takes the money back from the bank."
        if not self.is_automatic:
            yield "It was made by hand: Stripe tells of no such payout which transactions it is made of."
        elif not self.is_complete:
            yield "Stripe has not told yet all that it is made of; until it has, something may be missing."

    def lines(self) -> Iterator[Line]:
        """Every line of the payout, the newest first, a page at a time; each is added to the totals as it is told.

        Raises as `gateway.reads.ask`.
        """
        if not self.is_automatic:
            return
        asked = {"payout": self.payout_id}
        for page in pages(
            "/v1/balance_transactions", account_id=self.account.stripe_account_id, parameters=asked, waits_s=self.waits_s
        ):
            for line in _explained(page, self.account):
                if line.source != self.payout_id or line.type != "payout":  # its own line is the payout itself
                    self._add(line)
                    yield line

    def _add(self, line: Line) -> None:
        self.totals.setdefault(line.type, Total()).add(line)
        if line.is_explained:
            self.explained_minor += line.net_minor
        else:
            self.unexplained_lines += 1


def statement_of(payout_id: str, *, account: ConnectedAccount, waits_s: Sequence[float] | None = None) -> Statement:
    """The statement of one of the account's payouts, its lines still to be read. Raises as `gateway.reads.ask`.

    Where Stripe cannot be reached it is asked again after each of `waits_s` seconds, as `gateway.listing.get` does.
    """
    payout = get(f"/v1/payouts/{payout_id}", account_id=account.stripe_account_id, waits_s=waits_s)
    return Statement(
        account=account,
        payout_id=payout["id"],
        status=payout["status"],
        amount_minor=payout["amount"],
        currency=payout["currency"],
        is_automatic=payout["automatic"],
        is_complete=payout["reconciliation_status"] == "completed",
        made_at=datetime.fromtimestamp(payout["created"], UTC),
        reversed_by=payout.get("reversed_by") or "",
        waits_s=waits_s,
    )


Find = Callable[[ConnectedAccount, list[str]], dict[str, Record]]


def _payments(account: ConnectedAccount, charges: list[str]) -> dict[str, Record]:
    rows = Transaction.objects.at(account).filter(stripe_charge_id__in=charges)
    return {
        charge: Record("payment", intent, intent, order)
        for charge, intent, order in rows.values_list("stripe_charge_id", "stripe_payment_intent_id", "order_id")
    }


def _refunds(account: ConnectedAccount, ids: list[str]) -> dict[str, Record]:
    rows = Refund.objects.filter(transaction__account=account, stripe_refund_id__in=ids)
    columns = ("stripe_refund_id", "transaction__stripe_payment_intent_id", "transaction__order_id")
    return {refund: Record("refund", refund, intent, order) for refund, intent, order in rows.values_list(*columns)}


def _disputes(account: ConnectedAccount, ids: list[str]) -> dict[str, Record]:
    rows = Dispute.objects.filter(account=account, stripe_dispute_id__in=ids)
    columns = ("stripe_dispute_id", "transaction__stripe_payment_intent_id", "transaction__order_id")
    return {one: Record("dispute", one, intent or "", order or "") for one, intent, order in rows.values_list(*columns)}


def _payouts(account: ConnectedAccount, ids: list[str]) -> dict[str, Record]:
    rows = Payout.objects.of_account(account).filter(stripe_payout_id__in=ids)
    return {payout: Record("payout", payout) for payout in rows.values_list("stripe_payout_id", flat=True)}


# Which of our records a line can belong to, by the beginning of its source's id: a charge's is `ch_`, or `py_` where no card was
# charged, a refund's `re_` or `pyr_`, and a dispute's `du_`, or `dp_` in older accounts.
RECORDS: Mapping[str, Find] = {
    "ch": _payments,
    "py": _payments,
    "re": _refunds,
    "pyr": _refunds,
    "du": _disputes,
    "dp": _disputes,
    "po": _payouts,
}


def _explained(page: Page, account: ConnectedAccount) -> Iterable[Line]:
    """The lines of a page with our records behind them: one query for each kind of record that occurs."""
    sources: dict[Find, list[str]] = {}
    for one in page:
        find = RECORDS.get(_prefix(one))
        if find is not None:
            sources.setdefault(find, []).append(one["source"])
    records = {source: record for find, ids in sources.items() for source, record in find(account, ids).items()}
    return [_line(one, records) for one in page]


def _prefix(line: Mapping[str, Any]) -> str:
    return str(line["source"] or "").partition("_")[0]


def _line(found: Mapping[str, Any], records: Mapping[str, Record]) -> Line:
    source = str(found["source"] or "")
    record = records.get(source)
    if record is None and found["type"] in BETWEEN_STRIPE_AND_SELLER:
        record = Record("Stripe's own", source)
    return Line(
        id=found["id"],
        type=found["type"],
        source=source,
        made_at=datetime.fromtimestamp(found["created"], UTC),
        gross_minor=found["amount"],
        fee_minor=found["fee"],
        net_minor=found["net"],
        currency=found["currency"],
        record=record,
    )
