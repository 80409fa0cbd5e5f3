"""What can go wrong with the consumers' webhook endpoints, their events and deliveries."""

from commercecore_payments.errors import BadRequest, Conflict, KeyAfterwards, NotFound, Unavailable


class EndpointNotFound(NotFound):
    """There is no such endpoint, it was deleted, or it is another app's: the caller cannot tell which."""

    code = "webhook_endpoint_not_found"
    message = "No such webhook endpoint."


class DeliveryNotFound(NotFound):
    """There is no such delivery, or it is another app's: the caller cannot tell which."""

    code = "delivery_not_found"
    message = "No such delivery."


class AddressNotAllowed(BadRequest):
    """An address that events are never sent to. What a host's name points to is judged later, at each attempt."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "url_not_allowed"
    message = "Events cannot be sent to this address."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, fields={"url": [message or type(self).message]})


class TooManyEndpoints(Conflict):
    """The app has as many webhook endpoints as it may have. `most` tells how many that is."""

    code = "too_many_webhook_endpoints"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"An app has at most {most} webhook endpoints.", extra={"most": most})


class EndpointIsOff(Conflict):
    """It is disabled or deleted: nothing would be sent."""

    code = "webhook_endpoint_disabled"
    message = "The webhook endpoint is disabled or deleted: nothing is sent to it."


class TooManyEvents(BadRequest):
    """The range of a resend is longer than one request may send again."""

    code = "too_many_events"

    def __init__(self, *, most: int) -> None:
        super().__init__(
            f"A request sends at most {most} events again. Please name a shorter range, and then the next.", extra={"most": most}
        )


class SecretUnreadable(Unavailable):
    """The key that the endpoint's secret was encrypted with is not configured any more, or is another one under its id."""

    code = "webhook_secret_unreadable"
    message = (
        "The secret of this webhook endpoint cannot be read right now, and nothing is sent to it unsigned. "
        "Ask again once this service's operator has mended it, or rotate the secret."
    )
