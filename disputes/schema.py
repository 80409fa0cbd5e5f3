"""The disputes, as their events show them: they have no route of their own."""

from commercecore_payments.openapi.operations import AppSchema
from commercecore_payments.openapi.shapes import amount, closed, count, currency, flag, identifier, moment, nullable, one_of, text
from disputes.models import Status

COMPONENTS = {
    "DisputeEventData": closed(
        {
            "sequence": count("The event's number among those of the app, without a gap."),
            "dispute_id": text("Stripe's id."),
            "version": count("Counts the dispute's changes."),
            "account_id": identifier("acct"),
            "transaction_id": nullable(identifier("pi")),
            "order_id": nullable(text()),
            "amount": amount(),
            "currency": currency(),
            "reason": text("Stripe's word for why the buyer's bank asks the money back."),
            "status": one_of(Status.values),
            "evidence_due": nullable(moment("Until when evidence is taken.")),
            "created": moment(),
            "external": flag("Whether the payment was made past this service, or is not known here."),
        }
    ),
}

SCHEMA = AppSchema(tag="Disputes", description="", components=COMPONENTS, operations={})
