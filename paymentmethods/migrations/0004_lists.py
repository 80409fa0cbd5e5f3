import django.db.models.deletion
from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline, DropKeyIndexesOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ('developers', '0001_initial'),
        ('paymentmethods', '0003_lists_of_any_length'),
    ]

    operations = [
        AddIndexOnline(
            model_name='paymentmethod',
            index=models.Index(fields=['customer', '-created_at', '-id'], name='payment_method_of_customer'),
        ),
        AddIndexOnline(
            model_name='paymentmethod',
            index=models.Index(fields=['stripe_payment_method_id'], name='payment_method_id_prefix', opclasses=['varchar_pattern_ops']),
        ),
        DropKeyIndexesOnline(
            model_name='paymentmethod',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payment_methods', to='paymentmethods.customer'),
        ),
    ]
