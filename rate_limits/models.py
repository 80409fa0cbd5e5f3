"""Bucket: how many requests of one caller are still fresh."""

from django.db import models

from commercecore_payments.environments import Environment
from developers.models import MAX_IDENTIFIER_LENGTH, MAX_JSON_WEB_TOKEN_ID_LENGTH

# `token:`, the developer's id, and `:jwt:` with the id of a JSON Web Token, which is the longest name of all.
MAX_NAME_LENGTH = len("token:") + MAX_IDENTIFIER_LENGTH + len(":jwt:") + MAX_JSON_WEB_TOKEN_ID_LENGTH
MAX_KEY_LENGTH = max(len(environment) for environment in Environment.values) + 1 + MAX_NAME_LENGTH


class Bucket(models.Model):
    """A leaky bucket: each request pours something in, time lets it out again, and what would overflow it is refused.

    One row a token and one an app, each changed at every request: on PostgreSQL the table is unlogged, so that no request waits
    for the disk, and empty after a crash of the database, when everybody begins anew. It has no index but its key, which would
    make each of those changes dearer.
    """

    key = models.CharField(primary_key=True, max_length=MAX_KEY_LENGTH)
    drained_at_us = models.BigIntegerField(help_text="When it will be empty: microseconds since 1970 by the database's clock.")

    def __str__(self) -> str:
        return self.key
