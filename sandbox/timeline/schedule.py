"""What Stripe does by itself later on: noted here, carried out by `due`."""

from datetime import datetime

from sandbox.models import SandboxObject, SandboxTask


def at(moment: datetime, kind: str, row: SandboxObject) -> None:
    """Notes that something becomes due for an object at a moment of the sandbox's time. Noting it twice is noting it once."""
    SandboxTask.objects.get_or_create(kind=kind, account=row.account, stripe_id=row.stripe_id, due_at=moment)
