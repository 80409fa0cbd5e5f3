"""Dry runs: a request is judged as if it were meant, and nothing is done. Why so: docs/decisions/lists.md."""

from commercecore_payments.actors import Actor
from commercecore_payments.errors import BadRequest, KeyAfterwards

# What is told of the field, wherever a request takes it.
DRY_RUN = "`true` tells what would be done, and does nothing. Without an Idempotency-Key."
NOTHING_WAS_DONE = "Dry run: nothing was done"


class DryRunUnderKey(BadRequest):
    """The key would stand for the dry run from then on, and the request that is meant could not be sent under it."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "dry_run_under_key"
    message = "A dry run does nothing that has to be done once. Send it without an Idempotency-Key, which is free still."

    def __init__(self) -> None:
        super().__init__(fields={"dry_run": [self.message]})


def refuse_key(actor: Actor) -> None:
    """Raises DryRunUnderKey where the request came under an Idempotency-Key."""
    if actor.idempotency_key is not None:
        raise DryRunUnderKey
