"""Start a real web server as the product does, with one process, and send it raw requests."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

Address = tuple[str, int]
Answer = tuple[int, dict[str, str], bytes]
LOOPBACK = "127.0.0.1"


@contextmanager
def web_server(**environ: str) -> Iterator[Address]:
    """Start the web server, and return its address once it answers."""
    with running_web_server(**environ) as (address, _):
        yield address


@contextmanager
def running_web_server(**environ: str) -> Iterator[tuple[Address, "subprocess.Popen[bytes]"]]:
    """Start the web server, and return its address and its process once it answers."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.set_inheritable(True)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application"),
                f"--bind=fd://{listening.fileno()}",
                "--config=python:config.web.gunicorn_settings",
            ],
            cwd=settings.BASE_DIR,
            pass_fds=[listening.fileno()],
            env=os.environ | {"WEB_WORKERS": "1", "LOG_LEVEL": "ERROR"} | environ,
        )
        try:
            address = listening.getsockname()
            assert ask(address, get("/healthz"))[0] == 200
            yield address, process
        finally:
            process.terminate()
            process.wait(timeout=600)


@contextmanager
def connected(
    address: Address,
    *,
    tls: ssl.SSLContext | None = None,
    source: str = LOOPBACK,
    buffer: int | None = None,
    timeout: float = 60,
) -> Iterator[socket.socket]:
    """Connect from `source`, and receive at most `buffer` bytes ahead."""
    with socket.socket() as connection:
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(timeout)
        connection.bind((source, 0))
        connection.connect(address)
        if tls is None:
            yield connection
            return
        with tls.wrap_socket(connection, server_hostname="localhost") as encrypted:
            yield encrypted


def ask(
    address: Address,
    request: bytes,
    *,
    tls: ssl.SSLContext | None = None,
    source: str = LOOPBACK,
    timeout: float = 600,
) -> Answer:
    """Send these bytes, and return status, headers and body."""
    with connected(address, tls=tls, source=source, timeout=timeout) as asking:
        # A server may refuse a request before it has arrived.
        with contextlib.suppress(BrokenPipeError):
            asking.sendall(request)
        return read_answer(asking)


def read_answer(connection: socket.socket) -> Answer:
    """Return status, headers and body of the response that ends with the connection."""
    answer = b""
    while block := connection.recv(65536):
        answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return (
        int(first.split()[1]),
        {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)},
        body,
    )


def get(path: str, *, method: str = "GET", more: str = "") -> bytes:
    """Return the bytes of a request without a body that closes its connection."""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n".encode()
