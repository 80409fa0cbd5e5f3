"""What a person is told of an operation whose outcome is not known: what happened, what is at stake, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from commercecore_payments.admin.actions import Fact
from commercecore_payments.admin.display import EMPTY, code, link
from commercecore_payments.admin.records import Briefing, Stake
from commercecore_payments.money import format_amount
from gateway.models import Kind, Operation, RecoveryAttempt, Status
from gateway.operations import OPERATION_METADATA_KEY

TIME_FORMAT = "%Y-%m-%d %H:%M:%S UTC"
# The parameters of Stripe's calls that hold an amount, by docs.stripe.com/api: of payment intents and refunds, and of captures.
AMOUNT_PARAMETERS = ("amount", "amount_to_capture")

PATIENCE = "You need not do anything. Recover now asks at once instead of waiting."


@dataclass(frozen=True, slots=True)
class Words:
    """One kind of operation in plain words.

    `name` is what was asked for. `holds` is what waits as long as the outcome is not known, and `frees` what becomes possible
    once it is closed as not done. `look_for` is what to find at Stripe, and `risk` what follows if it was done all the same.
    """

    name: str
    holds: str
    look_for: str
    frees: str
    risk: str


_NAMED = f"with {{operation}} as its metadata {OPERATION_METADATA_KEY}"

WORDS: Mapping[str, Words] = {
    Kind.REFUND_CREATE: Words(
        name="refund",
        holds="The amount counts as refunded: no other refund of the payment can use it.",
        look_for=f"a refund of this amount on the payment, {_NAMED}",
        frees="The amount can be refunded again",
        risk="the buyer may get the money back twice",
    ),
    Kind.PAYMENT_INTENT_CREATE: Words(
        name="new payment",
        holds="The order: no other payment can be made for it.",
        look_for=f"a payment of this amount, {_NAMED}",
        frees="Another payment can be made for the order",
        risk="there are two payments for one order",
    ),
    Kind.PAYMENT_INTENT_UPDATE: Words(
        name="change of a payment",
        holds="The payment: it can neither be confirmed nor canceled.",
        look_for="the payment, and whether it has what was asked",
        frees="The payment goes on as it was before",
        risk="the buyer may be charged another amount than is shown here",
    ),
    Kind.PAYMENT_INTENT_CONFIRM: Words(
        name="confirmation of a payment",
        holds="The payment and its order: no other card can pay it, and it cannot be canceled.",
        look_for="the payment, and whether it went through",
        frees="The buyer can try to pay again",
        risk="the buyer has been charged already",
    ),
    Kind.PAYMENT_INTENT_CAPTURE: Words(
        name="capture of held money",
        holds="The held money: it can neither be captured nor given back.",
        look_for="the payment, and whether its money was captured",
        frees="The held money can be captured or given back",
        risk="the buyer has been charged for what is shown here as held",
    ),
    Kind.PAYMENT_INTENT_CANCEL: Words(
        name="cancellation of a payment",
        holds="The payment and its order: it can neither be paid nor captured, and no other payment can be made.",
        look_for="the payment, and whether it is canceled",
        frees="The payment goes on as it was before",
        risk="what is shown here as a payment is none any more",
    ),
    Kind.PAYMENT_METHOD_CLONE: Words(
        name="copy of a saved card at the seller",
        holds="The payment that it is for: it cannot be confirmed.",
        look_for="a copy of the card at the connected account",
        frees="Another copy can be made",
        risk="the first copy is left there unused; no money moves",
    ),
    Kind.PAYMENT_METHOD_DETACH: Words(
        name="removal of a saved card",
        holds="The card: it cannot be used.",
        look_for="the customer, and whether the card is still there",
        frees="The card stays saved",
        risk="a card is offered here that is gone at Stripe",
    ),
    Kind.SETUP_INTENT_CREATE: Words(
        name="saving of a card",
        holds="The card: it cannot be saved again.",
        look_for=f"a setup intent, {_NAMED}",
        frees="The card can be saved again",
        risk="the card is saved twice; no money moves",
    ),
    Kind.CUSTOMER_CREATE: Words(
        name="new customer",
        holds="The customer: no card can be saved for the user.",
        look_for=f"a customer, {_NAMED}",
        frees="The customer can be made again",
        risk="the user has two customers at Stripe; no money moves",
    ),
    Kind.ACCOUNT_CREATE: Words(
        name="new connected account",
        holds="The email: no other account can be made with it.",
        look_for=f"a connected account, {_NAMED}",
        frees="An account can be made with this email",
        risk="the seller has two accounts at Stripe",
    ),
    Kind.ACCOUNT_DELETE: Words(
        name="deletion of a connected account",
        holds="The account: no payment and no refund can begin at it.",
        look_for="the connected account, and whether it is still there",
        frees="The account is used as before",
        risk="payments are sent to an account that is gone",
    ),
}


def kind_in_words(operation: Operation) -> str:
    return WORDS[operation.kind].name.capitalize()


def amount_asked(operation: Operation, stake: Stake) -> str:
    """The amount that Stripe was asked for, else that of the record; none where no money is concerned."""
    parameters = operation.parameters
    asked = next((parameters[name] for name in AMOUNT_PARAMETERS if name in parameters), stake.amount_minor)
    currency = parameters.get("currency") or stake.currency
    return format_amount(int(asked), currency) if asked is not None and currency else EMPTY


def facts_about(operation: Operation, stake: Stake) -> list[Fact]:
    """What somebody compares with Stripe before deciding: each with its name, what there is of it."""
    facts: list[Fact] = [
        ("What", kind_in_words(operation)),
        ("Amount", amount_asked(operation, stake)),
        ("Order", stake.order_id or EMPTY),
        ("Payment", link(stake.payment)),
        ("Connected account", code(operation.stripe_account or _account_asked(operation))),
        ("Last sent", at(operation.last_sent_at)),
        ("Status", _plain(operation.status)),
    ]
    return [(name, value) for name, value in facts if value != EMPTY]


def _account_asked(operation: Operation) -> str:
    return operation.target_id if operation.kind == Kind.ACCOUNT_DELETE else ""


def briefing_of(operation: Operation, stake: Stake) -> Briefing | None:
    """What stands at the top of the page of an operation without a known outcome; None once it is known."""
    if not operation.is_open:
        return None
    words = WORDS[operation.kind]
    needs_review = operation.status == Status.NEEDS_REVIEW
    title = "This operation needs your decision" if needs_review else "The outcome of this operation is not known yet"
    return Briefing(
        title=title,
        happened=" ".join((_sent(operation), _answered(operation), _recovered(operation))),
        facts=[*facts_about(operation, stake), ("What it holds", words.holds)],
        advice=_advice(operation, words) if needs_review else [PATIENCE],
        is_urgent=needs_review,
    )


def _sent(operation: Operation) -> str:
    times = "once" if operation.attempts == 1 else f"{operation.attempts} times"
    withdrawn = " Its caller has asked for something else since, so it is not sent again." if operation.withdrawn_at else ""
    return f"It was sent to Stripe {times}, last on {at(operation.last_sent_at)}.{withdrawn}"


def _answered(operation: Operation) -> str:
    if operation.http_status is None:
        return "Its answer is not in yet." if operation.status == Status.SENDING else "No answer came."
    request = f" (its request: {operation.stripe_request_id})" if operation.stripe_request_id else ""
    return f"Stripe answered with HTTP status {operation.http_status}{request}, which does not tell whether it was done."


def _recovered(operation: Operation) -> str:
    """What recovery saw last, and whether it goes on."""
    tried = operation.recovery_attempts.filter(act__in=(RecoveryAttempt.Act.LOOKED, RecoveryAttempt.Act.SENT_AGAIN))
    last: RecoveryAttempt | None = tried.last()
    next_look = next_by_itself(operation)
    if last is None:
        return f"Recovery has not taken it up yet. {next_look}".strip()
    times = "once" if (count := tried.count()) == 1 else f"{count} times"
    did = "looked at Stripe" if last.act == RecoveryAttempt.Act.LOOKED else "took it up"
    saw = f": “{last.message}”" if last.message else "."
    return f"Recovery {did} {times}, last on {at(last.created_at)}{saw} {next_look}"


def next_by_itself(operation: Operation) -> str:
    """Whether recovery goes on, and when."""
    if operation.status == Status.NEEDS_REVIEW:
        return "It does nothing more by itself."
    when = f", next on {at(operation.next_recovery_at)}" if operation.next_recovery_at is not None else ""
    return f"Recovery goes on by itself{when}."


def _advice(operation: Operation, words: Words) -> list[str]:
    account = f" at the account {operation.stripe_account}" if operation.stripe_account else ""
    return [
        f"Open {where_stripe_is()} and look{account} for {words.look_for.format(operation=operation.id)}.",
        "It is there, or you are not sure: press Recover now, which looks at Stripe again and takes over what it finds.",
        f"It is not there: press Close as not done. {words.frees}. But if Stripe did it after all, {words.risk}.",
    ]


def where_stripe_is() -> str:
    """Where a person sees what Stripe holds."""
    return "Stripe's dashboard (here the sandbox's Objects)" if settings.STRIPE_SANDBOX else "Stripe's dashboard"


def warning_before_closing(operation: Operation) -> str:
    """What follows when somebody closes it as not done and is wrong."""
    words = WORDS[operation.kind]
    state = (
        "needs review: recovery could not find out what became of it"
        if operation.status == Status.NEEDS_REVIEW
        else "is not known to have failed: Stripe may still be at work on it"
    )
    return (
        f"This operation {state}. Close it only if you have looked into {where_stripe_is()} and did not find it. "
        f"{words.frees}, and if Stripe did it after all, {words.risk}."
    )


def at(moment: datetime) -> str:
    return moment.strftime(TIME_FORMAT)


def _plain(status: str) -> str:
    return status.replace("_", " ").capitalize()
