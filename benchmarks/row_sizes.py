"""What a payment weighs in PostgreSQL: `python -m benchmarks.row_sizes [payments]`, with PROOF_POSTGRES_URL.

So many payments are played through the API, each created and confirmed under a key, every fourth refunded in part; Stripe's
events come in and ours go out to one endpoint. Then each table is weighed with its TOAST and its indexes.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofs.consumers import Consumers, consuming
from proofs.database import own_database, server_url

if TYPE_CHECKING:
    from developers.models import App

PAYMENTS = 1_000
# Of so many payments one is refunded in part: more than marketplaces see, and what the admin's benchmark plays as well.
REFUNDED_EVERY = 4
# Payments between two rounds of a worker: as in life, events are applied while payments go on.
AT_ONCE = 50
# Of a consumer that answers at once, slowly and with errors (proofs/consumers.py).
SEED = 1
_WEIGHTS = """
SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables
WHERE n_live_tup > %s AND relname NOT LIKE 'sandbox%%' ORDER BY pg_total_relation_size(relid) DESC
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """One table: its rows, and the bytes of them and of their indexes."""

    table: str
    rows: int
    row_bytes: int
    index_bytes: int


def play(payments: int) -> None:
    """Through the API, in this process, on the database that Django is set up on."""
    from proofs.world import World  # noqa: PLC0415 - Django is set up by now
    from sandbox.resources import webhook_endpoints  # noqa: PLC0415

    webhook_endpoints.register_own()  # Stripe's events come in
    with World.create() as world, consuming(SEED) as consumers:
        _subscribe(world.tenant.app, consumers)
        for number in range(payments):
            order, seller = f"weighed-{number}", world.sellers[0]
            created = world.create_payment(seller, order, key=f"create-{number}", amount=2_500)
            paid = world.confirm(seller, created.json()["data"]["transaction_id"], "pm_card_visa", key=f"confirm-{number}")
            if paid.status_code == 200 and number % REFUNDED_EVERY == 0:
                world.refund(seller, order, key=f"refund-{number}", amount=500)
            if number % AT_ONCE == 0:
                _work()
        _work()


def _subscribe(app: "App", consumers: Consumers) -> None:
    from webhooks.models import WebhookEndpoint  # noqa: PLC0415 - Django is set up by now
    from webhooks.secrets import new_secret, set_secret  # noqa: PLC0415

    endpoint, secret = WebhookEndpoint(app=app, event_types=["*"]), new_secret()
    endpoint.url = f"{consumers.base}/{endpoint.pk}"
    set_secret(endpoint, secret)
    endpoint.save(force_insert=True)
    consumers.secrets[endpoint.pk] = secret


def _work() -> None:
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now

    call_command("run_sandbox", once=True)
    call_command("worker", once=True)


def weigh(payments: int) -> Iterator[Weight]:
    """The tables that grow with payments, the heaviest first."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(_WEIGHTS, [payments // 10])
        yield from (Weight(*row) for row in cursor.fetchall())


def table(weights: list[Weight], payments: int) -> str:
    lines = ["| table | rows a payment | bytes of rows | bytes of indexes | together |", "| --- | --- | --- | --- | --- |"]
    for each in weights:
        rows, of_rows, of_indexes = (number / payments for number in (each.rows, each.row_bytes, each.index_bytes))
        lines.append(f"| `{each.table}` | {rows:.2f} | {of_rows:,.0f} | {of_indexes:,.0f} | {of_rows + of_indexes:,.0f} |")
    total = sum(each.row_bytes + each.index_bytes for each in weights) / payments
    return "\n".join([*lines, f"| all of them | | | | {total:,.0f} |"])


def main(payments: int) -> None:
    with own_database(server_url()):
        play(payments)
        print(table(list(weigh(payments)), payments))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAYMENTS)
