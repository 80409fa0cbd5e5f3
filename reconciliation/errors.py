"""Why a comparison could not be begun or continued, and a case not be ended."""

from commercecore_payments.errors import Conflict, NotFound


class RunUnderWay(Conflict):
    code = "reconciliation_under_way"

    def __init__(self, *, holder: str) -> None:
        super().__init__(f"A comparison of the same is under way at {holder}. It can be continued when that one has stopped.")


class RunTakenOver(Conflict):
    code = "reconciliation_taken_over"
    message = "Another process goes on with this comparison: this one was silent for too long."


class NothingToCompare(NotFound):
    code = "nothing_to_compare"


class CaseKeepsChanging(Conflict):
    code = "case_keeps_changing"


class CaseIsClosed(Conflict):
    code = "case_closed"
    message = "The case is closed already."


class CaseHasChanged(Conflict):
    """Either side has changed since a person looked at the case."""

    code = "case_changed"
    message = "What differs has changed since you were shown it, and nothing was done. Look at the case as it is now."


class CaseNotMended(Conflict):
    code = "case_not_mended"
