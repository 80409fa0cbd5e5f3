"""What a comparison of the books can find."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from gateway.models import Operation


class Rule(StrEnum):
    """Each says what must not be."""

    ORDER_CHARGED_TWICE = "order_charged_twice"
    INTENT_CHARGED_TWICE = "intent_charged_twice"
    CHARGED_LATE = "charged_late"
    CHARGED_AFTER_NOT_DONE = "charged_after_not_done"
    CAPTURED_TOO_MUCH = "captured_too_much"
    REFUNDED_TOO_MUCH = "refunded_too_much"
    DONE_WITHOUT_OPERATION = "done_without_operation"
    DONE_TWICE = "done_twice"
    DONE_AND_RECORDED_AS_FAILED = "done_and_recorded_as_failed"
    RECORDED_AND_NOT_DONE = "recorded_and_not_done"
    PAYMENT_DIFFERS = "payment_differs"
    REFUND_DIFFERS = "refund_differs"
    FEE_DIFFERS = "fee_differs"
    ACCOUNT_DIFFERS = "account_differs"
    RESERVATION_LOST = "reservation_lost"
    LEFT_BEHIND = "left_behind"
    STILL_OPEN = "still_open"
    REVIEW_NOT_JUSTIFIED = "review_not_justified"
    SERVICE_FAILED = "service_failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation: which rule, a sentence for whoever looks into it, and the id of what it is about."""

    rule: Rule
    sentence: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence} [{self.subject}]"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def still_open(cls, operation: Operation) -> "Finding":
        sentence = f"{operation.kind} is still {operation.status} after a day without faults."
        return cls(Rule.STILL_OPEN, sentence, operation.pk)
