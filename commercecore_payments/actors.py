"""Who does something: handed to every operation, and written on every record that it makes."""

from dataclasses import dataclass

from developers.models import App, Developer


@dataclass(frozen=True, slots=True)
class HeldKey:
    """The right to carry out a request under its Idempotency-Key: the key's row, and the fencing token of this attempt."""

    row_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Actor:
    """The developer on whose behalf something is done, the app that asked, and the user whom the app names.

    `user_id` is asserted by the app: it is recorded and grants nothing. `request_id` is the API request's own id.
    `operator` is the username of whoever on the staff asked in the admin; empty for requests of the API.
    `idempotency_key` is held where the caller sent one: every Operation of the request is recorded under it.
    """

    developer: Developer
    app: App | None = None
    user_id: str = ""
    request_id: str = ""
    idempotency_key: HeldKey | None = None
    operator: str = ""

    def known_app(self) -> App:
        """The app, where the route asks for one."""
        if self.app is None:
            raise LookupError("This operation is done for an app, and the actor names none.")
        return self.app
