"""Stripe's lists as plain dicts, a page at a time: for whoever compares or adds up very many objects.

The SDK's own paging makes an object of each dict, which costs eight times what reading the page does.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import StripeUnreachable
from gateway.reads import PAGE_SIZE, ask

Page = list[dict[str, Any]]

# Seconds before Stripe is asked again: a long list is not given up for one lost answer, or for a moment over Stripe's limit of
# requests (docs.stripe.com/rate-limits asks for growing waits).
WAITS_S = (0.5, 2.0, 8.0)
# For somebody who waits at a page or a terminal: one lost answer is told at once.
ASKED_ONCE: tuple[float, ...] = ()


def pages(
    path: str,
    *,
    account_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    waits_s: Sequence[float] | None = None,
) -> Iterator[Page]:
    """The pages of one list of the connected account ("" is the platform), the newest objects first.

    `path` is the list's, such as `/v1/charges`. Each page is asked for when the one before it has been taken, and asked for again
    as `get` does. Raises as `gateway.reads.ask`.
    """
    asked: dict[str, Any] = {"limit": PAGE_SIZE, **(parameters or {})}
    has_more = True
    while has_more:
        answer = get(path, account_id=account_id, parameters=asked, waits_s=waits_s)
        listed: Page = answer["data"]
        if listed:
            yield listed
        has_more = bool(answer["has_more"]) and bool(listed)
        asked["starting_after"] = listed[-1]["id"] if has_more else ""


def get(
    path: str,
    *,
    account_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    waits_s: Sequence[float] | None = None,
) -> dict[str, Any]:
    """What one GET answers, as a plain dict. Where Stripe cannot be reached it is asked again after each of `waits_s` seconds.

    Those are WAITS_S unless they are named. Raises as `gateway.reads.ask`.
    """
    options = {"stripe_account": account_id} if account_id else {}

    def once() -> dict[str, Any]:
        return dict(ask(lambda client: client.raw_request("get", path, **(parameters or {}), **options)).data)

    for wait_s in WAITS_S if waits_s is None else waits_s:
        try:
            return once()
        except StripeUnreachable:
            time.sleep(wait_s)
    return once()
