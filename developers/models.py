"""Who calls: a Developer, the Apps that belong to it, and the tokens that prove it."""

import re
from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models

from commercecore_payments import clock
from commercecore_payments.environments import Environment, EnvironmentManager
from commercecore_payments.identifiers import new_identifier
from commercecore_payments.versions import VERSION_CHOICES

# The documented ids (`de_gsrs4tfNyN9ZV-UJ5L6ceacsm`, `ap_3PTM8LFUcfdlW_njLpfcSmAJ6`) have 28 letters of the URL-safe
# base64 alphabet; 64 leaves room for other issuers and still bounds what a stranger can make us store.
MAX_IDENTIFIER_LENGTH = 64
DEVELOPER_ID = re.compile(rf"\Ade_[A-Za-z0-9_-]{{1,{MAX_IDENTIFIER_LENGTH - 3}}}\Z")
APP_ID = re.compile(rf"\Aap_[A-Za-z0-9_-]{{1,{MAX_IDENTIFIER_LENGTH - 3}}}\Z")
# Long enough for any name that a person types, and shown in one line of the admin.
MAX_NAME_LENGTH = 100
# Of `kid` and `jti`, which RFC 7515 and RFC 7519 leave unbounded: the length that Stripe allows an idempotency key.
MAX_JSON_WEB_TOKEN_ID_LENGTH = 255
# `cct_sandbox_` and the eight letters that developers.tokens shows.
MAX_TOKEN_PREFIX_LENGTH = 20
# A SHA-256 in hexadecimal.
DIGEST_LENGTH = 64
# Of the id of a TOKEN_HASH_KEY: 32 bits in hexadecimal tell apart the few that a service ever has.
HASH_KEY_ID_LENGTH = 8


def new_developer_id() -> str:
    return new_identifier("de")


def new_app_id() -> str:
    return new_identifier("ap")


class Developer(models.Model):
    """A company or person who integrates. Everything of a tenant hangs on it. A disabled one is refused everywhere."""

    id = models.CharField(
        primary_key=True, max_length=MAX_IDENTIFIER_LENGTH, default=new_developer_id, validators=[RegexValidator(DEVELOPER_ID)]
    )
    name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


class App(models.Model):
    """One application of a Developer, named by `X-App-ID`. It never changes its developer."""

    id = models.CharField(
        primary_key=True, max_length=MAX_IDENTIFIER_LENGTH, default=new_app_id, validators=[RegexValidator(APP_ID)]
    )
    developer = models.ForeignKey(Developer, on_delete=models.PROTECT, related_name="apps")
    name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    api_version = models.CharField(
        max_length=10,
        choices=VERSION_CHOICES,
        blank=True,
        default="",
        help_text="The API version that answers this app when a request names none. Empty: the documented one.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


class DeveloperToken(models.Model):
    """An opaque token that this service issued. The token itself is not here: `digest` is its keyed hash."""

    developer = models.ForeignKey(Developer, on_delete=models.PROTECT, related_name="tokens")
    environment = models.CharField(max_length=7, choices=Environment.choices)
    name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    prefix = models.CharField(
        max_length=MAX_TOKEN_PREFIX_LENGTH, db_index=True, help_text="The first characters, to tell tokens apart."
    )
    # Unique without `environment`: the environment is part of the token, and so of what is hashed.
    digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    # Has a default in the database too: the release before, which knows nothing of it, issues tokens beside this one.
    hash_key_id = models.CharField(
        max_length=HASH_KEY_ID_LENGTH,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of the TOKEN_HASH_KEY behind the digest.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="developer_token_expires_after_creation",
                condition=models.Q(expires_at=None) | models.Q(expires_at__gt=models.F("created_at")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def opens_at(self, moment: datetime) -> bool:
        """Whether the token works at `moment`: neither revoked nor expired. An expiry is the first moment it does not."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


class RevokedJsonWebToken(models.Model):
    """A JSON Web Token that is refused although its signature and times are good."""

    kid = models.CharField("key id", max_length=MAX_JSON_WEB_TOKEN_ID_LENGTH, help_text="The configured key that signed it.")
    jti = models.CharField("token id", max_length=MAX_JSON_WEB_TOKEN_ID_LENGTH, help_text="Its claim `jti`.")
    revoked_at = models.DateTimeField(default=clock.now, editable=False)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "revoked JSON Web Token"
        ordering = ["-revoked_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["kid", "jti"], name="revoked_json_web_token_once")]

    def __str__(self) -> str:
        return f"{self.kid}: {self.jti}"
