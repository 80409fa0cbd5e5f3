"""A database of the benchmark's own, on a PostgreSQL server that stands already."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextmanager
def temporary_database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database at `server_url`; it is dropped when the block is left.

    Raises psycopg.OperationalError where no server answers there.
    """
    name = f"commercecore_benchmark_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True, connect_timeout=10) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
