"""Both sides' books about one developer's sellers, read whole and at one moment.

Stripe's side is what the sandbox itself keeps (its objects and their metadata), found without any table of the service's but
the ids of the accounts, since a deleted account forgets whose it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from accounts.models import ConnectedAccount
from gateway.models import OPEN_STATUSES, Kind, Operation, Status
from gateway.operations import OPERATION_METADATA_KEY
from paymentmethods.models import PaymentMethod
from refunds.models import Refund
from sandbox.models import SandboxObject
from transactions.models import Transaction

ORDER_METADATA_KEY = "commercecore_order"
# The kinds that make an object at Stripe, and the type of it: its metadata names the operation.
MAKES = {
    Kind.ACCOUNT_CREATE: "account",
    Kind.CUSTOMER_CREATE: "customer",
    Kind.SETUP_INTENT_CREATE: "setup_intent",
    Kind.PAYMENT_INTENT_CREATE: "payment_intent",
    Kind.REFUND_CREATE: "refund",
}
# At a connected account. The others are the platform's.
OF_ACCOUNTS = ("payment_intent", "charge", "refund", "balance_transaction")


@dataclass(frozen=True)
class Books:
    """Stripe's objects by their types, and the service's rows. `stripe_ahead`: how far Stripe's clock is ahead of ours.

    `stripe_slower`: how much longer Stripe was at work on a call than the service waits for it at most.
    `at_rest` says that nothing is under way and everything that may move at Stripe by itself was just read: no lag is allowed.
    """

    stripe: dict[str, list[SandboxObject]]
    operations: dict[str, Operation]
    accounts: dict[str, ConnectedAccount]
    payments: list[Transaction]
    refunds: list[Refund]
    methods: list[PaymentMethod]
    stripe_ahead: timedelta = timedelta()
    stripe_slower: timedelta = timedelta()
    at_rest: bool = False
    _by_subject: dict[tuple[str, int], list[Operation]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for operation in self.operations.values():
            self._by_subject[operation.subject_type, operation.subject_id].append(operation)

    @classmethod
    def read(
        cls,
        developer_id: str,
        *,
        stripe_ahead: timedelta = timedelta(),
        stripe_slower: timedelta = timedelta(),
        at_rest: bool = False,
    ) -> "Books":
        operations = list(Operation.objects.filter(developer=developer_id).order_by("created_at", "id"))
        accounts = list(ConnectedAccount.objects.filter(developer=developer_id))
        payments = Transaction.objects.filter(developer=developer_id).select_related("account")
        refunds = Refund.objects.filter(developer=developer_id).select_related("transaction__account")
        return cls(
            stripe=_stripes_side(developer_id, {account.stripe_account_id for account in accounts} - {""}),
            operations={operation.pk: operation for operation in operations},
            accounts={account.stripe_account_id: account for account in accounts},
            payments=list(payments.order_by("id")),
            refunds=list(refunds.order_by("id")),
            methods=list(PaymentMethod.objects.filter(customer__developer=developer_id).order_by("id")),
            stripe_ahead=stripe_ahead,
            stripe_slower=stripe_slower,
            at_rest=at_rest,
        )

    def operations_of(self, subject_type: str, subject_id: int) -> list[Operation]:
        """All operations about one record, the oldest first."""
        return self._by_subject.get((subject_type, subject_id), [])

    def has_open_operation(self, subject_type: str, subject_id: int) -> bool:
        return any(operation.status in OPEN_STATUSES for operation in self.operations_of(subject_type, subject_id))

    def about_intent(self, kind: Kind, intent_id: str) -> Iterator[Operation]:
        """The operations of one kind on a payment intent."""
        return (found for found in self.operations.values() if found.kind == kind and found.target_id == intent_id)

    def made_by_operations(self) -> dict[str, list[SandboxObject]]:
        """What Stripe holds by the id of the operation that its metadata names; "" for what names none."""
        made: dict[str, list[SandboxObject]] = defaultdict(list)
        for object_type in MAKES.values():
            for row in self.stripe[object_type]:
                if not is_release(row) and not row.deleted:
                    made[operation_id(row)].append(row)
        return made

    def charges_of(self, intent_id: str) -> list[dict[str, Any]]:
        return [row.data for row in self.stripe["charge"] if row.payment_intent == intent_id]

    def refunds_of(self, intent_id: str) -> list[dict[str, Any]]:
        """The refunds of captured money; the release of a hold is none."""
        return [row.data for row in self.stripe["refund"] if row.payment_intent == intent_id and not is_release(row)]

    def fee_of(self, charge_id: str) -> dict[str, Any] | None:
        """The application fee that was collected from a charge."""
        return next((row.data for row in self.stripe["application_fee"] if row.data["charge"] == charge_id), None)


def operation_id(row: SandboxObject) -> str:
    return str((row.data.get("metadata") or {}).get(OPERATION_METADATA_KEY, ""))


def is_release(row: SandboxObject) -> bool:
    """Whether a refund only gives up what was held and not captured, which Stripe writes by itself: no money moved."""
    return row.object_type == "refund" and row.data["balance_transaction"] is None and row.data["status"] == "succeeded"


def took_effect_or_may(operations: Iterable[Operation]) -> bool:
    """Whether one of them is recorded as done, or its outcome is not known yet."""
    return any(operation.status == Status.SUCCEEDED or operation.status in OPEN_STATUSES for operation in operations)


def _stripes_side(developer_id: str, account_ids: set[str]) -> dict[str, list[SandboxObject]]:
    rows: dict[str, list[SandboxObject]] = defaultdict(list)
    for row in SandboxObject.objects.filter(account__in=account_ids, object_type__in=OF_ACCOUNTS).order_by("id"):
        rows[row.object_type].append(row)
    platforms = SandboxObject.objects.filter(account="")
    own = platforms.filter(data__metadata__developer_id=developer_id)
    rows["account"] = list(own.filter(object_type="account").order_by("id"))
    rows["customer"] = list(own.filter(object_type="customer").order_by("id"))
    customers = [row.stripe_id for row in rows["customer"]]
    rows["setup_intent"] = list(platforms.filter(object_type="setup_intent", customer__in=customers).order_by("id"))
    charges = [row.stripe_id for row in rows["charge"]]
    rows["application_fee"] = list(platforms.filter(object_type="application_fee", data__charge__in=charges).order_by("id"))
    return rows
