"""Open connections that occupy a server without using it, and measure how others are served meanwhile."""

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.web_servers import LOOPBACK, Address, ask, connected, get

# How much slower the slowest requests may become, and how often a noisy machine may try to show it.
MAX_RATIO = 2.0
ROUNDS = 4
COUNT = 50
# Seconds after which a request counts as not answered.
PATIENCE = 5.0
DRIP_SECONDS = 1.0
RETURN_TURNS = 5
UPLOAD = "POST /v1/accounts/{account}/reports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
JSON = "POST /v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
FORM = (
    "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n"
    '--x\r\nContent-Disposition: form-data; name="file"; filename="r.txt"\r\n\r\n'
)


def requests(*, key: str, account: str) -> dict[str, bytes]:
    """Return what each kind of slow client sends at once, by the name of the kind."""
    upload, json = UPLOAD.format(key=key, account=account), JSON.format(key=key)
    return {
        "silent": b"",
        "dripping head": b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "dripping upload": (upload + FORM.format(length=50_000)).encode(),
        "dripping large upload": (upload + FORM.format(length=50_000_000)).encode() + b"x" * 200_000,
        "dripping upload of a stranger": (
            UPLOAD.format(key="unknown", account=account) + FORM.format(length=50_000_000)
        ).encode(),
        "dripping JSON": (json + "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{").encode(),
        # More than the buffers of both systems hold.
        "unread response": b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
    }


KINDS = tuple(requests(key="", account=""))


@contextmanager
def slow_clients(
    address: Address, *, request: bytes, count: int = COUNT, tls: ssl.SSLContext | None = None
) -> Iterator[None]:
    """Keep `count` connections open that send `request`, then a byte a second, and read nothing."""
    stopped = threading.Event()
    thread = threading.Thread(target=_occupy, args=(address, request, count, tls, stopped), daemon=True)
    thread.start()
    try:
        # Until all of them are connected.
        time.sleep(2 * DRIP_SECONDS)
        yield
    finally:
        stopped.set()
        thread.join()


def _occupy(
    address: Address, request: bytes, count: int, tls: ssl.SSLContext | None, stopped: threading.Event
) -> None:
    with contextlib.ExitStack() as stack:
        connections = [_connect(address, request, tls, stack) for _ in range(count)]
        for turn in itertools.count():
            if stopped.wait(DRIP_SECONDS):
                return
            for number, connection in enumerate(connections):
                try:
                    if request:
                        connection.send(b"x")
                except (BlockingIOError, ssl.SSLWantWriteError):
                    continue
                except OSError:
                    # The server has ended it. A hostile client comes back, but not so often that it
                    # is busy itself: it shares the processor with the requests that are measured.
                    if number % RETURN_TURNS == turn % RETURN_TURNS:
                        connections[number] = _connect(address, request, tls, stack)


def _connect(
    address: Address, request: bytes, tls: ssl.SSLContext | None, stack: contextlib.ExitStack
) -> socket.socket:
    # Small buffers: the server has to keep what is not read.
    connection = stack.enter_context(connected(address, tls=tls, buffer=4096, timeout=PATIENCE))
    with contextlib.suppress(OSError):
        connection.settimeout(0)
        connection.send(request)
    return connection


def p95(seconds: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(seconds)[int(len(seconds) * 0.95)]


def measure(request: Callable[[], int], *, count: int = 60) -> float:
    """Return the 95th percentile of the seconds that `request` takes. Failures take `PATIENCE`."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        try:
            status = request()
        except (OSError, IndexError):
            # No answer, or an empty one.
            status = 0
        seconds.append(time.perf_counter() - began if status == 200 else PATIENCE)
        if seconds.count(PATIENCE) > count * 0.05:
            # The percentile is decided.
            return PATIENCE
    return p95(seconds)


def ratios(*, request_me: Callable[[], int], slow: Callable[[], AbstractContextManager[None]]) -> list[float]:
    """Return how many times longer requests take while slow clients are connected (95th percentiles).

    The last round is the first that stays within `MAX_RATIO`.
    """
    found: list[float] = []
    while len(found) < ROUNDS and min(found, default=MAX_RATIO + 1) > MAX_RATIO:
        measure(request_me, count=10)
        idle = measure(request_me)
        with slow():
            found.append(measure(request_me) / idle)
    return found


def get_me(address: Address, key: str, *, tls: ssl.SSLContext | None = None, source: str = LOOPBACK) -> int:
    """Get /v1/me on a new connection, and return the status."""
    request = get("/v1/me", more=f"Authorization: Bearer {key}\r\n")
    return ask(address, request, tls=tls, source=source, timeout=PATIENCE)[0]
