from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("accounts", "0002_connectedaccount_version"),
    ]

    operations = [
        AddIndexOnline(
            model_name="connectedaccount",
            index=models.Index(fields=["environment", "-created_at", "-id"], name="account_newest"),
        ),
    ]
