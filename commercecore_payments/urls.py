"""Every address of the service. Each API route answers with and without a trailing slash."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from accounts import pages
from accounts.views import ConnectedAccountViewSet
from commercecore_payments.metrics.views import metrics
from commercecore_payments.openapi.views import DescriptionAsJson, DescriptionAsYaml, DocumentationView, error_catalogue
from commercecore_payments.views import RootViewSet, StatusViewSet, landing_page, unknown_route
from explanations.views import ExplanationViewSet
from paymentmethods.views import PaymentMethodViewSet
from refunds.views import RefundViewSet
from stripe_events.views import receive_event
from transactions.views import TransactionViewSet
from webhooks.views import DeliveryViewSet, EventViewSet, WebhookEndpointViewSet

ID = r"(?P<identifier>[A-Za-z0-9_]+)"  # the letters of Stripe's ids

api: list[URLPattern | URLResolver] = [
    re_path(r"^/?$", RootViewSet.as_view({"get": "retrieve"}), name="root"),
    re_path(r"^/status/?$", StatusViewSet.as_view({"get": "retrieve"}), name="status"),
    re_path(
        r"^/connected-accounts/?$", ConnectedAccountViewSet.as_view({"get": "list", "post": "create"}), name="connected-accounts"
    ),
    re_path(
        r"^/connected-accounts/onboarding/?$", ConnectedAccountViewSet.as_view({"post": "onboarding"}), name="account-onboarding"
    ),
    re_path(r"^/connected-accounts/login/?$", ConnectedAccountViewSet.as_view({"post": "login"}), name="account-login"),
    re_path(
        rf"^/connected-accounts/{ID}/balance/?$", ConnectedAccountViewSet.as_view({"get": "balance"}), name="account-balance"
    ),
    re_path(
        rf"^/connected-accounts/{ID}/?$",
        ConnectedAccountViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="connected-account",
    ),
    re_path(r"^/transactions/?$", TransactionViewSet.as_view({"get": "list", "post": "create"}), name="transactions"),
    re_path(r"^/transactions/confirm/?$", TransactionViewSet.as_view({"post": "confirm"}), name="transaction-confirm"),
    re_path(rf"^/transactions/{ID}/capture/?$", TransactionViewSet.as_view({"post": "capture"}), name="transaction-capture"),
    re_path(rf"^/transactions/{ID}/cancel/?$", TransactionViewSet.as_view({"post": "cancel"}), name="transaction-cancel"),
    re_path(rf"^/transactions/{ID}/explain/?$", ExplanationViewSet.as_view({"get": "retrieve"}), name="transaction-explain"),
    re_path(rf"^/transactions/{ID}/?$", TransactionViewSet.as_view({"get": "retrieve"}), name="transaction"),
    re_path(r"^/refunds/?$", RefundViewSet.as_view({"get": "list", "post": "create"}), name="refunds"),
    re_path(rf"^/refunds/{ID}/?$", RefundViewSet.as_view({"get": "retrieve"}), name="refund"),
    re_path(r"^/payment-methods/?$", PaymentMethodViewSet.as_view({"get": "list", "post": "create"}), name="payment-methods"),
    re_path(
        rf"^/payment-methods/{ID}/preferred/?$",
        PaymentMethodViewSet.as_view({"post": "prefer"}),
        name="payment-method-preferred",
    ),
    re_path(rf"^/payment-methods/{ID}/?$", PaymentMethodViewSet.as_view({"delete": "destroy"}), name="payment-method"),
    re_path(
        r"^/webhook-endpoints/?$", WebhookEndpointViewSet.as_view({"get": "list", "post": "create"}), name="webhook-endpoints"
    ),
    re_path(
        rf"^/webhook-endpoints/{ID}/?$",
        WebhookEndpointViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook-endpoint",
    ),
    re_path(
        rf"^/webhook-endpoints/{ID}/rotate-secret/?$",
        WebhookEndpointViewSet.as_view({"post": "rotate_secret"}),
        name="webhook-endpoint-rotate-secret",
    ),
    re_path(
        rf"^/webhook-endpoints/{ID}/deliveries/?$",
        WebhookEndpointViewSet.as_view({"get": "deliveries"}),
        name="webhook-endpoint-deliveries",
    ),
    re_path(
        rf"^/webhook-endpoints/{ID}/resend/?$", WebhookEndpointViewSet.as_view({"post": "resend"}), name="webhook-endpoint-resend"
    ),
    re_path(rf"^/webhook-endpoints/{ID}/test/?$", WebhookEndpointViewSet.as_view({"post": "test"}), name="webhook-endpoint-test"),
    re_path(r"^/events/?$", EventViewSet.as_view({"get": "list"}), name="events"),
    re_path(rf"^/deliveries/{ID}/resend/?$", DeliveryViewSet.as_view({"post": "resend"}), name="delivery-resend"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^api/v1", include(api)),  # first: what is asked most is found soonest
    re_path(r"^api(/.*)?$", unknown_route),
    path("", landing_page, name="landing"),
    path("docs", DocumentationView.as_view(), name="documentation"),
    path("docs/errors", error_catalogue, name="error-catalogue"),
    path("openapi.json", DescriptionAsJson.as_view(), name="openapi-json"),
    path("openapi.yaml", DescriptionAsYaml.as_view(), name="openapi-yaml"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("onboarding/<str:token>", pages.open_onboarding_link, name="onboarding"),
    path("onboarding/<str:token>/done", pages.onboarding_done, name="onboarding-done"),
    re_path(r"^webhooks/stripe/?$", receive_event, name="stripe-webhooks"),
    path("metrics", metrics, name="metrics"),
]
if settings.STRIPE_SANDBOX:
    urlpatterns += [path("", include("sandbox.transport.door_urls")), path("sandbox/", include("sandbox.urls"))]

handler400 = "commercecore_payments.views.bad_request"
handler404 = "commercecore_payments.views.unknown_route"
handler500 = "commercecore_payments.views.unexpected_failure"
