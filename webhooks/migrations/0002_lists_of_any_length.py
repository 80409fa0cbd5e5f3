from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("developers", "0001_initial"),
        ("webhooks", "0001_initial"),
    ]

    operations = [
        AddIndexOnline(
            model_name="delivery",
            index=models.Index(fields=["environment", "-created_at", "-sequence"], name="delivery_newest"),
        ),
        AddIndexOnline(
            model_name="delivery",
            index=models.Index(fields=["environment", "status", "-created_at", "-sequence"], name="delivery_status_newest"),
        ),
        AddIndexOnline(
            model_name="event",
            index=models.Index(fields=["environment", "-created_at", "-sequence"], name="event_newest"),
        ),
        AddIndexOnline(
            model_name="event",
            index=models.Index(fields=["environment", "type", "-created_at", "-sequence"], name="event_type_newest"),
        ),
    ]
