import django.db.models.deletion
from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline, DropKeyIndexesOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ('accounts', '0004_lists'),
        ('developers', '0001_initial'),
        ('transactions', '0005_all_of_an_account'),
    ]

    operations = [
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(fields=['app', 'order_id', 'account'], name='transaction_of_app_order'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(fields=['developer', 'environment', '-created_at', '-id'], name='transaction_of_developer'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('stripe_payment_intent_id', ''), _negated=True), fields=['app', 'environment', '-created_at', '-id'], name='transaction_of_app'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('stripe_payment_intent_id', ''), _negated=True), fields=['app', 'account', '-created_at', '-id'], name='transaction_of_app_account'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('stripe_payment_intent_id', ''), _negated=True), fields=['app', 'environment', 'status', '-created_at', '-id'], name='transaction_of_app_status'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('stripe_payment_intent_id', ''), _negated=True), fields=['app', 'environment', 'user_id', '-created_at', '-id'], name='transaction_of_app_user'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('stripe_payment_intent_id', ''), _negated=True), fields=['app', 'environment', 'amount_minor', '-created_at', '-id'], name='transaction_of_app_amount'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('external', True)), fields=['developer', 'environment', '-created_at', '-id'], name='transaction_external'),
        ),
        AddIndexOnline(
            model_name='transaction',
            index=models.Index(condition=models.Q(('external', True)), fields=['account', '-created_at', '-id'], name='transaction_external_account'),
        ),
        RemoveIndexOnline(
            model_name='transaction',
            name='transaction_order',
        ),
        DropKeyIndexesOnline(
            model_name='transaction',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='accounts.connectedaccount'),
        ),
        DropKeyIndexesOnline(
            model_name='transaction',
            name='app',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='developers.app'),
        ),
        DropKeyIndexesOnline(
            model_name='transaction',
            name='developer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='developers.developer'),
        ),
    ]
