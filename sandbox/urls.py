"""The sandbox's pages, mounted only where the sandbox stands in for Stripe."""

from django.urls import re_path

from sandbox import views

app_name = "sandbox"
WORD = r"[A-Za-z0-9_-]+"  # the letters of Stripe's ids and of our tokens
urlpatterns = [
    re_path(rf"^connect/setup/e/(?P<account_id>{WORD})/(?P<token>{WORD})$", views.onboarding, name="onboarding"),
    re_path(rf"^express/(?P<account_id>{WORD})/(?P<token>{WORD})$", views.express_dashboard, name="express_dashboard"),
    re_path(rf"^3d-secure/(?P<intent_id>{WORD})/(?P<token>{WORD})$", views.challenge, name="challenge"),
]
