"""A Stripe at a socket, which answers every request after a wait: `python -m benchmarks.stripe_server 1000`.

It runs beside the service in a process of its own, so that the service's whole way to Stripe is measured but for encryption:
the SDK, its transport, a connection that is kept open. It prints its port when it listens, and serves until it is killed.
"""

import asyncio
import sys

from benchmarks.payment_intent import answered_payment_intent

HOST = "127.0.0.1"
# More than a thread each: connections that wait to be taken must not be refused.
BACKLOG = 1024


async def serve(wait_s: float) -> None:
    """Serves for ever; each answer comes `wait_s` seconds after the whole request."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _read_request(reader)
                await asyncio.sleep(wait_s)
                writer.write(_answer())
        except (asyncio.IncompleteReadError, ConnectionError):  # the caller is done with the connection
            writer.close()

    server = await asyncio.start_server(answer, HOST, 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _read_request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, after = head.partition(b"content-length:")
    await reader.readexactly(int(after.split(b"\r\n", 1)[0] or 0))


def _answer() -> bytes:
    body = answered_payment_intent().encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id: req_benchmark\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000))
