"""`/transactions`: payments, opened by a developer's token for an app and its user."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.operations import find_account_of_request
from commercecore_payments.dry_runs import NOTHING_WAS_DONE, refuse_key
from commercecore_payments.envelopes import envelope, next_page
from commercecore_payments.errors import InvalidBody
from commercecore_payments.viewsets import AppUserViewSet
from transactions import operations, serializers
from transactions.models import Transaction
from transactions.operations import ConfirmationRequest, PaymentRequest
from transactions.orders import HEADERS_HANDED_ON, Order, look_up_order

OTHER_CURRENCY = "The order is in another currency."


class TransactionViewSet(AppUserViewSet):
    def create(self, request: Request) -> Response:
        """`POST /transactions`"""
        body = serializers.CreateTransactionRequest.read(request.data)
        payment, intent = operations.create_transaction(self._payment_request(body), actor=self.actor)
        data = serializers.created_transaction(payment, intent)
        return envelope(request, data, status=201, message="Payment initiated successfully")

    def confirm(self, request: Request) -> Response:
        """`POST /transactions/confirm`"""
        body = serializers.ConfirmTransactionRequest.read(request.data)
        payment, intent = operations.confirm_transaction(ConfirmationRequest(**body), actor=self.actor)
        data = serializers.confirmed_transaction(payment, intent)
        return envelope(request, data, status=200, message=data["message"])

    def capture(self, request: Request, identifier: str) -> Response:
        """`POST /transactions/{id}/capture`"""
        asked = serializers.CaptureTransactionRequest.read(request.data)
        what = {"amount_minor": asked.get("amount"), "application_fee_minor": asked.get("application_fee_amount")}
        if asked["dry_run"]:
            refuse_key(self.actor)
            preview = operations.preview_capture(transaction_id=identifier, **what, actor=self.actor)
            return envelope(request, serializers.foreseen_capture(preview), status=200, message=NOTHING_WAS_DONE)
        payment = operations.capture_transaction(transaction_id=identifier, **what, actor=self.actor)
        return self._changed(request, payment, "Payment captured successfully")

    def cancel(self, request: Request, identifier: str) -> Response:
        """`POST /transactions/{id}/cancel`"""
        body = serializers.CancelTransactionRequest.read(request.data)
        payment = operations.cancel_transaction(
            transaction_id=identifier,
            cancellation_reason=body.get("cancellation_reason", ""),
            actor=self.actor,
        )
        return self._changed(request, payment, "Payment canceled successfully")

    def _changed(self, request: Request, payment: Transaction, message: str) -> Response:
        return envelope(request, serializers.changed_transaction(payment, message), status=200, message=message)

    def list(self, request: Request) -> Response:
        """`GET /transactions`"""
        asked = serializers.ListTransactionsQuery.of_query(request.query_params)
        page = operations.list_transactions(**asked, actor=self.actor)
        last = page.goes_on_behind
        links = next_page(request, starting_after=last.stripe_payment_intent_id if last is not None else None)
        return envelope(request, serializers.transaction_list(page), status=200, links=links)

    def retrieve(self, request: Request, identifier: str) -> Response:
        """`GET /transactions/{id}`"""
        payment = operations.read_transaction(transaction_id=identifier, actor=self.actor)
        data = serializers.transaction_details(payment, operations.open_operations(payment))
        return envelope(request, data, status=200)

    def _payment_request(self, asked: dict[str, Any]) -> PaymentRequest:
        """What is to be paid: as the caller says, or as the order service says of the order."""
        order = self._order(asked)
        account = find_account_of_request(account_id=order.account_id, actor=self.actor)
        return PaymentRequest(
            order_id=order.order_id,
            account=account,
            amount_minor=order.amount_minor,
            currency=order.currency or account.default_currency or settings.DEFAULT_CURRENCY,
            return_url=asked.get("return_url", ""),
            metadata=asked.get("metadata", {}),
            capture_method=asked["capture_method"],
            application_fee_minor=asked.get("application_fee_amount", 0),
            statement_descriptor_suffix=asked.get("statement_descriptor_suffix", ""),
        )

    def _order(self, asked: dict[str, Any]) -> Order:
        if "amount" in asked:
            return Order(asked["order_id"], asked["account_id"], asked["amount"], asked.get("currency", ""))
        headers = {name: self.request.headers[name] for name in HEADERS_HANDED_ON if name in self.request.headers}
        order = look_up_order(asked["order_id"], developer=self.actor.developer, headers=headers)
        if asked.get("currency", order.currency) != order.currency:
            raise InvalidBody(f"Invalid request body. 'currency': {OTHER_CURRENCY}", fields={"currency": [OTHER_CURRENCY]})
        return order
