"""`/transactions/{id}/explain`: why a payment is as it is, for the developer's app that it is of."""

from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.envelopes import envelope
from commercecore_payments.viewsets import AppUserViewSet
from explanations.explaining import explain
from explanations.serializers import explanation_data
from explanations.structure import Reader
from transactions.operations import find_transaction


class ExplanationViewSet(AppUserViewSet):
    def retrieve(self, request: Request, identifier: str) -> Response:
        """`GET /transactions/{id}/explain`: from what is known here; Stripe is asked nothing."""
        payment = find_transaction(transaction_id=identifier, actor=self.actor)
        explanation = explain(payment, Reader(app=self.actor.known_app()))
        return envelope(request, explanation_data(explanation), status=200)
