"""Operations, times and addresses as the timeline writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from commercecore_payments.logs import without_secrets
from gateway.models import Kind

TIME_FORMAT = "%Y-%m-%d %H:%M:%S UTC"
# Of a receiver's answer and of an error: about two lines on a page.
MOST_LETTERS = 160


@dataclass(frozen=True, slots=True)
class Words:
    """One kind of operation: `asked` for (“the app …”), its `name` (“the …”), and what Stripe did where it is `done`."""

    asked: str
    name: str
    done: str


# The kinds that are about a payment or a refund.
WORDS: Mapping[str, Words] = {
    Kind.PAYMENT_INTENT_CREATE: Words("asked for a payment", "payment", "made the payment"),
    Kind.PAYMENT_INTENT_UPDATE: Words("asked to change the payment", "change", "changed the payment"),
    Kind.PAYMENT_METHOD_CLONE: Words("asked to charge a saved card", "copy of the card", "copied the saved card to the seller"),
    Kind.PAYMENT_INTENT_CONFIRM: Words("asked to charge the buyer", "confirmation", "took the confirmation"),
    Kind.PAYMENT_INTENT_CAPTURE: Words("asked to capture the held money", "capture", "captured the money"),
    Kind.PAYMENT_INTENT_CANCEL: Words("asked to cancel the payment", "cancellation", "canceled the payment"),
    Kind.REFUND_CREATE: Words("asked for a refund", "refund", "took the refund"),
}


def words_for(kind: str) -> Words:
    """Those of the kind; its own name where it is none of a payment's."""
    return WORDS.get(kind) or Words(f"asked for {kind}", kind, f"did {kind}")


def at(moment: datetime) -> str:
    return moment.strftime(TIME_FORMAT)


def plain(constant: str) -> str:
    """`product_not_received` as people write it."""
    return constant.replace("_", " ")


def shortened(text: str) -> str:
    """In one line of at most MOST_LETTERS. Secrets are hidden first: one that is cut off has not its shape any more."""
    line = " ".join(without_secrets(text).split())
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1].rstrip()}…"


def sentence(text: str) -> str:
    """With a full stop."""
    return text if not text or text.endswith((".", "!", "?", "…", "”")) else f"{text}."


def address(url: str) -> str:
    """Host and path: what comes behind may be a credential."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
