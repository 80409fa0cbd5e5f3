"""What Stripe does by itself later on: noted here, carried out by `due`."""

from datetime import datetime

from sandbox.models import SandboxObject, SandboxTask


def at(moment: datetime, kind: str, row: SandboxObject) -> None:
    """Notes that something becomes due for an object at a moment of the sandbox's time. Noting it twice is noting it once.

    A note that is there is locked until the transaction ends, and one that is being carried out is waited for and made anew:
    what this transaction changes is then never missed by the task.
    """
    noted = SandboxTask(kind=kind, account=row.account, stripe_id=row.stripe_id, due_at=moment)
    own = ["kind", "account", "stripe_id", "due_at"]
    SandboxTask.objects.bulk_create([noted], update_conflicts=True, unique_fields=own, update_fields=["due_at"])


def lock(kind: str, row: SandboxObject) -> None:
    """Locks the notes of one kind about an object: for a task that sums up what others add to while they note it.

    Whoever has noted it in a transaction that is still open is waited for, so that the sum has what that one adds.
    """
    list(SandboxTask.objects.select_for_update().filter(kind=kind, account=row.account, stripe_id=row.stripe_id).order_by("id"))
