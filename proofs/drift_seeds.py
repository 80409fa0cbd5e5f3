"""Very many payments that both sides agree on to the cent, fast: as if each had gone through the API.

    seeded = seed_books(accounts=50, payments=100_000, seed=1)      # in an empty database
    seeded.by_account["acct_…"][Shape.HELD]                         # some of the payment intents of this shape

`proofs.drift_shapes` really plays some payments of every shape at a first seller. What both sides hold of them is then copied
under new ids, at all sellers, over the last 300 days: intents, charges, refunds, disputes, application fees and their refunds,
balance transactions of the seller and of the platform, and payouts that carry the transactions of a month each. All agree, and
each payout is the sum of what it carries.

What the copies lack: operations, events and Idempotency-Keys, which nothing but the first seller's payments have, and payment
methods of their own: a copy names the method of the payment it was made from.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import models, transaction

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.identifiers import ALPHABET
from commercecore_payments.tests.tenants import Tenant
from disputes.models import Dispute
from gateway.operations import OPERATION_METADATA_KEY
from payouts.models import Payout
from proofs.drift_shapes import WEIGHTS, Played, Shape, play_all
from proofs.drift_sheets import Sheet, insert
from refunds.models import Refund
from sandbox.models import SandboxObject
from transactions.models import Transaction

# The youngest copies are older than any time that something is given to arrive, and all their money is available; but of holds,
# which lapse after seven days.
OLDEST, YOUNGEST = timedelta(days=300), timedelta(days=7)
OLDEST_HOLD, YOUNGEST_HOLD = timedelta(days=6), timedelta(days=1)
# What became available in so long is carried by one payout, which is made so long after its end that all is available.
PAYOUT_PERIOD, PAID_OUT_AFTER = timedelta(days=30), timedelta(days=3)
# Payments that are written at once: some ten thousand rows, of which the JSON takes some 30 MB.
BATCH = 2_000
# Ids that are remembered of each shape and account.
REMEMBERED = 20


@dataclass
class SeededBooks:
    """What was made. `by_account` remembers up to REMEMBERED payment intents of each account and shape, the first ones made.

    `objects` counts Stripe's objects by their types: those of all accounts, and those of the platform itself as `platform …`.
    """

    tenant: Tenant
    accounts: list[str] = field(default_factory=list)
    by_account: dict[str, dict[Shape, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    objects: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    payments: int = 0

    def remember(self, account: str, shape: Shape, payment_intent: str) -> None:
        self.payments += 1
        known = self.by_account[account][shape]
        if len(known) < REMEMBERED:
            known.append(payment_intent)


def seed_books(accounts: int, payments: int, *, seed: int, tenant: Tenant | None = None) -> SeededBooks:
    """`accounts` sellers of one developer with `payments` payments together, but for those that are really played.

    The same seed makes the same shapes, amounts and times at the same sellers. Amounts are in minor units of US dollars.
    """
    random = Random(seed)  # noqa: S311 - it has to be repeatable, and guards nothing
    seeded = SeededBooks(tenant or Tenant.create())
    first, played = play_all(seeded.tenant, random)
    copier = _Copier(seeded, first, played, random)
    copier.copy_accounts(accounts)
    copier.copy_payments(payments)
    copier.copy_payouts()
    return seeded


@dataclass
class _Month:
    """What one payout carries: its id, when it is made, and its sum in minor units."""

    payout: str
    made_at: datetime
    net: int = 0


class _Copier:
    """Copies what was played at the first seller, on both sides."""

    def __init__(self, seeded: SeededBooks, first: str, played: list[Played], random: Random) -> None:
        self.seeded, self.first, self.random = seeded, first, random
        # Ids are drawn by themselves: how many letters one takes depends on an id that the sandbox drew.
        self.letters = Random()  # noqa: S311 - it guards nothing
        self.now = clock.now()
        self.kits = [Kit(each, first) for each in played]
        self.weights = [WEIGHTS[each.shape] for each in played]
        self.months: dict[tuple[str, int], _Month] = {}
        self.ours = {first: ConnectedAccount.objects.get(stripe_account_id=first)}
        seeded.accounts.append(first)

    def copy_accounts(self, number: int) -> None:
        row, email = SandboxObject.objects.get(stripe_id=self.first), self.ours[self.first].email
        operations = _operations([row])
        sheet = Sheet.of(row, [self.first, email, *operations])
        for index in range(1, number):
            shift, account = -OLDEST, new_id(self.first, self.letters)  # a seller was there before its first payment
            names = {name: new_id(name, self.letters) for name in operations}
            names |= {self.first: account, email: f"seller-{index}@example.com"}
            insert([sheet.copy(names, shift)])
            self.ours[account] = copied(
                self.ours[self.first],
                stripe_account_id=account,
                email=f"seller-{index}@example.com",
                stripe_created=(self.ours[self.first].stripe_created or 0) + int(shift.total_seconds()),
                created_at=self.ours[self.first].created_at + shift,
            )
            self.ours[account].save(force_insert=True)
            self.seeded.accounts.append(account)

    def copy_payments(self, number: int) -> None:
        wanted = iter(self.random.choices(self.kits, self.weights, k=number))
        while batch := list(islice(wanted, BATCH)):
            self._copy_batch(batch)

    def _copy_batch(self, kits: list["Kit"]) -> None:
        copies = [self._copy(kit, self.random.choice(self.seeded.accounts)) for kit in kits]
        with transaction.atomic():
            insert([row for copy in copies for row in copy.rows])
            Transaction.objects.bulk_create([copy.payment for copy in copies], batch_size=BATCH)
            Refund.objects.bulk_create([row for copy in copies for row in copy.refunds])
            Dispute.objects.bulk_create([row for copy in copies for row in copy.disputes])

    def _copy(self, kit: "Kit", account: str) -> "_Copy":
        names = {name: new_id(name, self.letters) for name in kit.names} | {self.first: account}
        shift = self._moment(kit) - kit.played.payment.created_at
        shift = timedelta(seconds=int(shift.total_seconds()))
        self.seeded.remember(account, kit.played.shape, names[kit.played.payment.stripe_payment_intent_id])
        return _Copy(rows=list(self._rows(kit, names, shift)), **kit.ours(names, shift, self.ours[account]))

    def _moment(self, kit: "Kit") -> datetime:
        held = kit.played.shape == Shape.HELD
        oldest, youngest = (OLDEST_HOLD, YOUNGEST_HOLD) if held else (OLDEST, YOUNGEST)
        return self.now - youngest - (oldest - youngest) * self.random.random()

    def _rows(self, kit: "Kit", names: Mapping[str, str], shift: timedelta) -> Iterator[tuple[Any, ...]]:
        for sheet in kit.sheets:
            row = sheet.row
            hidden: dict[str, Any] = {name: value for name, value in row.hidden.items() if name != "payout"}
            if row.object_type == "balance_transaction" and row.account:
                hidden |= self._carried(names[row.account], row.created_at + shift, row.data["net"])
            self.seeded.objects[row.object_type if row.account else f"platform {row.object_type}"] += 1
            yield sheet.copy(names, shift, hidden)

    def _carried(self, account: str, moment: datetime, net: int) -> dict[str, str]:
        """Which payout carries a transaction of this moment; none where it was not made yet."""
        age = (self.now - moment) // PAYOUT_PERIOD
        made_at = self.now - age * PAYOUT_PERIOD + PAID_OUT_AFTER
        if age < 1:
            return {}
        month = self.months.setdefault((account, age), _Month(new_id("po_1" + "a" * 23, self.letters), made_at))
        month.net += net
        return {"payout": month.payout}

    def copy_payouts(self) -> None:
        """The payouts of all months, and their own transactions."""
        template = SandboxObject.objects.filter(account=self.first, object_type="payout").latest("pk")
        booked = SandboxObject.objects.get(stripe_id=template.data["balance_transaction"])
        ours = Payout.objects.get(stripe_payout_id=template.stripe_id)
        if template.data["status"] != "paid":
            raise RuntimeError(f"The payout that is to be copied is {template.data['status']}.")
        for (account, _), month in self.months.items():
            names = {booked.stripe_id: new_id(booked.stripe_id, self.letters)} | {self.first: account}
            names[template.stripe_id] = month.payout
            shift = timedelta(seconds=int((month.made_at - template.created_at).total_seconds()))
            self._copy_payout(template, booked, names, shift, month)
            moments = {name: getattr(ours, name) + shift for name in ("made_at", "arrives_at", "created_at", "updated_at")}
            own = {"stripe_payout_id": month.payout, "account_id": self.ours[account].pk, "amount_minor": month.net}
            copied(ours, **own, **moments).save(force_insert=True)

    def _copy_payout(
        self, payout: SandboxObject, booked: SandboxObject, names: Mapping[str, str], shift: timedelta, month: _Month
    ) -> None:
        payout.data["amount"] = month.net
        booked.data |= {"amount": -month.net, "net": -month.net}
        insert(
            [
                Sheet.of(payout, list(names)).copy(names, shift),
                Sheet.of(booked, list(names)).copy(names, shift, {"payout": month.payout}),
            ]
        )
        self.seeded.objects["payout"] += 1
        self.seeded.objects["balance_transaction"] += 1


@dataclass(frozen=True)
class _Copy:
    """One copied payment: rows of the sandbox's table, and ours."""

    rows: list[tuple[Any, ...]]
    payment: Transaction
    refunds: list[Refund]
    disputes: list[Dispute]


class Kit:
    """What is played, made ready for being copied very often. `names` are the ids that each copy has anew."""

    def __init__(self, played: Played, account: str) -> None:
        self.played = played
        self.names = [row.stripe_id for row in played.objects] + [played.payment.order_id] + _operations(played.objects)
        self.sheets = [Sheet.of(row, [*self.names, account]) for row in played.objects]

    def ours(self, names: Mapping[str, str], shift: timedelta, account: ConnectedAccount) -> dict[str, Any]:
        """Our rows of one copy."""
        was = self.played.payment
        payment = copied(
            was,
            **_moved(was, shift, "created_at", "updated_at", "capture_before"),
            **_renamed(was, names, "stripe_payment_intent_id", "stripe_charge_id", "order_id"),
            account_id=account.pk,
        )
        refunds = [
            copied(
                each,
                **_moved(each, shift, "created_at", "updated_at"),
                **_renamed(each, names, "stripe_refund_id"),
                transaction=payment,
            )
            for each in self.played.refunds
        ]
        disputes = [
            copied(
                each,
                **_moved(each, shift, "created_at", "updated_at", "opened_at", "evidence_due_at"),
                **_renamed(each, names, "stripe_dispute_id", "stripe_charge_id"),
                account_id=account.pk,
                transaction=payment,
            )
            for each in self.played.disputes
        ]
        return {"payment": payment, "refunds": refunds, "disputes": disputes}


def _operations(objects: list[SandboxObject]) -> list[str]:
    named = {(row.data.get("metadata") or {}).get(OPERATION_METADATA_KEY) for row in objects}
    return sorted(name for name in named if name)


def _moved(row: models.Model, shift: timedelta, *fields: str) -> dict[str, Any]:
    moments = {name: getattr(row, name) for name in fields}
    return {name: moment + shift if moment is not None else None for name, moment in moments.items()}


def _renamed(row: models.Model, names: Mapping[str, str], *fields: str) -> dict[str, str]:
    return {name: names.get(getattr(row, name), getattr(row, name)) for name in fields}


def copied(row: Any, **changes: Any) -> Any:
    """A new, unsaved row with the same values but for the changes."""
    values = {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields if not each.primary_key}
    for name in changes:
        values.pop(f"{name}_id", None)
    return type(row)(**{**values, **changes})


def new_id(like: str, random: Random) -> str:
    """An id of the same shape: the prefix, Stripe's digit behind it, and as many letters."""
    beginning = re.match(r"[a-z]+[_-][0-9]?", like)
    kept = beginning.group() if beginning else ""
    return kept + "".join(random.choices(ALPHABET, k=len(like) - len(kept)))
