"""Refusals come late when there are many, and nothing else does."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from config.web.auth_throttling import BEARER, FREE, PAUSE, Paced

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def answering(status: str) -> Paced:
    """An application that answers everything so."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response(status, [])
        return [status.encode()]

    return Paced(application)


def ask(application: Paced, **environ: Any) -> str:
    told: list[str] = []
    body = b"".join(application(environ, lambda status, *_: told.append(status)))  # type: ignore[arg-type]
    assert body.decode() == told[0]
    return told[0]


def seconds(application: Paced, times: int, **environ: Any) -> float:
    began = time.monotonic()
    for _ in range(times):
        ask(application, **environ)
    return time.monotonic() - began


@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many Requests"])
def test_beyond_a_few_refusals_each_waits(status: str) -> None:
    application = answering(status)
    seconds(application, FREE)

    assert seconds(application, 20) >= 10 * PAUSE


@pytest.mark.parametrize(
    ("status", "environ"),
    [("200 OK", {}), ("404 Not Found", {}), ("403 Forbidden", {}), ("500 Oops", {}), ("429 Too Many Requests", {BEARER: "key"})],
)
def test_whoever_is_known_never_waits(status: str, environ: dict[str, str]) -> None:
    application = answering(status)
    application.free = 0

    seconds(application, 50, **environ)

    assert application.free == 0


def test_some_threads_are_always_free_for_others() -> None:
    application = answering("401 Unauthorized")
    application.free = 0
    waiting = [threading.Thread(target=ask, args=(application,)) for _ in range(settings.WEB_THREADS - 1)]
    for each in waiting:
        each.start()
    for _ in waiting:
        application.room.acquire(timeout=1)  # all the room there is, once they are through

    told = ask(application)

    assert told == "401 Unauthorized"
    for each in waiting:
        each.join()


def test_after_a_quiet_time_refusals_come_at_once_again() -> None:
    application = answering("401 Unauthorized")
    application.free, application.counted_at = 0, time.monotonic() - 3600

    ask(application)

    assert FREE - 1 <= application.free < FREE


def test_the_web_server_calls_the_paced_application() -> None:
    """Asked of a process of its own: who loads the application describes the loggers anew."""
    words = "from config.wsgi import application; print(type(application).__name__)"

    answer = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert answer.stdout == "Paced\n"
