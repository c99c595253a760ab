"""Open connections that occupy a server without using it, and measure how others are served meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.web_servers import LOOPBACK, Address

# Seconds after which a request counts as not answered.
PATIENCE = 5.0
DRIP_SECONDS = 1.0
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


@contextmanager
def slow_clients(address: Address, *, request: bytes, count: int, drips: bool = True) -> Iterator[None]:
    """Keep `count` connections open that send `request`, then a byte a second, and read nothing."""
    stopped = threading.Event()
    thread = threading.Thread(target=_occupy, args=(address, request, count, drips, stopped), daemon=True)
    thread.start()
    try:
        # Until all of them are connected.
        time.sleep(2 * DRIP_SECONDS)
        yield
    finally:
        stopped.set()
        thread.join()


def _occupy(address: Address, request: bytes, count: int, drips: bool, stopped: threading.Event) -> None:
    with contextlib.ExitStack() as stack:
        connections = [_connect(address, request, stack) for _ in range(count)]
        while not stopped.wait(DRIP_SECONDS):
            for number, connection in enumerate(connections):
                try:
                    if drips and request:
                        connection.send(b"x")
                except BlockingIOError:
                    continue
                except OSError:
                    # The server has ended it. A hostile client comes back.
                    connections[number] = _connect(address, request, stack)


def _connect(address: Address, request: bytes, stack: contextlib.ExitStack) -> socket.socket:
    connection = stack.enter_context(socket.socket())
    # Small buffers: the server has to keep what is not read.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    with contextlib.suppress(OSError):
        connection.connect(address)
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
        except OSError:
            status = 0
        seconds.append(time.perf_counter() - began if status == 200 else PATIENCE)
        if seconds.count(PATIENCE) > count * 0.05:
            # The percentile is decided.
            return PATIENCE
    return p95(seconds)


def get_me(address: Address, key: str) -> int:
    """Get /v1/me on a new connection, and return the status."""
    request = (
        f"GET /v1/me HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(request.encode())
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return int(answer.split(b" ", 2)[1]) if answer else 0
