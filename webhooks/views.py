"""`/webhook-endpoints`, `/events` and `/deliveries`: what an app is told, opened by a developer's token for the app."""

from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.envelopes import envelope, next_page
from commercecore_payments.viewsets import AppViewSet
from webhooks import endpoints, events, resending, serializers, trial


class WebhookEndpointViewSet(AppViewSet):
    def create(self, request: Request) -> Response:
        """`POST /webhook-endpoints`: the one answer, beside that of a rotation, that holds the secret."""
        asked = serializers.EndpointRequest.read(request.data)
        endpoint, secret = endpoints.create_endpoint(
            url=asked["url"], event_types=asked["events"], description=asked["description"], actor=self.actor
        )
        message = "Webhook endpoint created successfully"
        data = {"message": message, **serializers.endpoint_details(endpoint), "secret": secret}
        return envelope(request, data, status=201, message=message)

    def list(self, request: Request) -> Response:
        """`GET /webhook-endpoints`"""
        asked = serializers.ListEndpointsQuery.of_query(request.query_params)
        page = endpoints.list_endpoints(**asked, actor=self.actor)
        last = page.goes_on_behind
        links = next_page(request, starting_after=last.pk if last is not None else None)
        return envelope(request, serializers.endpoint_list(page), status=200, links=links)

    def retrieve(self, request: Request, identifier: str) -> Response:
        """`GET /webhook-endpoints/{id}`"""
        endpoint = endpoints.find_endpoint(endpoint_id=identifier, actor=self.actor)
        return envelope(request, serializers.endpoint_details(endpoint), status=200)

    def partial_update(self, request: Request, identifier: str) -> Response:
        """`PATCH /webhook-endpoints/{id}`"""
        asked = serializers.EndpointChanges.read(request.data)
        endpoint = endpoints.change_endpoint(
            endpoint_id=identifier,
            url=asked.get("url"),
            event_types=asked.get("events"),
            description=asked.get("description"),
            status=asked.get("status"),
            actor=self.actor,
        )
        return envelope(request, serializers.endpoint_details(endpoint), status=200)

    def destroy(self, request: Request, identifier: str) -> Response:
        """`DELETE /webhook-endpoints/{id}`"""
        endpoint = endpoints.delete_endpoint(endpoint_id=identifier, actor=self.actor)
        message = "Webhook endpoint deleted successfully"
        return envelope(request, {"message": message, "id": endpoint.pk, "deleted": True}, status=200, message=message)

    def rotate_secret(self, request: Request, identifier: str) -> Response:
        """`POST /webhook-endpoints/{id}/rotate-secret`"""
        serializers.NothingMore.read(request.data)
        endpoint, secret = endpoints.rotate_secret(endpoint_id=identifier, actor=self.actor)
        message = "Webhook secret rotated successfully"
        data = {"message": message, **serializers.endpoint_details(endpoint), "secret": secret}
        return envelope(request, data, status=200, message=message)

    def deliveries(self, request: Request, identifier: str) -> Response:
        """`GET /webhook-endpoints/{id}/deliveries`"""
        asked = serializers.ListDeliveriesQuery.of_query(request.query_params)
        found, has_more = events.list_deliveries(endpoint_id=identifier, **asked, actor=self.actor)
        data = {"deliveries": [serializers.delivery_details(delivery) for delivery in found]}
        links = next_page(request, after=found[-1].sequence if has_more else None)
        return envelope(request, data, status=200, more_meta={"has_more": has_more}, links=links)

    def resend(self, request: Request, identifier: str) -> Response:
        """`POST /webhook-endpoints/{id}/resend`"""
        body = serializers.ResendRequest.read(request.data)
        number = resending.resend_events(endpoint_id=identifier, **body, actor=self.actor)
        return envelope(request, {"id": identifier, "resent": number}, status=200)

    def test(self, request: Request, identifier: str) -> Response:
        """`POST /webhook-endpoints/{id}/test`"""
        serializers.NothingMore.read(request.data)
        findings = trial.try_endpoint(endpoint_id=identifier, actor=self.actor)
        return envelope(request, serializers.trial_report(findings), status=200)


class EventViewSet(AppViewSet):
    def list(self, request: Request) -> Response:
        """`GET /events`"""
        asked = serializers.ListEventsQuery.of_query(request.query_params)
        page = events.list_events(**asked, actor=self.actor)
        bounds = {
            "oldest_sequence": page.oldest_sequence,
            "latest_sequence": page.latest_sequence,
            "has_more": page.has_more,
        }
        data = {"events": [serializers.event_row(event) for event in page.events]}
        links = next_page(request, after=page.events[-1].sequence if page.has_more else None)
        return envelope(request, data, status=200, more_meta=bounds, links=links)


class DeliveryViewSet(AppViewSet):
    def resend(self, request: Request, identifier: str) -> Response:
        """`POST /deliveries/{id}/resend`"""
        serializers.NothingMore.read(request.data)
        delivery = resending.resend_delivery(delivery_id=identifier, actor=self.actor)
        return envelope(request, serializers.delivery_details(delivery), status=200)
