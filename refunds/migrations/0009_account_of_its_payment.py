"""Each refund that exists is given the account of its payment."""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery

from commercecore_payments.data_migrations import RunInBatches

# Rows of one UPDATE: 0.13 s beside 300,000 refunds on two busy cores, for which a change of one of them waits at most.
BATCH = 500


class CopyAccounts:
    """One batch each time it is called, in the order of the ids, so that no row is passed over twice."""

    def __init__(self) -> None:
        self.behind = 0

    def __call__(self, apps: Any, schema_editor: Any) -> int:
        refunds = apps.get_model("refunds", "Refund")._base_manager
        without = refunds.filter(account=None, pk__gt=self.behind).order_by("pk")
        found = list(without.values_list("pk", flat=True)[:BATCH])
        if not found and self.behind:  # once more from the beginning: a batch may have been undone
            self.behind = 0
            return self(apps, schema_editor)
        payments = apps.get_model("transactions", "Transaction")._base_manager.filter(pk=OuterRef("transaction"))
        refunds.filter(pk__in=found).update(account=Subquery(payments.values("account")[:1]))
        self.behind = found[-1] if found else 0
        return len(found)


class Migration(migrations.Migration):
    atomic = False  # each batch is a transaction of its own

    dependencies = [("refunds", "0008_account"), ("transactions", "0006_lists")]

    operations = [RunInBatches(CopyAccounts())]
