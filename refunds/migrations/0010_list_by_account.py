from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("accounts", "0004_lists"),
        ("developers", "0001_initial"),
        ("refunds", "0009_account_of_its_payment"),
        ("transactions", "0006_lists"),
    ]

    operations = [
        AddIndexOnline(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("stripe_refund_id", ""), _negated=True),
                fields=["app", "account", "-created_at", "-id"],
                name="refund_of_app_account",
            ),
        ),
        AddIndexOnline(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("app", None)), fields=["account", "-created_at", "-id"], name="refund_of_no_app_account"
            ),
        ),
    ]
