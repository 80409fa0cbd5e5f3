"""The groups that come with the service: staff/groups.py."""

from django.db import migrations

from staff.groups import write_groups


class Migration(migrations.Migration):

    dependencies = [
        ("staff", "0002_append_only_audit_log"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(lambda apps, schema_editor: write_groups(apps), migrations.RunPython.noop)]
