from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ("paymentmethods", "0002_detachment"),
    ]

    operations = [
        AddIndexOnline(
            model_name="customer",
            index=models.Index(fields=["environment", "-created_at", "-id"], name="customer_newest"),
        ),
        AddIndexOnline(
            model_name="paymentmethod",
            index=models.Index(fields=["environment", "-created_at", "-id"], name="payment_method_newest"),
        ),
    ]
