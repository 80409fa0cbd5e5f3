"""Which kind of database there is."""

from functools import cache

from django.db import connection


@cache
def is_postgresql() -> bool:
    """Whether it is PostgreSQL, and not SQLite. It is decided once in the life of a process, by DATABASE_URL.

    Asked for every statement of a payment, where finding the connection of the thread first is not free.
    """
    return bool(connection.vendor == "postgresql")
