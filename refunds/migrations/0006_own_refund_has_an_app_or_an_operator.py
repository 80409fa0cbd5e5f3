from django.db import migrations

from commercecore_payments.indexes import ValidateCheckOnline


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0005_staff_refunds"),
    ]

    operations = [
        ValidateCheckOnline(model_name="refund", name="own_refund_has_an_app_or_an_operator"),
    ]
