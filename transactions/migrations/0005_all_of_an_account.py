from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("accounts", "0002_connectedaccount_version"),
        ("developers", "0001_initial"),
        ("transactions", "0004_lists_of_any_length"),
    ]

    operations = [
        AddIndexOnline(model_name="transaction", index=models.Index(fields=["account", "id"], name="transaction_of_account")),
    ]
