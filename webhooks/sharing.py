"""How the threads of one process share out the endpoints, so that slow ones leave room for the others."""

import threading
from collections import Counter

from django.conf import settings

from webhooks.models import WebhookEndpoint

# Threads of a process at one endpoint: one is enough for a quick one, and two for one that answers each post from afar.
MOST_AT_AN_ENDPOINT = 2


class Sharing:
    """Which endpoint each thread of this process posts to, and which endpoints are known to be slow.

    A slow endpoint is one whose last post took long, or at which nothing arrives. Half of the threads at most post to such
    ones: however many there are, the others have the other half. It is guarded by the lock of whoever chooses.
    """

    def __init__(self) -> None:
        self._at: dict[int, WebhookEndpoint] = {}
        self._slow: set[str] = set()

    def begin(self, endpoint: WebhookEndpoint) -> None:
        """The present thread posts to it from now on."""
        self._at[threading.get_ident()] = endpoint

    def end(self) -> None:
        self._at.pop(threading.get_ident(), None)

    def note(self, endpoint: WebhookEndpoint, *, is_slow: bool) -> None:
        """What its last post has shown."""
        (self._slow.add if is_slow else self._slow.discard)(endpoint.pk)

    def has_room_for_slow_ones(self) -> bool:
        most = max(1, settings.WEBHOOK_THREADS // 2)
        return sum(self._is_slow(endpoint) for endpoint in self._at.copy().values()) < most

    def endpoints_to_leave(self) -> set[str]:
        """Those that have their threads already; and all slow ones while there is no room for more."""
        threads = Counter(endpoint.pk for endpoint in self._at.copy().values())
        full = {key for key, number in threads.items() if number >= MOST_AT_AN_ENDPOINT}
        return full if self.has_room_for_slow_ones() else full | self._slow

    def busy_apps(self) -> set[str]:
        """Those for which a thread is at work: the others come first."""
        return {endpoint.app_id for endpoint in self._at.copy().values()}

    def _is_slow(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.failing_since is not None or endpoint.pk in self._slow
