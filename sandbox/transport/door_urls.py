"""The sandbox's doors for programs, mounted only where the sandbox stands in for Stripe."""

from django.urls import path, re_path

from sandbox.transport import account_control, challenge_control, control, dispute_control, refund_control
from sandbox.transport.door import stripe_api

urlpatterns = [
    # Every address below, so that an unknown one is answered in Stripe's shape as well. Stripe takes no trailing slash.
    re_path(r"^(?:v1|oauth)(?:/[\s\S]*)?$", stripe_api, name="stripe-api"),
    path("sandbox/api/faults", control.faults_api, name="sandbox-faults-api"),
    # As many digits as a 64-bit key surely holds.
    re_path(r"^sandbox/api/faults/(?P<fault>[0-9]{1,18})$", control.fault_api, name="sandbox-fault-api"),
    path("sandbox/api/clock", control.clock_api, name="sandbox-clock-api"),
    re_path(r"^sandbox/api/disputes/(?P<dispute>\w+)$", dispute_control.dispute_api, name="sandbox-dispute-api"),
    re_path(r"^sandbox/api/accounts/(?P<account>\w+)$", account_control.account_api, name="sandbox-account-api"),
    re_path(r"^sandbox/api/accounts/(?P<account>\w+)/onboarding$", account_control.onboarding_api, name="sandbox-onboarding-api"),
    re_path(r"^sandbox/api/challenges/(?P<intent>\w+)$", challenge_control.challenge_api, name="sandbox-challenge-api"),
    re_path(r"^sandbox/api/refunds/(?P<refund>\w+)$", refund_control.refund_api, name="sandbox-refund-api"),
    re_path(r"^sandbox/api(?:/[\s\S]*)?$", control.unknown_api, name="sandbox-unknown-api"),
]
