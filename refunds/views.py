"""`/refunds`: money back to the buyer, opened by a developer's token for an app and its user."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.operations import find_account_of_request
from commercecore_payments.dry_runs import NOTHING_WAS_DONE, refuse_key
from commercecore_payments.envelopes import envelope, next_page
from commercecore_payments.viewsets import AppUserViewSet
from refunds import operations, serializers
from refunds.operations import RefundRequest
from transactions.models import Transaction


class RefundViewSet(AppUserViewSet):
    def create(self, request: Request) -> Response:
        """`POST /refunds`"""
        asked = serializers.read_refund_request(request.data)
        if asked["dry_run"]:
            refuse_key(self.actor)
        wanted = RefundRequest(
            payment=self._payment(asked),
            amount_minor=asked.get("amount"),
            reason=asked.get("reason", ""),
            refund_application_fee=asked["refund_application_fee"],
            metadata=asked.get("metadata", {}),
        )
        if asked["dry_run"]:
            preview = operations.preview_refund(wanted, actor=self.actor)
            return envelope(request, serializers.foreseen_refund(preview), status=200, message=NOTHING_WAS_DONE)
        data = serializers.requested_refund(operations.request_refund(wanted, actor=self.actor))
        return envelope(request, data, status=201, message=data["message"])

    def _payment(self, asked: dict[str, Any]) -> Transaction:
        """What is to be refunded: the payment that is named, or that of the order."""
        account = find_account_of_request(account_id=asked["account_id"], actor=self.actor)
        whose = {"account": account, "actor": self.actor, "dry_run": asked["dry_run"]}
        if "transaction_id" in asked:
            return operations.find_payment(transaction_id=asked["transaction_id"], **whose)
        return operations.find_payment_of_order(order_id=asked["order_id"], **whose)

    def list(self, request: Request) -> Response:
        """`GET /refunds`"""
        asked = serializers.ListRefundsQuery.of_query(request.query_params)
        page = operations.list_refunds(**asked, actor=self.actor)
        last = page.goes_on_behind
        links = next_page(request, starting_after=last.stripe_refund_id if last is not None else None)
        return envelope(request, serializers.refund_list(page), status=200, links=links)

    def retrieve(self, request: Request, identifier: str) -> Response:
        """`GET /refunds/{id}`: read from Stripe as long as it may still change there."""
        refund = operations.find_refund(refund_id=identifier, actor=self.actor)
        return envelope(request, serializers.refund_details(refund), status=200)
