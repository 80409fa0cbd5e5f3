"""The sandbox's pages, mounted only where the sandbox stands in for Stripe."""

from django.urls import path

from sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("connect/setup/e/<str:account_id>/<str:token>", views.onboarding, name="onboarding"),
    path("express/<str:account_id>/<str:token>", views.express_dashboard, name="express_dashboard"),
    path("3d-secure/<str:intent_id>/<str:token>", views.challenge, name="challenge"),
]
