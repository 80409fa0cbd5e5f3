"""The names of Stripe's events."""

import typing

import stripe

# Every type of event of the API version, as the SDK names them.
EVENT_TYPES: tuple[str, ...] = typing.get_args(stripe.Event.__annotations__["type"])
