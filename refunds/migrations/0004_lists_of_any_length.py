from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("refunds", "0003_external_refunds"),
    ]

    operations = [
        AddIndexOnline(
            model_name="refund",
            index=models.Index(fields=["stripe_refund_id"], name="refund_id_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="refund",
            index=models.Index(fields=["user_id"], name="refund_user_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="refund",
            index=models.Index(fields=["environment", "status", "-created_at", "-id"], name="refund_status_newest"),
        ),
        AddIndexOnline(
            model_name="refund",
            index=models.Index(fields=["environment", "currency", "-created_at", "-id"], name="refund_currency_newest"),
        ),
        AddIndexOnline(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("reason", ""), _negated=True),
                fields=["environment", "reason", "-created_at", "-id"],
                name="refund_reason_newest",
            ),
        ),
    ]
