"""Receive webhooks and behave as the path says: `/ok/…`, `/hang/…` and so on; `/as/name` as last set.

`python -m tests.fakes.receiver [certificate key]` prints its port and serves until it is killed. `GET /received`
returns the requests, `GET /counts` their number; `PUT /rules/name` sets the behavior of `/as/name`.
"""

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

MEGABYTE = b"x" * 1024 * 1024


@dataclass
class Received:
    """Store the requests, the behavior of `/as/…`, and the number of open requests by path."""

    requests: list[dict[str, object]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rules: dict[str, str] = field(default_factory=dict)
    open_now: dict[str, int] = field(default_factory=dict)
    most_open: dict[str, int] = field(default_factory=dict)


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def hang(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def close_early(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    writer.close()


async def close_at_once(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def ten_megabytes(writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {10 * len(MEGABYTE)}\r\n\r\n".encode())
    for _ in range(10):
        writer.write(MEGABYTE)
        await writer.drain()


async def ten_megabytes_slowly(writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {10 * len(MEGABYTE)}\r\n\r\n".encode())
    for _ in range(100_000):
        writer.write(b"slow ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-Another: one\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless_informational(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def invalid_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    writer.close()


async def after_a_moment(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.3)
    writer.write(answer(200, b"late"))


ANSWERS = {
    "ok": answer(200, b"thanks"),
    "created": answer(201),
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "500": answer(500, b"oh no"),
    "404": answer(404, b"who?"),
    "410": answer(410, b"gone"),
    "301": answer(301, b"", "Location: /ok/redirected"),
    "307": answer(307, b"", "Location: /ok/redirected"),
    "429": answer(429, b"slow down", "Retry-After: 3600"),
    "503": answer(503, b"", "Retry-After: 1"),
    "bytes": answer(200, b"\xff\xfe\x00null\x00" + b"z" * 2000),
    "cookie": answer(200, b"", "Set-Cookie: session=secret; Path=/"),
    "closing": answer(200, b"bye", "Connection: close"),
}
ACTS: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {
    "hang": hang,
    "close": close_early,
    "hang-up": close_at_once,
    "big": ten_megabytes,
    "slow": ten_megabytes_slowly,
    "headers": endless_headers,
    "hints": endless_informational,
    "smtp": invalid_http,
    "late": after_a_moment,
}


class Receiver:
    """Serve connections with many requests each."""

    def __init__(self) -> None:
        self.seen = Received()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing() and await self._one(reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "POST":
            return await self._receive(path, headers, body, reader, writer)
        writer.write(answer(200, self._report(method, path, body)))
        return True

    def _report(self, method: str, path: str, body: bytes) -> bytes:
        if method == "PUT":
            self.seen.rules[path.removeprefix("/rules/")] = body.decode()
            return b""
        seen = self.seen
        answers: dict[str, object] = {
            "/received": seen.requests,
            "/counts": seen.counts,
            "/most-open": seen.most_open,
        }
        return json.dumps(answers[path]).encode()

    async def _receive(
        self,
        path: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        self.seen.counts[path] += 1
        self.seen.requests.append(
            {
                "path": path,
                "at": time.time(),
                "headers": headers,
                "body": body.decode(),
                "peer": str(writer.get_extra_info("peername")),
            }
        )
        behaviour = path.split("/")[1]
        if behaviour == "as":
            behaviour = self.seen.rules.get(path.removeprefix("/as/"), "ok")
        if behaviour in ANSWERS:
            writer.write(ANSWERS[behaviour])
            return behaviour != "closing"
        self.seen.open_now[path] = self.seen.open_now.get(path, 0) + 1
        self.seen.most_open[path] = max(self.seen.open_now[path], self.seen.most_open.get(path, 0))
        act, closed = asyncio.ensure_future(ACTS[behaviour](writer)), asyncio.ensure_future(reader.read(1))
        await asyncio.wait({act, closed}, return_when=asyncio.FIRST_COMPLETED)
        self.seen.open_now[path] -= 1
        for task in (act, closed):
            task.cancel()
        await asyncio.gather(act, closed, return_exceptions=True)
        return behaviour == "late"


async def main(certificate: list[str]) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    server = await asyncio.start_server(Receiver().serve, "127.0.0.1", 0, ssl=context, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  who started us reads it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
