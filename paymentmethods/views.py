"""`/payment-methods`: cards saved for a user, opened by a developer's token for an app and its user."""

from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.envelopes import envelope
from commercecore_payments.viewsets import AppUserViewSet
from paymentmethods import operations, serializers


class PaymentMethodViewSet(AppUserViewSet):
    def create(self, request: Request) -> Response:
        """`POST /payment-methods`"""
        body = serializers.SavePaymentMethodRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        method, setup = operations.save_payment_method(
            payment_method_id=asked["payment_method_id"], preferred=asked.get("preferred"), actor=self.actor
        )
        data = serializers.saved_payment_method(method, setup)
        return envelope(request, data, status=201, message=data["message"])
