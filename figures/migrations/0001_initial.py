import commercecore_payments.environments
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='DailyFigures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.CharField(choices=[('sandbox', 'Sandbox'), ('test', 'Test'), ('live', 'Live')], default=commercecore_payments.environments.current_environment, max_length=8)),
                ('day', models.DateField(help_text='In UTC; of what was begun then.')),
                ('payments', models.JSONField(help_text='Groups of payments.')),
                ('refunds', models.JSONField(help_text='Groups of refunds.')),
                ('counted_at', models.DateTimeField(help_text="By the database's clock, before the counting.")),
            ],
            options={
                'verbose_name_plural': 'daily figures',
                'ordering': ('-day',),
                'constraints': [models.UniqueConstraint(fields=('environment', 'day'), name='one_row_of_figures_a_day')],
            },
        ),
    ]
