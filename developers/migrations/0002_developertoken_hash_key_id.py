"""Each token tells under which TOKEN_HASH_KEY it was hashed. Those that exist were hashed under the present one: there was no other."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

from developers.tokens import hash_key_id


def name_the_present_key(apps: Any, schema_editor: Any) -> None:
    tokens = apps.get_model("developers", "DeveloperToken")._base_manager
    tokens.filter(hash_key_id="").update(hash_key_id=hash_key_id(settings.TOKEN_HASH_KEY))


class Migration(migrations.Migration):
    dependencies = [("developers", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="developertoken",
            name="hash_key_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of the TOKEN_HASH_KEY behind the digest.",
                max_length=8,
            ),
        ),
        migrations.RunPython(name_the_present_key, migrations.RunPython.noop),
    ]
