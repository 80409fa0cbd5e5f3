"""Why a caller is refused."""

from commercecore_payments.errors import BadRequest, Conflict, Forbidden, KeyAfterwards, Unauthorized


class InvalidToken(Unauthorized):
    """One answer for every reason, so that it tells a stranger nothing about which tokens exist."""

    code = "invalid_token"
    message = "Invalid or expired token"  # documented under the 401 of "Create Connected Account"


class AppIdRequired(BadRequest):
    """Neither `X-App-ID` nor `?app_id=` names an app."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "app_id_required"
    message = "Provide app_id in the header"  # documented under "Error Handling"


class AppIdConflict(BadRequest):
    """`X-App-ID` and `?app_id=`, or two of the latter, name different apps."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "app_id_conflict"
    message = "The app_id is given more than once, with different values."


class UserIdRequired(Unauthorized):
    """`X-User-ID` is missing, longer than 255 characters, or holds a comma or letters outside printable ASCII."""

    code = "user_id_required"
    message = "Please provide a valid user token in the header"  # documented under the 401 of "Request Refund"


class AppForbidden(Forbidden):
    """One answer for an App that is unknown, foreign, outside the token's claim or disabled."""

    code = "app_forbidden"
    message = "This app may not be used with this token."


class DeveloperDisabled(Conflict):
    code = "developer_disabled"
    message = "The developer is disabled."


class TokenDoesNotWork(Conflict):
    code = "token_does_not_work"
    message = "The token is revoked or expired. Issue a new one instead."


class ExpiryInThePast(BadRequest):
    code = "expiry_in_the_past"
    message = "The expiry of a token must lie in the future."
