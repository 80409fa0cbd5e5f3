"""Drift by somebody's hand: a row that is missing, differs in an amount, a currency or a state, or belongs to nothing.

One row of ours or one object at Stripe is changed, as by a restored backup, a mistaken statement or a bug, and what belongs to it
is left as it was. Those that come about by themselves too say so: *Natural*.
"""

from datetime import timedelta

from django.db.models import F

from accounts.models import ConnectedAccount
from disputes.models import Dispute
from payouts.models import Payout
from proofs.drift_seeds import new_id
from proofs.drift_shapes import Shape, objects_of
from proofs.drift_sheets import Sheet, insert
from proofs.drift_soil import Planted, Soil, at_stripe, booked_for, change_at_stripe, change_ours, found_at
from refunds.models import Refund
from sandbox.models import SandboxObject
from transactions.models import Status, Transaction

# --- Missing on one side ---------------------------------------------------------------------------------------------


def payment_missing_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    Refund.objects.filter(transaction=payment).delete()
    Transaction.objects.filter(pk=payment.pk).delete()
    return found_at("payment_missing_here", "missing_here", "payment_intent", payment.stripe_payment_intent_id, payment)


def payment_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    for row in objects_of(payment.stripe_payment_intent_id):
        row.delete()
    return found_at("payment_missing_there", "missing_there", "payment_intent", payment.stripe_payment_intent_id, payment)


def refund_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    charge = at_stripe(payment.stripe_charge_id)
    change_at_stripe(charge.stripe_id, amount_refunded=charge.data["amount_refunded"] - refund.amount_minor)
    booked_for(refund.stripe_refund_id).delete()
    at_stripe(refund.stripe_refund_id).delete()
    return found_at("refund_missing_there", "missing_there", "refund", refund.stripe_refund_id, payment)


def dispute_missing_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    Dispute.objects.filter(pk=dispute.pk).delete()
    return found_at("dispute_missing_here", "missing_here", "dispute", dispute.stripe_dispute_id, payment)


def dispute_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    SandboxObject.objects.filter(object_type="balance_transaction", data__source=dispute.stripe_dispute_id).delete()
    at_stripe(dispute.stripe_dispute_id).delete()
    return found_at("dispute_missing_there", "missing_there", "dispute", dispute.stripe_dispute_id, payment)


def payout_missing_here(soil: Soil) -> Planted:
    payment = soil.payment()
    payout = payment.account.payouts.latest("made_at")
    Payout.objects.filter(pk=payout.pk).delete()
    return found_at("payout_missing_here", "missing_here", "payout", payout.stripe_payout_id, payment)


def fee_missing_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    booked_for(fee.stripe_id).delete()
    fee.delete()
    return found_at("fee_missing_there", "missing_there", "application_fee", payment.stripe_charge_id, payment)


def balance_transaction_missing_there(soil: Soil) -> Planted:
    payment = soil.payment()
    booked_for(payment.stripe_charge_id).delete()
    name = "balance_transaction_missing_there"
    return found_at(name, "missing_there", "balance_transaction", payment.stripe_charge_id, payment)


def account_missing_here(soil: Soil) -> Planted:
    """Natural: a seller was made in Stripe's dashboard."""
    account = soil.account()
    ConnectedAccount.objects.filter(pk=account.pk).delete()
    account_id = account.stripe_account_id
    return Planted("account_missing_here", "missing_here", "account", account_id, account_id)


def account_missing_there(soil: Soil) -> Planted:
    """Natural: a seller has left the platform, and the event never came."""
    account_id = soil.account().stripe_account_id
    row = at_stripe(account_id)
    row.hidden["left"] = True
    row.save()
    return Planted("account_missing_there", "missing_there", "account", account_id, account_id)


# --- Amounts and currencies ------------------------------------------------------------------------------------------


def amount_received_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    change_ours(payment, amount_received_minor=payment.amount_received_minor - 100)
    return found_at("amount_received_differs", "amount", "payment_intent", payment.stripe_payment_intent_id, payment)


def fee_differs_here(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    change_ours(payment, application_fee_minor=payment.application_fee_minor + 1)
    return found_at("fee_differs_here", "amount", "payment_intent", payment.stripe_payment_intent_id, payment)


def fee_differs_there(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    change_at_stripe(fee.stripe_id, amount=fee.data["amount"] - 1)
    return found_at("fee_differs_there", "amount", "application_fee", fee.stripe_id, payment)


def refund_amount_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    Refund.objects.filter(pk=refund.pk).update(amount_minor=F("amount_minor") - 1)
    return found_at("refund_amount_differs", "amount", "refund", refund.stripe_refund_id, payment)


def refunded_sum_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    change_ours(payment, amount_refunded_minor=payment.amount_refunded_minor - 1)
    return found_at("refunded_sum_differs", "amount", "charge", payment.stripe_charge_id, payment)


def balance_transaction_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    booked = booked_for(payment.stripe_charge_id)
    change_at_stripe(booked.stripe_id, amount=booked.data["amount"] - 1, net=booked.data["net"] - 1)
    return found_at("balance_transaction_differs", "amount", "balance_transaction", booked.stripe_id, payment)


def currency_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    change_ours(payment, currency="eur")
    return found_at("currency_differs", "currency", "payment_intent", payment.stripe_payment_intent_id, payment)


# --- States ----------------------------------------------------------------------------------------------------------


def held_here_succeeded_there(soil: Soil) -> Planted:
    payment = soil.payment()
    amounts = {"amount_received_minor": 0, "amount_capturable_minor": payment.amount_minor}
    change_ours(payment, status=Status.REQUIRES_CAPTURE, **amounts)
    return found_at("held_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def processing_here_succeeded_there(soil: Soil) -> Planted:
    payment = soil.payment()
    change_ours(payment, status=Status.PROCESSING, amount_received_minor=0)
    return found_at("processing_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def canceled_here_succeeded_there(soil: Soil) -> Planted:
    """No payment becomes so: whoever finds it has to look."""
    payment = soil.payment()
    change_ours(payment, status=Status.CANCELED, amount_received_minor=0, holds_order=False)
    return found_at("canceled_here_succeeded_there", "state", "payment_intent", payment.stripe_payment_intent_id, payment)


def dispute_state_differs(soil: Soil) -> Planted:
    payment = soil.payment(Shape.DISPUTED)
    dispute = payment.disputes.get()
    change_at_stripe(dispute.stripe_dispute_id, status="lost")
    return found_at("dispute_state_differs", "state", "dispute", dispute.stripe_dispute_id, payment)


def payout_state_differs(soil: Soil) -> Planted:
    payment = soil.payment()
    payout = payment.account.payouts.filter(status="paid").earliest("made_at")
    Payout.objects.filter(pk=payout.pk).update(status="in_transit")
    return found_at("payout_state_differs", "state", "payout", payout.stripe_payout_id, payment)


def payouts_enabled_differs(soil: Soil) -> Planted:
    account_id = soil.account().stripe_account_id
    ConnectedAccount.objects.filter(stripe_account_id=account_id).update(payouts_enabled=False)
    return Planted("payouts_enabled_differs", "state", "account", account_id, account_id)


# --- What belongs to nothing -----------------------------------------------------------------------------------------


def charge_without_intent(soil: Soil) -> Planted:
    """Natural: made by another integration, by Stripe's older API, with the balance transaction that belongs to it."""
    payment = soil.payment()
    rows = [at_stripe(payment.stripe_charge_id), booked_for(payment.stripe_charge_id)]
    names = {row.stripe_id: new_id(row.stripe_id, soil.random) for row in rows}
    insert(Sheet.of(row, list(names)).copy(names, timedelta(), {}) for row in rows)
    charge = change_at_stripe(names[payment.stripe_charge_id], payment_intent=None)
    SandboxObject.objects.filter(pk=charge.pk).update(payment_intent="")
    return found_at("charge_without_intent", "orphan", "charge", charge.stripe_id, payment)


def balance_transaction_of_nothing(soil: Soil) -> Planted:
    payment = soil.payment()
    row, charge_id = booked_for(payment.stripe_charge_id), payment.stripe_charge_id
    names = {name: new_id(name, soil.random) for name in (row.stripe_id, charge_id)}
    insert([Sheet.of(row, list(names)).copy(names, timedelta(), {})])
    return found_at("balance_transaction_of_nothing", "orphan", "balance_transaction", names[row.stripe_id], payment)


def fee_of_nothing(soil: Soil) -> Planted:
    payment = soil.payment(Shape.WITH_FEE)
    fee = SandboxObject.objects.get(object_type="application_fee", data__charge=payment.stripe_charge_id)
    names = {name: new_id(name, soil.random) for name in (fee.stripe_id, payment.stripe_charge_id)}
    insert([Sheet.of(fee, list(names)).copy(names, timedelta(), {})])
    return found_at("fee_of_nothing", "orphan", "application_fee", names[fee.stripe_id], payment)


def refund_of_another_payment(soil: Soil) -> Planted:
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    others = Transaction.objects.filter(account=payment.account, status=Status.SUCCEEDED, amount_refunded_minor=0)
    other = others.exclude(stripe_payment_intent_id__in=soil.taken).earliest("pk")
    soil.taken.add(other.stripe_payment_intent_id)
    Refund.objects.filter(pk=refund.pk).update(transaction=other)
    return found_at("refund_of_another_payment", "orphan", "refund", refund.stripe_refund_id, payment)
