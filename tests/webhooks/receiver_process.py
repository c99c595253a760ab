"""Start a receiver process, and read what it received."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from django.conf import settings

from tests import stopwatch

LOOPBACK = "127.0.0.1"


class Receiver:
    """Manage a receiver process."""

    def __init__(self, port: int, *, certificate: str = "") -> None:
        self.port, self.certificate = port, certificate

    def url(self, path: str) -> str:
        return f"{'https' if self.certificate else 'http'}://{LOOPBACK}:{self.port}/{path}"

    def received(self, path: str | None = None) -> list[dict[str, Any]]:
        """Return the requests to one path or all, in the order of arrival."""
        requests = json.loads(self._ask("GET", "/received"))
        return [each for each in requests if path in {None, each["path"].removeprefix("/")}]

    def messages(self, path: str) -> list[str]:
        """Return the IDs of the messages to a path."""
        return [each["headers"]["webhook-id"] for each in self.received(path)]

    def counts(self) -> dict[str, int]:
        """Return how many requests came, by path."""
        return {
            path.removeprefix("/"): count for path, count in json.loads(self._ask("GET", "/counts")).items()
        }

    def most_open(self, path: str) -> int:
        """Return the maximum of simultaneous requests to a path."""
        return int(json.loads(self._ask("GET", "/most-open")).get(f"/{path}", 0))

    def behave(self, name: str, behaviour: str) -> None:
        """Set the behavior of `/as/name`."""
        self._ask("PUT", f"/rules/{name}", behaviour)

    def _connection(self) -> HTTPConnection:
        if not self.certificate:
            return HTTPConnection(LOOPBACK, self.port, timeout=60)
        trust = ssl.create_default_context(cafile=self.certificate)
        return HTTPSConnection(LOOPBACK, self.port, timeout=60, context=trust)

    def _ask(self, method: str, path: str, body: str = "") -> bytes:
        connection = self._connection()
        try:
            connection.request(method, path, body)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def running(certificate: str = "", key: str = "") -> Iterator[Receiver]:
    """Run a receiver during the block; with a certificate, over TLS."""
    command = [sys.executable, "-m", "tests.fakes.receiver", *filter(None, (certificate, key))]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Receiver(int(process.stdout.readline()), certificate=certificate)
        finally:
            process.kill()


def sees(happened: Callable[[], bool], *, seconds: float = 120) -> bool:
    """Return whether it happened within some seconds, counted as far as the machine lets this process run."""
    with stopwatch.running() as watch:
        while not happened() and watch.seconds < seconds:
            time.sleep(0.05)
    return happened()
