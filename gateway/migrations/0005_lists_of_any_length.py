from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("developers", "0001_initial"),
        ("gateway", "0004_operator"),
        ("idempotency", "0001_initial"),
    ]

    operations = [
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["stripe_account"], name="operation_account_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["target_id"], name="operation_target_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["result_id"], name="operation_result_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(
                fields=["stripe_request_id"], name="operation_stripe_req_prefix", opclasses=["varchar_pattern_ops"]
            ),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["request_id"], name="operation_request_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["user_id"], name="operation_user_prefix", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["environment", "status", "-created_at", "-id"], name="operation_status_newest"),
        ),
        AddIndexOnline(
            model_name="operation",
            index=models.Index(fields=["environment", "kind", "-created_at", "-id"], name="operation_kind_newest"),
        ),
    ]
