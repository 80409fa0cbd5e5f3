"""What every kind of planted drift needs: payments and sellers to plant at, both sides' rows, and how a find is told."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from proofs.drift_seeds import Kit, SeededBooks, copied, new_id
from proofs.drift_shapes import Played, Shape, objects_of
from proofs.drift_sheets import Sheet, insert
from sandbox.models import SandboxObject
from transactions.models import Transaction

# Longer than anything is under way, and shorter than the youngest copies are old.
AGED = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Planted:
    """What should be found: a difference of this type, of this object. `name` is that of the plant."""

    name: str
    type: str
    kind: str
    object_id: str
    account_id: str


@dataclass
class Soil:
    """Where to plant. Each payment is taken once."""

    seeded: SeededBooks
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - repeatable, guards nothing
    taken: set[str] = field(default_factory=set)

    def payment(self, shape: Shape = Shape.SUCCEEDED) -> Transaction:
        """A copied payment of this shape that nothing was planted at, from one account after the other."""
        for place in range(max(len(known[shape]) for known in self.seeded.by_account.values())):
            for known in self.seeded.by_account.values():
                if place < len(known[shape]) and known[shape][place] not in self.taken:
                    self.taken.add(known[shape][place])
                    return Transaction.objects.select_related("account").get(stripe_payment_intent_id=known[shape][place])
        raise LookupError(f"No payment is left that is {shape}.")

    def account(self) -> ConnectedAccount:
        """A new seller without any payments, whom both sides know."""
        first = SandboxObject.objects.get(stripe_id=self.seeded.accounts[0])
        ours = ConnectedAccount.objects.get(stripe_account_id=first.stripe_id)
        names = {
            first.stripe_id: new_id(first.stripe_id, self.random),
            ours.email: f"{self.random.getrandbits(48):x}@example.com",
        }
        insert([Sheet.of(first, list(names)).copy(names, timedelta())])
        aged = {"created_at": clock.now() - AGED, "updated_at": clock.now() - AGED}
        made: ConnectedAccount = copied(ours, stripe_account_id=names[first.stripe_id], email=names[ours.email], **aged)
        made.save(force_insert=True)
        return made

    def again(self, payment: Transaction, **changes: Any) -> tuple[list[tuple[Any, ...]], Transaction]:
        """A second payment of the same order, an hour later: Stripe's rows, and ours, which is not written yet."""
        account_id, objects = payment.account.stripe_account_id, list(objects_of(payment.stripe_payment_intent_id))
        kit = Kit(Played(Shape.SUCCEEDED, objects, payment, [], []), account_id)
        names = {name: new_id(name, self.random) for name in kit.names}
        names |= {payment.order_id: payment.order_id, account_id: account_id}
        shift = timedelta(hours=1)
        made: Transaction = copied(kit.ours(names, shift, payment.account)["payment"], **changes)
        return [sheet.copy(names, shift, {}) for sheet in kit.sheets], made


def at_stripe(stripe_id: str) -> SandboxObject:
    """The object as Stripe keeps it."""
    return SandboxObject.objects.get(stripe_id=stripe_id)


def change_at_stripe(stripe_id: str, **data: Any) -> SandboxObject:
    """Writes into Stripe's books, past everybody."""
    row = at_stripe(stripe_id)
    row.data |= data
    row.save()
    return row


def booked_for(source: str) -> SandboxObject:
    """The first balance transaction at Stripe of a charge, a refund or a fee."""
    return SandboxObject.objects.filter(object_type="balance_transaction", data__source=source).earliest("pk")


def change_ours(payment: Transaction, **changes: Any) -> None:
    """Changes our row; nobody is told, and its age stays."""
    Transaction.objects.filter(pk=payment.pk).update(**changes)


def found_at(name: str, type: str, kind: str, object_id: str, payment: Transaction) -> Planted:  # noqa: A002 - the models' own word
    """What should be found of the payment\'s account."""
    return Planted(name, type, kind, object_id, payment.account.stripe_account_id)
