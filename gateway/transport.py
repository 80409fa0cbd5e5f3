"""The wire to Stripe: the SDK's requests over urllib3, without what `requests` does around it.

The SDK's own transport asks the environment for proxies and passwords at every request, which costs more than the request
itself (docs/performance.md). This one does what the gateway needs and no more: connections that are kept open, the SDK's own
bundle of certificates, two timeouts, no redirects and no repeats. What becomes of a call that fails is told by the cause of
the `stripe.APIConnectionError`: `gateway.outcomes.was_refused` reads it.
"""

from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import stripe
import urllib3

# Connections that stay open for later requests, to one host: more than the threads of a process. Further ones are made
# as they are needed, and closed afterwards.
KEPT_CONNECTIONS = 128
# A redirect would send our secret key elsewhere, and a repeat is the Operation's to decide. Errors come as they are.
NO_REPEATS = urllib3.Retry(total=False, redirect=False)


class PooledClient(stripe.HTTPClient):
    """Stripe over connections that are kept open and shared by all threads.

    `HTTPS_PROXY` and `NO_PROXY` are read once, when it is made, for the host of `address`. Raises stripe.APIConnectionError
    where no answer comes, with the cause that tells whether a byte left.
    """

    name = "pooled"

    def __init__(self, *, address: str, connect_timeout_s: float, read_timeout_s: float) -> None:
        super().__init__()
        self._timeout = urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s)
        options: dict[str, Any] = {
            "maxsize": KEPT_CONNECTIONS,
            "block": False,
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": stripe.ca_bundle_path,
        }
        proxy = proxy_for(address)
        self._is_proxied = proxy is not None
        self._pools_by_host: dict[str, urllib3.HTTPConnectionPool] = {}
        self._pools = (
            urllib3.ProxyManager(proxy, proxy_headers=proxy_headers(proxy), **options)
            if proxy
            else urllib3.PoolManager(**options)
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Sends one request, once. Its whole answer: the body, the status and the headers."""
        pool, target = self._way_to(url)
        try:
            answer = pool.urlopen(
                method.upper(),
                target,
                body=post_data,
                headers={**(headers or {}), "Accept-Encoding": "gzip"},
                timeout=self._timeout,
                retries=NO_REPEATS,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            _fail(error)
        return answer.data.decode(), answer.status, answer.headers

    def _way_to(self, url: str) -> tuple[urllib3.PoolManager | urllib3.HTTPConnectionPool, str]:
        """The connections to the host of `url`, and what is asked for there.

        urllib3 finds both anew for each request by parsing the address; the few hosts of Stripe stay the same. A proxy is
        asked in forms of its own, which urllib3 knows.
        """
        if self._is_proxied:
            return self._pools, url
        beginning_of_path = url.index("/", url.index("://") + len("://"))
        host = url[:beginning_of_path]
        pool = self._pools_by_host.get(host)
        if pool is None:
            pool = self._pools_by_host[host] = self._pools.connection_from_url(host)
        return pool, url[beginning_of_path:]

    def close(self) -> None:
        """Closes what is kept open and not in use."""
        self._pools_by_host.clear()
        self._pools.clear()


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for `address`; None for none. Kept out of the way of every single request.

    It is spoken to by http where it is named without a scheme, such as `proxy:3128`.
    """
    parts = urlsplit(address)
    proxies = getproxies_environment()
    if proxy_bypass(parts.hostname or "", proxies):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def proxy_headers(proxy: str) -> dict[str, str]:
    """What the proxy alone is told: the user and the password that stand in its address. urllib3 does not look for them there."""
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _fail(cause: urllib3.exceptions.HTTPError) -> NoReturn:
    """Told as the SDK tells it. The cause stays: it alone says whether a byte left."""
    message = f"Unexpected error communicating with Stripe.\n\n(Network error: {type(cause).__name__}: {cause})"
    raise stripe.APIConnectionError(message, should_retry=True) from cause  # type: ignore[no-untyped-call]
