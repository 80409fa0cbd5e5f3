"""`/payment-methods`: cards saved for a user, opened by a developer's token for an app and its user."""

from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.envelopes import envelope, next_page
from commercecore_payments.viewsets import AppUserViewSet
from paymentmethods import operations, serializers


class PaymentMethodViewSet(AppUserViewSet):
    def create(self, request: Request) -> Response:
        """`POST /payment-methods`"""
        asked = serializers.SavePaymentMethodRequest.read(request.data)
        method, setup = operations.save_payment_method(
            payment_method_id=asked["payment_method_id"], preferred=asked.get("preferred"), actor=self.actor
        )
        data = serializers.saved_payment_method(method, setup)
        return envelope(request, data, status=201, message=data["message"])

    def list(self, request: Request) -> Response:
        """`GET /payment-methods`"""
        asked = serializers.ListPaymentMethodsQuery.of_query(request.query_params)
        page = operations.list_payment_methods(**asked, actor=self.actor)
        last = page.goes_on_behind
        links = next_page(request, starting_after=last.stripe_payment_method_id if last is not None else None)
        return envelope(request, serializers.payment_method_list(page), status=200, links=links)

    def prefer(self, request: Request, identifier: str) -> Response:
        """`POST /payment-methods/{id}/preferred`"""
        serializers.PreferPaymentMethodRequest.read(request.data)
        method = operations.prefer_payment_method(payment_method_id=identifier, actor=self.actor)
        message = "Payment method is now preferred"
        return envelope(request, {"message": message, **serializers.payment_method_details(method)}, status=200, message=message)

    def destroy(self, request: Request, identifier: str) -> Response:
        """`DELETE /payment-methods/{id}`"""
        method = operations.detach_payment_method(payment_method_id=identifier, actor=self.actor)
        message = "Payment method detached successfully"
        return envelope(request, {"message": message, **serializers.payment_method_details(method)}, status=200, message=message)
