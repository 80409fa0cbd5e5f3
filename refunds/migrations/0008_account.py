import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_lists"),
        ("refunds", "0007_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="refund",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                help_text="That of its payment, by which refunds are listed. Empty where the release before has written it since.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="accounts.connectedaccount",
            ),
        ),
    ]
