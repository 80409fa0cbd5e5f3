"""Drift that is planted: each function changes one side behind the other's back, and tells what should be found of it.

    planted = plant_all(seeded, times=3)                  # each of PLANTS three times, at payments that nobody planted at yet
    planted[0].type, .kind, .object_id, .account_id       # in the words of reconciliation.models

*Natural* drift comes about by itself in a marketplace's life: the developer, the seller or Stripe acts past this service, or
events do not arrive. It is made through Stripe's own API, with its money and its events, or looks as if it had been. All other
drift is vandalism: a row or an object is changed by hand, as by a restored backup, a mistaken statement or a bug, and what
belongs to it is left as it was.

What is made through the API is dated AGED ago afterwards, so that it is no newer than what is still under way.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from django.db.models import F

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from developers.models import App
from disputes.models import Dispute
from gateway.client import stripe_client
from payouts.models import Payout
from proofs.drift_seeds import Kit, SeededBooks, copied, new_id
from proofs.drift_shapes import Played, Shape, look_at_stripe, objects_of
from proofs.drift_sheets import Sheet, insert, shifted
from refunds.models import Refund
from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.money import refund_lifecycle
from transactions.models import Status, Transaction

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


def _at_stripe(stripe_id: str) -> SandboxObject:
    return SandboxObject.objects.get(stripe_id=stripe_id)


def _change(stripe_id: str, **data: Any) -> SandboxObject:
    """Writes into Stripe's books, past everybody."""
    row = _at_stripe(stripe_id)
    row.data |= data
    row.save()
    return row


def _booked_for(source: str) -> SandboxObject:
    return SandboxObject.objects.filter(object_type="balance_transaction", data__source=source).earliest("pk")


def _ours(payment: Transaction, **changes: Any) -> None:
    """Changes our row; nobody is told, and its age stays."""
    Transaction.objects.filter(pk=payment.pk).update(**changes)


def _found(name: str, type: str, kind: str, object_id: str, payment: Transaction) -> Planted:  # noqa: A002 - the models' own word
    return Planted(name, type, kind, object_id, payment.account.stripe_account_id)


# --- Missing on one side ---------------------------------------------------------------------------------------------


def payment_missing_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    Refund.objects.filter(transaction=payment).delete()
    Transaction.objects.filter(pk=payment.pk).delete()
    return _found("payment_missing_here", "missing_here", "payment_intent", payment.stripe_payment_intent_id, payment)


def payment_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    for row in objects_of(payment.stripe_payment_intent_id):
        row.delete()
    return _found("payment_missing_there", "missing_there", "payment_intent", payment.stripe_payment_intent_id, payment)


def refund_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    charge = _at_stripe(payment.stripe_charge_id)
    _change(charge.stripe_id, amount_refunded=charge.data["amount_refunded"] - refund.amount_minor)
    _booked_for(refund.stripe_refund_id).delete()
    _at_stripe(refund.stripe_refund_id).delete()
    return _found("refund_missing_there", "missing_there", "refund", refund.stripe_refund_id, payment)


def dispute_missing_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    Dispute.objects.filter(pk=dispute.pk).delete()
    return _found("dispute_missing_here", "missing_here", "dispute", dispute.stripe_dispute_id, payment)


def dispute_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    SandboxObject.objects.filter(object_type="balance_transaction", data__source=dispute.stripe_dispute_id).delete()
    _at_stripe(dispute.stripe_dispute_id).delete()
    return _found("dispute_missing_there", "missing_there", "dispute", dispute.stripe_dispute_id, payment)


def payout_missing_here(soil: Soil) -> Planted:
    payment = soil.payment()
    payout = payment.account.payouts.latest("made_at")
    Payout.objects.filter(pk=payout.pk).delete()
    return _found("payout_missing_here", "missing_here", "payout", payout.stripe_payout_id, payment)


def fee_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    _booked_for(fee.stripe_id).delete()
    fee.delete()
    return _found("fee_missing_there", "missing_there", "application_fee", payment.stripe_charge_id, payment)


def balance_transaction_missing_there(soil: Soil) -> Planted:
    payment = soil.payment()
    _booked_for(payment.stripe_charge_id).delete()
    name = "balance_transaction_missing_there"
    return _found(name, "missing_there", "balance_transaction", payment.stripe_charge_id, payment)


def account_missing_here(soil: Soil) -> Planted:
    """Natural: a seller was made in Stripe's dashboard."""
    account = soil.account()
    ConnectedAccount.objects.filter(pk=account.pk).delete()
    account_id = account.stripe_account_id
    return Planted("account_missing_here", "missing_here", "account", account_id, account_id)


def account_missing_there(soil: Soil) -> Planted:
    """Natural: a seller has left the platform, and the event never came."""
    account_id = soil.account().stripe_account_id
    row = _at_stripe(account_id)
    row.hidden["left"] = True
    row.save()
    return Planted("account_missing_there", "missing_there", "account", account_id, account_id)


# --- Amounts and currencies ------------------------------------------------------------------------------------------


def amount_received_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    _ours(payment, amount_received_minor=payment.amount_received_minor - 100)
    return _found("amount_received_differs", "amount", "payment_intent", payment.stripe_payment_intent_id, payment)


def fee_differs_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    _ours(payment, application_fee_minor=payment.application_fee_minor + 1)
    return _found("fee_differs_here", "amount", "payment_intent", payment.stripe_payment_intent_id, payment)


def fee_differs_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    _change(fee.stripe_id, amount=fee.data["amount"] - 1)
    return _found("fee_differs_there", "amount", "application_fee", fee.stripe_id, payment)


def refund_amount_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    Refund.objects.filter(pk=refund.pk).update(amount_minor=F("amount_minor") - 1)
    return _found("refund_amount_differs", "amount", "refund", refund.stripe_refund_id, payment)


def refunded_sum_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    _ours(payment, amount_refunded_minor=payment.amount_refunded_minor - 1)
    return _found("refunded_sum_differs", "amount", "charge", payment.stripe_charge_id, payment)


def balance_transaction_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    booked = _booked_for(payment.stripe_charge_id)
    _change(booked.stripe_id, amount=booked.data["amount"] - 1, net=booked.data["net"] - 1)
    return _found("balance_transaction_differs", "amount", "balance_transaction", booked.stripe_id, payment)


def currency_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    _ours(payment, currency="eur")
    return _found("currency_differs", "currency", "payment_intent", payment.stripe_payment_intent_id, payment)


# --- States ----------------------------------------------------------------------------------------------------------


def held_here_succeeded_there(soil: Soil) -> Planted:
    payment = soil.payment()
    amounts = {"amount_received_minor": 0, "amount_capturable_minor": payment.amount_minor}
    _ours(payment, status=Status.REQUIRES_CAPTURE, **amounts)
    return _found("held_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def processing_here_succeeded_there(soil: Soil) -> Planted:
    payment = soil.payment()
    _ours(payment, status=Status.PROCESSING, amount_received_minor=0)
    return _found("processing_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def canceled_here_succeeded_there(soil: Soil) -> Planted:
    """No payment becomes so: whoever finds it has to look."""
    payment = soil.payment()
    _ours(payment, status=Status.CANCELED, amount_received_minor=0, holds_order=False)
    return _found("canceled_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def dispute_state_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    _change(dispute.stripe_dispute_id, status="lost")
    return _found("dispute_state_differs", "state", "dispute", dispute.stripe_dispute_id, payment)


def payout_state_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    payout = payment.account.payouts.filter(status="paid").earliest("made_at")
    Payout.objects.filter(pk=payout.pk).update(status="in_transit")
    return _found("payout_state_differs", "state", "payout", payout.stripe_payout_id, payment)


def payouts_enabled_differs(soil: Soil) -> Planted:
    account_id = soil.account().stripe_account_id
    ConnectedAccount.objects.filter(stripe_account_id=account_id).update(payouts_enabled=False)
    return Planted("payouts_enabled_differs", "state", "account", account_id, account_id)


# --- What belongs to nothing -----------------------------------------------------------------------------------------


def charge_without_intent(soil: Soil) -> Planted:
    """Natural: made by another integration, by Stripe's older API, with the balance transaction that belongs to it."""
    payment = soil.payment()
    rows = [_at_stripe(payment.stripe_charge_id), _booked_for(payment.stripe_charge_id)]
    names = {row.stripe_id: new_id(row.stripe_id, soil.random) for row in rows}
    insert(Sheet.of(row, list(names)).copy(names, timedelta(), {}) for row in rows)
    charge = _change(names[payment.stripe_charge_id], payment_intent=None)
    SandboxObject.objects.filter(pk=charge.pk).update(payment_intent="")
    return _found("charge_without_intent", "orphan", "charge", charge.stripe_id, payment)


def balance_transaction_of_nothing(soil: Soil) -> Planted:
    payment = soil.payment()
    row, charge_id = _booked_for(payment.stripe_charge_id), payment.stripe_charge_id
    names = {name: new_id(name, soil.random) for name in (row.stripe_id, charge_id)}
    insert([Sheet.of(row, list(names)).copy(names, timedelta(), {})])
    return _found("balance_transaction_of_nothing", "orphan", "balance_transaction", names[row.stripe_id], payment)


def fee_of_nothing(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    names = {name: new_id(name, soil.random) for name in (fee.stripe_id, payment.stripe_charge_id)}
    insert([Sheet.of(fee, list(names)).copy(names, timedelta(), {})])
    return _found("fee_of_nothing", "orphan", "application_fee", names[fee.stripe_id], payment)


def refund_of_another_payment(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    others = Transaction.objects.filter(account=payment.account, status=Status.SUCCEEDED, amount_refunded_minor=0)
    other = others.exclude(stripe_payment_intent_id__in=soil.taken).earliest("pk")
    soil.taken.add(other.stripe_payment_intent_id)
    Refund.objects.filter(pk=refund.pk).update(transaction=other)
    return _found("refund_of_another_payment", "orphan", "refund", refund.stripe_refund_id, payment)


# --- Past this service -----------------------------------------------------------------------------------------------


@contextmanager
def _unheard(account_id: str) -> Iterator[None]:
    """What is done at Stripe meanwhile happened AGED ago, and no event of it ever arrives; Stripe lists them."""
    last = SandboxObject.objects.latest("pk").pk
    began = clock.now() - timedelta(minutes=1)
    yield
    look_at_stripe(account_id)
    rows = SandboxObject.objects.filter(pk__gt=last)
    SandboxDelivery.objects.filter(event__in=rows).update(status=SandboxDelivery.Status.DROPPED)
    for row in rows:
        row.created_at -= AGED
        row.data = shifted(row.data, -AGED, later_than=began)
        row.save()


def external_refund(soil: Soil) -> Planted:
    """Natural: a refund in Stripe's dashboard, whose events did not arrive."""
    payment = soil.payment()
    account_id = payment.account.stripe_account_id
    asked: Any = {"payment_intent": payment.stripe_payment_intent_id, "amount": payment.amount_minor // 2}
    with _unheard(account_id):
        refund = stripe_client().v1.refunds.create(asked, {"stripe_account": account_id})
    return _found("external_refund", "external_refund", "refund", refund.id, payment)


def confirmation_unheard(soil: Soil) -> Planted:
    """Natural: a buyer's browser confirmed the payment at Stripe, and no event of it arrived."""
    payment = soil.payment(Shape.UNPAID)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"}, {"stripe_account": account_id})
    return _found("confirmation_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def capture_unheard(soil: Soil) -> Planted:
    """Natural: a hold was captured in Stripe's dashboard, and no event of it arrived."""
    payment = soil.payment(Shape.HELD)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.capture(intent_id, {}, {"stripe_account": account_id})
    return _found("capture_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def cancellation_unheard(soil: Soil) -> Planted:
    """Natural: a payment was canceled in Stripe's dashboard, and no event of it arrived."""
    payment = soil.payment(Shape.UNPAID)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.cancel(intent_id, {}, {"stripe_account": account_id})
    return _found("cancellation_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def refund_failure_unheard(soil: Soil) -> Planted:
    """Natural: the buyer's bank sent a refund back, and no event of it arrived."""
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    with _unheard(payment.account.stripe_account_id):
        refund_lifecycle.order(refund.stripe_refund_id, status="failed", failure_reason="declined")
    return _found("refund_failure_unheard", "event_never_delivered", "refund", refund.stripe_refund_id, payment)


# --- Orders that were paid twice -------------------------------------------------------------------------------------


def order_paid_by_two_apps(soil: Soil) -> Planted:
    """Natural: two apps of one developer pay the same order at one account."""
    payment = soil.payment()
    app, _ = App.objects.get_or_create(developer=payment.developer, name="Second app")
    rows, made = soil.again(payment, app_id=app.pk)
    insert(rows)
    made.save(force_insert=True)
    return _found("order_paid_by_two_apps", "probable_duplicate", "order", payment.order_id, payment)


def order_paid_past_us(soil: Soil) -> Planted:
    """Natural: somebody repeats a payment in Stripe's dashboard, metadata and all; its event came, and it was recorded."""
    payment = soil.payment()
    rows, made = soil.again(payment, app_id=None, external=True, holds_order=False, user_id="", order_id="")
    insert(rows)
    made.save(force_insert=True)
    return _found("order_paid_past_us", "probable_duplicate", "order", payment.order_id, payment)


def second_payment_unheard(soil: Soil) -> Planted:
    """Natural: as before, but no event came: it is missing here, and once it is recorded a probable duplicate."""
    payment = soil.payment()
    rows, made = soil.again(payment)
    insert(rows)
    return _found("second_payment_unheard", "missing_here", "payment_intent", made.stripe_payment_intent_id, payment)


PLANTS: Mapping[str, Callable[[Soil], Planted]] = {
    plant.__name__: plant
    for plant in (
        payment_missing_here,
        payment_missing_there,
        refund_missing_there,
        dispute_missing_here,
        dispute_missing_there,
        payout_missing_here,
        fee_missing_there,
        balance_transaction_missing_there,
        account_missing_here,
        account_missing_there,
        amount_received_differs,
        fee_differs_here,
        fee_differs_there,
        refund_amount_differs,
        refunded_sum_differs,
        balance_transaction_differs,
        currency_differs,
        held_here_succeeded_there,
        processing_here_succeeded_there,
        canceled_here_succeeded_there,
        dispute_state_differs,
        payout_state_differs,
        payouts_enabled_differs,
        charge_without_intent,
        balance_transaction_of_nothing,
        fee_of_nothing,
        refund_of_another_payment,
        external_refund,
        confirmation_unheard,
        capture_unheard,
        cancellation_unheard,
        refund_failure_unheard,
        order_paid_by_two_apps,
        order_paid_past_us,
        second_payment_unheard,
    )
}


def plant_all(seeded: SeededBooks, *, times: int = 1) -> list[Planted]:
    """Each of PLANTS `times` times."""
    soil = Soil(seeded)
    return [plant(soil) for plant in PLANTS.values() for _ in range(times)]
