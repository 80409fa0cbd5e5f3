"""The connections of the pool, and how it is known that one of them is still alive."""

import select
import time
from typing import Any

import psycopg

# Seconds for which a server's answer counts: it is asked anew where it has said nothing for longer. Hikari's pool trusts its
# connections for half a second (aliveBypassWindowMs); here a connection that was closed is seen at once all the same.
TRUSTED_FOR_S = 1.0


class PooledConnection(psycopg.Connection[Any]):
    """A connection that asks the server for a sign of life only where it has to.

    Each time a connection is taken from the pool, psycopg_pool has it execute an empty statement (its `check_connection`). A
    payment takes two, one on each side of its call to Stripe. Where the server has answered a moment ago and has closed
    nothing since, there is nothing to ask: a server that ends or hands over closes its connections, and what it sends then
    lies in the socket. Only a server that vanished without a word is not seen so, and for TRUSTED_FOR_S.
    """

    answered_at_s = float("-inf")
    answer: psycopg.Cursor[Any]

    def execute(self, query: Any, *arguments: Any, **options: Any) -> psycopg.Cursor[Any]:
        is_sign_of_life = query == ""
        if is_sign_of_life and time.monotonic() - self.answered_at_s < TRUSTED_FOR_S and not self._has_been_told_something():
            return self.answer
        cursor = super().execute(query, *arguments, **options)
        if is_sign_of_life:
            self.answered_at_s, self.answer = time.monotonic(), cursor
        return cursor

    def _has_been_told_something(self) -> bool:
        """Whether something lies in the socket that nobody asked for, such as its end."""
        waiting = select.poll()
        waiting.register(self.pgconn.socket, select.POLLIN)
        return bool(waiting.poll(0))
