"""Posting to a webhook endpoint's address as Stripe does it: by the service's own way of posting, in Stripe's words."""

from webhooks import posting
from webhooks.posting import NotDelivered

__all__ = ["LONGEST_S", "NotDelivered", "post"]

# Seconds for each silence of the receiver; and for everything together. Stripe says no number but that a receiver should
# answer "quickly" (https://docs.stripe.com/webhooks#acknowledge-events-immediately).
SILENCE_S = 10.0
LONGEST_S = 20.0
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"  # [reported]


def post(url: str, text: str, signature: str) -> int:
    """Posts JSON and answers the receiver's status. Raises NotDelivered."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature, "User-Agent": USER_AGENT}
    return posting.post(url, body=text, headers=headers, timeout_s=LONGEST_S, silence_s=SILENCE_S).http_status
