from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("stripe_events", "0001_initial"),
    ]

    operations = [
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["object_id"], name="stripe_event_object_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["event_id"], name="stripe_event_id_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["account_id"], name="stripe_event_account_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["type"], name="stripe_event_type_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["environment", "status", "-received_at", "-id"], name="stripe_event_status_newest"),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(fields=["environment", "happened_at"], name="stripe_event_happened"),
        ),
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("source", "list")),
                fields=["environment", "-received_at", "-id"],
                name="stripe_event_listed_newest",
            ),
        ),
        # Last, since the service looks events up by it until its successor is there.
        RemoveIndexOnline(
            model_name="stripeevent",
            name="stripe_event_object",
        ),
    ]
