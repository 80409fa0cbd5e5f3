"""Disputes (https://docs.stripe.com/api/disputes): opened by banks, answered or given up by sellers."""

from typing import Any

from sandbox.api.errors import StripeError
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Boolean, Hash, ListOf, Parameter, Text, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import disputes, new_disputes
from sandbox.objects import state

# "Has a maximum character count of 20,000": the SDK's types say so of the long ones, and of none less.
EVIDENCE_LENGTH = 20_000

RETRIEVE = takes()
LIST = takes_page(charge=Text(), payment_intent=Text())
APPEAL_OF_CARD = {
    "reason_for_filing": unsettable(Text(EVIDENCE_LENGTH)),
    "supporting_files": unsettable(ListOf(Text())),  # the sandbox keeps no files, so an id may be any
}
APPEAL = Hash({"card": Parameter(Hash(APPEAL_OF_CARD))})
EVIDENCE = {name: unsettable(Text(EVIDENCE_LENGTH)) for name in new_disputes.EVIDENCE} | {"appeal": unsettable(APPEAL)}
UPDATE = takes(
    evidence=Hash(EVIDENCE).refusing("enhanced_evidence"),
    metadata=METADATA,
    submit=Boolean(),
).refusing("intended_submission_method")
CLOSE = takes()


def retrieve(request: Request, dispute: str) -> dict[str, Any]:
    """The dispute."""
    return state.addressed(request.account, "dispute", dispute, param="id").data


def list_(request: Request) -> dict[str, Any]:
    """Disputes, newest first, of a charge or a payment intent where one is named."""
    filters = {name: request.parameters[name] for name in ("charge", "payment_intent") if name in request.parameters}
    return list_page(request, "dispute", "/v1/disputes", **filters)


def update(request: Request, dispute: str) -> dict[str, Any]:
    """Keeps evidence and metadata, and sends the evidence to the bank unless `submit` is false.

    Raises a 400 for evidence that comes after the first was sent, or after the dispute was closed.
    """
    sent = request.parameters
    row = state.addressed(request.account, "dispute", dispute, param="id", lock=True)
    if "metadata" in sent:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], sent["metadata"])
    if "evidence" in sent:
        _require_unanswered(row)
        _require_evidence_of_this_stage(row, sent["evidence"])
        _keep(row.data["evidence"], sent["evidence"])
        row.data["evidence_details"]["has_evidence"] = any(row.data["evidence"][name] for name in new_disputes.EVIDENCE)
    state.save(row)
    if sent.get("submit", "evidence" in sent):
        _require_unanswered(row)
        disputes.submit(row)
    return row.data


def close(request: Request, dispute: str) -> dict[str, Any]:
    """Gives a dispute up: it is lost. Raises a 400 where it is closed already."""
    row = disputes.locked(request.account, dispute)
    if not disputes.is_open(row):
        raise StripeError("This dispute is already closed")  # text [reported]
    disputes.finish(row, won=False)
    return row.data


def _keep(evidence: dict[str, Any], sent: dict[str, Any]) -> None:
    """Merges what was sent into the evidence, field by field, that of an appeal as well; a field sent as "" goes."""
    if sent.get("appeal"):
        kept = (evidence["appeal"] or {}).get("card") or dict.fromkeys(APPEAL_OF_CARD)
        card = sent["appeal"].get("card", {})
        sent = sent | {"appeal": {"card": kept | {name: value or None for name, value in card.items()}}}
    evidence |= {name: value or None for name, value in sent.items()}


def _require_unanswered(row: SandboxObject) -> None:
    if not disputes.is_open(row):
        raise StripeError("This dispute is already closed")  # text [reported]
    if row.data["status"] not in disputes.ANSWERED:
        # "Typically, you may only submit evidence once": the SDK's types. The refusal and its text are unverified.
        raise StripeError("Evidence has already been submitted for this dispute.")


def _require_evidence_of_this_stage(row: SandboxObject, sent: dict[str, Any]) -> None:
    """Raises a 400 for an appeal where nothing is appealed, and for anything else where something is (texts unverified).

    So says https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions.
    """
    appealed = row.data["status"] == "appeal_needs_response"
    if "appeal" in sent and not appealed:
        raise StripeError("You can only submit appeal evidence for a dispute that is being appealed.", param="evidence[appeal]")
    if appealed and sent.keys() - {"appeal"}:
        message = "You can only update appeal evidence (`evidence[appeal][card]`) while a dispute is being appealed."
        raise StripeError(message, param="evidence")
