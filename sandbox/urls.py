"""The sandbox's pages, mounted only where the sandbox stands in for Stripe."""

from django.urls import path, re_path

from sandbox.pages import (
    account_acts,
    challenge_acts,
    checkout_pages,
    console_pages,
    dispute_acts,
    faults_page,
    refund_acts,
    review_acts,
    views,
)

app_name = "sandbox"
WORD = r"[A-Za-z0-9_-]+"  # the letters of Stripe's ids and of our tokens
urlpatterns = [
    # Opened by an unguessable token.
    re_path(rf"^connect/setup/e/(?P<account_id>{WORD})/(?P<token>{WORD})$", views.onboarding, name="onboarding"),
    re_path(rf"^express/(?P<account_id>{WORD})/(?P<token>{WORD})$", views.express_dashboard, name="express_dashboard"),
    re_path(rf"^3d-secure/(?P<intent_id>{WORD})/(?P<token>{WORD})$", views.challenge, name="challenge"),
    # For the staff.
    path("", console_pages.overview, name="overview"),
    path("checkout", checkout_pages.pay, name="checkout"),
    path("checkout/result", checkout_pages.result, name="checkout_result"),
    path("accounts", console_pages.accounts, name="accounts"),
    re_path(rf"^accounts/(?P<account_id>{WORD})/onboard$", console_pages.onboard, name="onboard"),
    re_path(rf"^accounts/(?P<account_id>{WORD})/disconnect$", console_pages.disconnect, name="disconnect"),
    re_path(rf"^accounts/(?P<account_id>{WORD})/state$", account_acts.bring_into, name="bring_account_into"),
    path("payments", console_pages.payments, name="payments"),
    re_path(rf"^objects/(?P<stripe_id>{WORD})$", console_pages.show_object, name="object"),
    re_path(rf"^disputes/(?P<dispute_id>{WORD})$", dispute_acts.move, name="move_dispute"),
    re_path(rf"^refunds/(?P<refund_id>{WORD})$", refund_acts.move, name="move_refund"),
    re_path(rf"^challenges/(?P<intent_id>{WORD})$", challenge_acts.answer, name="answer_challenge"),
    re_path(rf"^reviews/(?P<review_id>{WORD})$", review_acts.approve, name="approve_review"),
    path("events", console_pages.events, name="events"),
    path("faults", faults_page.faults, name="faults"),
    path("faults/cancel", faults_page.cancel, name="cancel_faults"),
    path("clock", console_pages.move_clock, name="clock"),
]
