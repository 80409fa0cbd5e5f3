"""A tenant and its onboarded seller, made once for a run of the tests and put back into the emptied database for each.

Most tests begin with them. Made anew each time, through the API and the sandbox, they took a quarter of the suite's time.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from commercecore_payments.clock import now
from commercecore_payments.testing.emptying import WRITTEN_BY_MIGRATIONS, empty
from commercecore_payments.tests.tenants import Tenant


@dataclass(frozen=True)
class Rows:
    """All rows of one table, with the moments in them as they were at `taken_at`."""

    model: type[models.Model]
    values: list[tuple[Any, ...]]
    taken_at: datetime = field(default_factory=now)

    @property
    def fields(self) -> list[Any]:
        return list(self.model._meta.concrete_fields)

    def put_back(self) -> None:
        """Inserts them as if they were made now: each moment is as long ago as it was."""
        columns = ", ".join(connection.ops.quote_name(one.column) for one in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        table = connection.ops.quote_name(self.model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", [*self._as_of_now()])  # noqa: S608 - our models' names

    def _as_of_now(self) -> Iterator[list[Any]]:
        later = now() - self.taken_at
        for row in self.values:
            moved = [value + later if isinstance(value, datetime) else value for value in row]
            yield [one.get_db_prep_save(value, connection) for one, value in zip(self.fields, moved, strict=True)]


@dataclass(frozen=True)
class Prepared:
    """What the fixtures `tenant` and `seller` hand out."""

    tenant: Tenant
    seller: str
    tenant_rows: list[Rows]
    seller_rows: list[Rows]

    @classmethod
    def make(cls) -> "Prepared":
        """Makes both in an empty database, and leaves it empty."""
        tenant = Tenant.create()
        tenant_rows = filled_tables()
        seller = tenant.create_seller()
        of_tenant = {rows.model for rows in tenant_rows}
        seller_rows = [rows for rows in filled_tables() if rows.model not in of_tenant]
        empty()
        return cls(tenant, seller, tenant_rows, seller_rows)

    def new_tenant(self) -> Tenant:
        """The tenant, in the database again."""
        _put_back(self.tenant_rows)
        own = self.tenant
        return Tenant(developer=deepcopy(own.developer), app=deepcopy(own.app), token=own.token)

    def new_seller(self) -> str:
        """The id of the tenant's connected account, which is in the database again, here and in the sandbox."""
        _put_back(self.seller_rows)
        return self.seller


def filled_tables() -> list[Rows]:
    """What is in the database now, but for what the migrations wrote."""
    of_tests = [model for model in apps.get_models(include_auto_created=True) if _is_of_tests(model)]
    found = [Rows(model, [*model._base_manager.values_list(*_names(model))]) for model in of_tests]
    return [rows for rows in found if rows.values]


def _is_of_tests(model: type[models.Model]) -> bool:
    options = model._meta
    return options.managed and not options.proxy and options.db_table not in WRITTEN_BY_MIGRATIONS


def _names(model: type[models.Model]) -> list[str]:
    return [one.attname for one in model._meta.concrete_fields]


def _put_back(tables: list[Rows]) -> None:
    with transaction.atomic():
        for rows in tables:
            rows.put_back()
