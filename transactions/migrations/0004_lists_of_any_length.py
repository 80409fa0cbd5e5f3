from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("accounts", "0002_connectedaccount_version"),
        ("developers", "0001_initial"),
        ("transactions", "0003_external_transactions"),
    ]

    operations = [
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(
                fields=["stripe_payment_intent_id"], name="transaction_intent_prefix", opclasses=["varchar_pattern_ops"]
            ),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(fields=["stripe_charge_id"], name="transaction_charge_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(fields=["order_id"], name="transaction_order_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(fields=["user_id"], name="transaction_user_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(fields=["environment", "status", "-created_at", "-id"], name="transaction_status_newest"),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(fields=["environment", "currency", "-created_at", "-id"], name="transaction_currency_newest"),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("capture_method", "manual")),
                fields=["environment", "-created_at", "-id"],
                name="transaction_manual_newest",
            ),
        ),
        AddIndexOnline(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("error_code", ""), _negated=True),
                fields=["environment", "error_code", "decline_code", "-created_at"],
                name="transaction_error_newest",
            ),
        ),
    ]
