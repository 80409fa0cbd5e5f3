"""The tokens that exist were hashed under the present TOKEN_HASH_KEY: there was no other."""

from typing import Any

from django.conf import settings
from django.db import migrations

from commercecore_payments.data_migrations import RunInBatches
from developers.tokens import hash_key_id

# Rows of one UPDATE, done within milliseconds: nobody who authenticates waits for it.
BATCH = 500


def name_the_present_key(apps: Any, schema_editor: Any) -> int:
    tokens = apps.get_model("developers", "DeveloperToken")._base_manager
    unnamed = list(tokens.filter(hash_key_id="").values_list("pk", flat=True)[:BATCH])
    return int(tokens.filter(pk__in=unnamed).update(hash_key_id=hash_key_id(settings.TOKEN_HASH_KEY)))


class Migration(migrations.Migration):
    atomic = False  # each batch is a transaction of its own

    dependencies = [("developers", "0002_developertoken_hash_key_id")]

    operations = [RunInBatches(name_the_present_key)]
