from typing import Any

from django.db import migrations, models


def make_unlogged(apps: Any, schema_editor: Any) -> None:
    """Without a write to the log, and so without a wait for the disk: the counts are of the last second only."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE rate_limits_bucket SET UNLOGGED")
        # Each row is written at every request: the room that is left on its page lets the new version stand beside the old one.
        schema_editor.execute("ALTER TABLE rate_limits_bucket SET (fillfactor = 50)")


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Bucket',
            fields=[
                ('key', models.CharField(max_length=338, primary_key=True, serialize=False)),
                ('drained_at_us', models.BigIntegerField(help_text="When it will be empty: microseconds since 1970 by the database's clock.")),
            ],
        ),
        migrations.RunPython(make_unlogged, migrations.RunPython.noop),
    ]
