import commercecore_payments.clock
import commercecore_payments.environments
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('developers', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.CharField(choices=[('sandbox', 'Sandbox'), ('test', 'Test'), ('live', 'Live')], default=commercecore_payments.environments.current_environment, max_length=8)),
                ('app_id', models.CharField(blank=True, max_length=64, verbose_name='app')),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(help_text='Of the method, the address, the user and the body.', max_length=64)),
                ('attempt', models.PositiveIntegerField(default=1, help_text='How often the request was begun; also the fencing token.')),
                ('held_until', models.DateTimeField(help_text="By the database's clock: until then its holder may still be at work.")),
                ('created_at', models.DateTimeField(default=commercecore_payments.clock.now)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('status_code', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('api_version', models.CharField(blank=True, help_text='The one in which it was answered.', max_length=10)),
                ('answer', models.TextField(blank=True, editable=False)),
                ('encryption_key_id', models.CharField(blank=True, max_length=32)),
                ('developer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='idempotency_keys', to='developers.developer')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['environment', '-created_at', '-id'], name='idempotency_key_newest'), models.Index(fields=['environment', 'held_until'], name='idempotency_key_unused')],
                'constraints': [models.UniqueConstraint(fields=('environment', 'developer', 'app_id', 'key'), name='one_row_an_idempotency_key'), models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True), ('status_code__isnull', True)), models.Q(('answered_at__isnull', False), ('status_code__isnull', False)), _connector='OR'), name='idempotency_key_is_answered_whole')],
            },
        ),
    ]
