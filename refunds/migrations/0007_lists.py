import django.db.models.deletion
from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline, DropKeyIndexesOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ('developers', '0001_initial'),
        ('refunds', '0006_own_refund_has_an_app_or_an_operator'),
        ('transactions', '0005_all_of_an_account'),
    ]

    operations = [
        AddIndexOnline(
            model_name='refund',
            index=models.Index(fields=['developer', 'environment', '-created_at', '-id'], name='refund_of_developer'),
        ),
        AddIndexOnline(
            model_name='refund',
            index=models.Index(condition=models.Q(('stripe_refund_id', ''), _negated=True), fields=['app', 'environment', '-created_at', '-id'], name='refund_of_app'),
        ),
        AddIndexOnline(
            model_name='refund',
            index=models.Index(condition=models.Q(('stripe_refund_id', ''), _negated=True), fields=['app', 'environment', 'status', '-created_at', '-id'], name='refund_of_app_status'),
        ),
        AddIndexOnline(
            model_name='refund',
            index=models.Index(condition=models.Q(('stripe_refund_id', ''), _negated=True), fields=['app', 'environment', 'user_id', '-created_at', '-id'], name='refund_of_app_user'),
        ),
        AddIndexOnline(
            model_name='refund',
            index=models.Index(condition=models.Q(('stripe_refund_id', ''), _negated=True), fields=['app', 'environment', 'amount_minor', '-created_at', '-id'], name='refund_of_app_amount'),
        ),
        AddIndexOnline(
            model_name='refund',
            index=models.Index(condition=models.Q(('app', None)), fields=['developer', 'environment', '-created_at', '-id'], name='refund_of_no_app'),
        ),
        DropKeyIndexesOnline(
            model_name='refund',
            name='app',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='developers.app'),
        ),
        DropKeyIndexesOnline(
            model_name='refund',
            name='developer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='developers.developer'),
        ),
    ]
