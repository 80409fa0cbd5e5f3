"""The security border: who is calling, found from the headers and nothing else.

Every API route stands behind one of three authentication classes:

- `DeveloperTokenAuthentication`, for the connected accounts: a developer's token.
- `AppAuthentication`, for events and webhook endpoints: an App of that developer as well.
- `AppUserAuthentication`, for transactions, refunds and payment methods: an App of that developer, and a user, as well.

What the headers are worth:

- `X-Developer-Token` (or `Authorization: Bearer`) proves the Developer. It alone opens anything.
- `X-App-ID` names an App. It is checked against the Developer and against the claim of a JSON Web Token.
- `X-User-ID` is what the App says about its own user. It is recorded, it selects that user's saved cards within the
  developer's own, and it grants nothing.

Each refusal is raised, so that nobody falls through as an anonymous caller. Header values are strangers' text: they are
bounded and checked before a hash, a signature or the database sees them.
"""

import re
from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from commercecore_payments.errors import Unauthorized
from developers.errors import AppIdConflict, AppIdRequired, InvalidToken, UserIdRequired
from developers.json_web_tokens import MAX_USER_ID_LENGTH
from developers.models import App, Developer
from developers.operations import Credential, authenticate_token, find_app

# gunicorn lets a header of 8,190 bytes through; other servers let more. A longer token is refused before any work.
MAX_TOKEN_LENGTH = 8_192
_BEARER = re.compile(r"bearer(?:\s+|\Z)", re.IGNORECASE)  # RFC 9110, section 11.1: a scheme's case means nothing


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `request.user` of every API view.

    `app` is None behind `DeveloperTokenAuthentication`. `user_id` is empty behind all but `AppUserAuthentication`; it is
    asserted by the App and grants nothing. `token_id` is the DeveloperToken's primary key as text, or `jwt:` and the token's
    `jti`.
    """

    developer: Developer
    app: App | None
    user_id: str
    token_id: str

    @property
    def is_authenticated(self) -> bool:
        """Always true: nobody becomes a Caller without a valid token."""
        return True


class DeveloperTokenAuthentication(BaseAuthentication):
    """A developer's token, and no app.

    The token comes from `X-Developer-Token`, with or without `Bearer `; where that is missing or blank, from
    `Authorization: Bearer`. It is an opaque token of this service or a JSON Web Token of CommerceCore.

    Raises Unauthorized where there is none, and InvalidToken where it is malformed, unknown, expired, revoked, of another
    environment or of a disabled developer: one answer for all of these.
    """

    def authenticate(self, request: Request) -> tuple[Caller, str]:
        credential = authenticate_token(text=sent_token(request))
        return _caller(credential, app=None, user_id="")

    def authenticate_header(self, request: Request) -> str:
        """Named in `WWW-Authenticate`; without it REST framework would turn each 401 into a 403."""
        return 'Bearer realm="api"'


class AppAuthentication(DeveloperTokenAuthentication):
    """A developer's token and one of the developer's Apps, for what belongs to no user of the App's.

    The checks are those of `AppUserAuthentication`, in the same order, without the user's. `X-User-ID` is not looked at.
    """

    def authenticate(self, request: Request) -> tuple[Caller, str]:
        return _caller_with_app(request, app_id=sent_app_id(request), user_id="")


class AppUserAuthentication(DeveloperTokenAuthentication):
    """A developer's token, one of the developer's Apps, and the App's own user.

    The order of the checks is documented, and each missing thing has its own answer:

    1. the app id, from `X-App-ID` or `?app_id=`: AppIdRequired where there is none, AppIdConflict where two differ;
    2. the user id, from `X-User-ID`: UserIdRequired where it is missing or unusable;
    3. the token, as in `DeveloperTokenAuthentication`;
    4. the App itself: AppForbidden unless it is known, the developer's own, in the claim `app_ids` where the token is a JSON
       Web Token, and not disabled.

    The App's pinned API version is left on the request, where `commercecore_payments.versions` looks for it.
    """

    def authenticate(self, request: Request) -> tuple[Caller, str]:
        app_id = sent_app_id(request)
        user_id = sent_user_id(request)
        return _caller_with_app(request, app_id=app_id, user_id=user_id)


def sent_token(request: Request) -> str:
    """The developer token as it was sent, without its scheme. Raises Unauthorized, and InvalidToken for one too long."""
    own = request.headers.get("X-Developer-Token", "").strip()
    authorization = request.headers.get("Authorization", "").strip()
    token = _BEARER.sub("", own, count=1) if _BEARER.match(own) else own
    if not token and _BEARER.match(authorization):
        token = _BEARER.sub("", authorization, count=1)
    if not token:
        raise Unauthorized
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken
    return token


def sent_app_id(request: Request) -> str:
    """The one app id that the header and the query name. Raises AppIdRequired and AppIdConflict."""
    sent = [request.headers.get("X-App-ID", ""), *request.query_params.getlist("app_id")]
    named = {text.strip() for text in sent} - {""}
    if not named:
        raise AppIdRequired
    if len(named) > 1:
        raise AppIdConflict
    return named.pop()


def sent_user_id(request: Request) -> str:
    """The user that the App names. Raises UserIdRequired.

    ASCII alone is taken: servers hand on other bytes undecoded, and two users must never become one by a guess about them.
    A comma is refused: servers join a header that was sent twice with one.
    """
    user_id = request.headers.get("X-User-ID", "").strip()
    if not 0 < len(user_id) <= MAX_USER_ID_LENGTH or not user_id.isascii() or not user_id.isprintable() or "," in user_id:
        raise UserIdRequired
    return user_id


def _caller_with_app(request: Request, *, app_id: str, user_id: str) -> tuple[Caller, str]:
    """The caller once the token and the App are found good. The App's pinned version is left on the request."""
    credential = authenticate_token(text=sent_token(request), app_id=app_id)
    app = find_app(credential=credential, app_id=app_id)
    request._request.pinned_version = app.api_version  # type: ignore[attr-defined]
    return _caller(credential, app=app, user_id=user_id)


def _caller(credential: Credential, *, app: App | None, user_id: str) -> tuple[Caller, str]:
    caller = Caller(developer=credential.developer, app=app, user_id=user_id, token_id=credential.token_id)
    return caller, caller.token_id
