"""Issuing and revoking tokens, and finding out who a token belongs to."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from commercecore_payments import clock
from commercecore_payments.environments import current_environment
from commercecore_payments.statements import Selection
from developers import json_web_tokens, tokens
from developers.errors import AppForbidden, DeveloperDisabled, ExpiryInThePast, InvalidToken, TokenDoesNotWork
from developers.models import APP_ID, App, Developer, DeveloperToken, RevokedJsonWebToken

# A token, whose it is, and the App of this id where it is the same developer's and works: one query for every request.
TOKEN_WITH_APP = Selection(
    {"token": DeveloperToken, "developer": Developer, "app": App},
    f"""FROM {DeveloperToken._meta.db_table} token
        JOIN {Developer._meta.db_table} developer ON developer.id = token.developer_id
        LEFT JOIN {App._meta.db_table} app ON app.id = %s AND app.developer_id = developer.id AND app.disabled_at IS NULL
        WHERE token.environment = %s AND token.digest = %s""",
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a token proved. `app_ids` are the only Apps that it may name; None means all of the developer's.

    `app` is the App that was asked for together with the token, where it may be used.
    """

    developer: Developer
    token_id: str
    app_ids: Set[str] | None
    app: App | None = None


def create_developer(*, name: str) -> tuple[Developer, App]:
    """A new Developer with its first App, both called `name`."""
    with transaction.atomic():
        developer = Developer.objects.create(name=name)
        return developer, App.objects.create(developer=developer, name=name)


def issue_token(*, developer: Developer, name: str, expires_at: datetime | None = None) -> tuple[DeveloperToken, str]:
    """A new token of this process's environment: its row, and its clear text, which exists nowhere else.

    Raises DeveloperDisabled, and ExpiryInThePast where `expires_at` is not after now.
    """
    moment = clock.now()
    if developer.disabled_at is not None:
        raise DeveloperDisabled
    if expires_at is not None and expires_at <= moment:
        raise ExpiryInThePast
    made = tokens.make(current_environment())
    row = DeveloperToken.objects.create(
        developer=developer,
        environment=made.environment,
        name=name,
        prefix=made.prefix,
        digest=tokens.digest(made),
        created_at=moment,
        expires_at=expires_at,
    )
    return row, made.text


def revoke_token(*, token: DeveloperToken) -> DeveloperToken:
    """Closes `token` for ever. Revoking it again changes nothing: the first moment stays."""
    DeveloperToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
    token.refresh_from_db()
    return token


def rotate_token(*, token: DeveloperToken, old_ends_at: datetime | None = None) -> tuple[DeveloperToken, str]:
    """A new token in place of `token`, of the same name and expiry, and its clear text, which exists nowhere else.

    The old one works until `old_ends_at`, or no longer at all where that is None. Raises TokenDoesNotWork where it is revoked
    or expired, and as `issue_token`.
    """
    with transaction.atomic():
        stored = DeveloperToken.objects.select_for_update().get(pk=token.pk)
        if not stored.opens_at(clock.now()):
            raise TokenDoesNotWork
        made = issue_token(developer=stored.developer, name=stored.name, expires_at=stored.expires_at)
        if old_ends_at is None:
            revoke_token(token=stored)
        elif stored.expires_at is None or old_ends_at < stored.expires_at:
            stored.expires_at = old_ends_at
            stored.save(update_fields=["expires_at"])
    return made


def revoke_json_web_token(*, kid: str, jti: str, reason: str = "") -> RevokedJsonWebToken:
    """Refuses the token `jti` of the configured key `kid` from now on. Doing it again changes nothing."""
    revoked, _ = RevokedJsonWebToken.objects.get_or_create(kid=kid, jti=jti, defaults={"reason": reason})
    return revoked


def authenticate_token(*, text: str, app_id: str = "") -> Credential:
    """Whose token `text` is, opaque or JSON Web Token. Raises InvalidToken, the same for every reason.

    `app_id` is what `find_app` will be asked for: an opaque token's query looks for it too.
    """
    if text.startswith(tokens.BEGINNING):
        return authenticate_opaque(text=text, app_id=app_id)
    return authenticate_json_web_token(text=text)


def authenticate_opaque(*, text: str, app_id: str = "") -> Credential:
    """Whose token `text` is, in one query; in none where it is mistyped or of another environment. Raises InvalidToken."""
    token = tokens.parse(text)
    if token is None or token.environment != current_environment():
        raise InvalidToken
    asked = app_id if APP_ID.match(app_id) else ""
    found = TOKEN_WITH_APP.first([asked, token.environment, tokens.digest(token)])
    if found is None:
        raise InvalidToken
    row, developer, app = found
    if not row.opens_at(clock.now()) or developer.disabled_at is not None:
        raise InvalidToken
    return Credential(developer=developer, token_id=str(row.pk), app_ids=None, app=app)


def authenticate_json_web_token(*, text: str) -> Credential:
    """Whose token `text` is. Makes its Developer and Apps known at first sight; writes nothing afterwards.

    Raises InvalidToken, also where the token is revoked or its developer disabled.
    """
    claims = json_web_tokens.verify(text)
    if RevokedJsonWebToken.objects.filter(kid=claims.kid, jti=claims.jti).exists():
        raise InvalidToken
    developer, _ = Developer.objects.get_or_create(id=claims.developer_id)
    if developer.disabled_at is not None:
        raise InvalidToken
    _make_apps_known(developer, claims.app_ids)
    return Credential(developer=developer, token_id=f"jwt:{claims.jti}", app_ids=claims.app_ids)


def _make_apps_known(developer: Developer, app_ids: Set[str]) -> None:
    """Creates those of `app_ids` that nobody has. One that exists stays as it is, another developer's too."""
    missing = app_ids - set(App.objects.filter(id__in=app_ids).values_list("id", flat=True))
    if missing:
        # Two first sights may meet here: the second insert of an id is ignored, whoever made the first.
        App.objects.bulk_create([App(id=app_id, developer=developer) for app_id in sorted(missing)], ignore_conflicts=True)


def find_app(*, credential: Credential, app_id: str) -> App:
    """The App `app_id`, where `credential` may use it.

    Raises AppForbidden, the same whether it is unknown, another developer's, outside the token's claim or disabled.
    """
    claimed = credential.app_ids is None or app_id in credential.app_ids
    if not claimed or not APP_ID.match(app_id):
        raise AppForbidden
    if credential.app is not None and credential.app.pk == app_id:
        return credential.app
    app = App.objects.filter(id=app_id, developer=credential.developer, disabled_at=None).first()
    if app is None:
        raise AppForbidden
    return app
