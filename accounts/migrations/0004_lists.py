import django.db.models.deletion
from django.db import migrations, models

from commercecore_payments.indexes import AddIndexOnline, DropKeyIndexesOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes an index beside writers in no transaction

    dependencies = [
        ('accounts', '0003_lists_of_any_length'),
        ('developers', '0001_initial'),
    ]

    operations = [
        AddIndexOnline(
            model_name='connectedaccount',
            index=models.Index(fields=['developer', 'environment', '-created_at', '-id'], name='account_of_developer'),
        ),
        DropKeyIndexesOnline(
            model_name='connectedaccount',
            name='developer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='connected_accounts', to='developers.developer'),
        ),
    ]
