"""Each token tells under which TOKEN_HASH_KEY it was hashed."""

from django.db import migrations, models


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
    ]
