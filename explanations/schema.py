"""The explanation of a payment, as the API's description shows it."""

from commercecore_payments.openapi.operations import AppSchema, Described
from commercecore_payments.openapi.shapes import closed, flag, identifier, integer, iso_moment, list_of, one_of, ref, text
from explanations.structure import Kind, Tone, WaitsFor
from transactions.errors import TransactionNotFound

COMPONENTS = {
    "Detail": closed({"name": text(), "value": text()}),
    "Verdict": closed(
        {
            "code": text("For programs."),
            "headline": text(),
            "explanation": text(),
            "next_step": text(),
            "waits_for": one_of(list(WaitsFor), "Who has to act before anything changes."),
            "is_problem": flag(),
            "remarks": list_of(text(), "What else is true meanwhile."),
        },
        description="The state of the money, in plain words.",
    ),
    "TimelineEntry": closed(
        {
            "at": iso_moment(),
            "kind": one_of(list(Kind)),
            "text": text(),
            "tone": one_of(list(Tone), "How it went."),
            "is_ahead": flag("Whether it is still to come."),
            "details": list_of(ref("Detail"), "The ids that somebody looks up."),
        }
    ),
    "LeftOut": closed({"what": text(), "number": integer(minimum=0), "is_at_least": flag("Whether there may be more.")}),
    "Explanation": closed(
        {
            "transaction_id": identifier("pi"),
            "verdict": ref("Verdict"),
            "facts": list_of(ref("Detail")),
            "timeline": list_of(ref("TimelineEntry"), "All that happened, the oldest first, and then what is to come."),
            "left_out": list_of(ref("LeftOut"), "How many older rows were not read."),
        }
    ),
}

EXPLAIN = Described(
    summary="Explain a transaction",
    description="Why the payment is as it is, who has to act, and all that happened to it. Stripe is asked nothing.",
    data=ref("Explanation"),
    errors=(TransactionNotFound,),
)

# Its one operation stands among those of the transactions.
SCHEMA = AppSchema(tag="Transactions", description="", components=COMPONENTS, operations={})
