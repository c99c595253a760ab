"""Test that many refusals are delayed, and that other requests are not."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from config.web.auth_throttling import BURST, DELAY_SECONDS, PRINCIPAL, DelayFailedAuthentication

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def answering(status: str) -> DelayFailedAuthentication:
    """Return an application that always sends this response."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response(status, [])
        return [status.encode()]

    return DelayFailedAuthentication(application)


def ask(application: DelayFailedAuthentication, **environ: Any) -> str:
    statuses: list[str] = []
    body = b"".join(application(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert body.decode() == statuses[0]
    return statuses[0]


def seconds(application: DelayFailedAuthentication, times: int, **environ: Any) -> float:
    began = time.monotonic()
    for _ in range(times):
        ask(application, **environ)
    return time.monotonic() - began


@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many Requests"])
def test_refusals_wait_after_the_first_few(status: str) -> None:
    application = answering(status)
    seconds(application, BURST)

    assert seconds(application, 20) >= 10 * DELAY_SECONDS


@pytest.mark.parametrize(
    ("status", "environ"),
    [
        ("200 OK", {}),
        ("404 Not Found", {}),
        ("403 Forbidden", {}),
        ("500 Oops", {}),
        ("429 Too Many Requests", {PRINCIPAL: "key"}),
    ],
)
def test_authenticated_requests_never_wait(status: str, environ: dict[str, str]) -> None:
    application = answering(status)
    application.tokens = 0

    seconds(application, 50, **environ)

    assert application.tokens == 0


def test_throttling_leaves_threads_free() -> None:
    application = answering("401 Unauthorized")
    application.tokens = 0
    waiting = [threading.Thread(target=ask, args=(application,)) for _ in range(settings.WEB_THREADS - 1)]
    for each in waiting:
        each.start()
    for _ in waiting:
        application.waiting.acquire(timeout=1)  # all the room there is, once they are through

    status = ask(application)

    assert status == "401 Unauthorized"
    for each in waiting:
        each.join()


def test_refusals_do_not_wait_after_a_pause() -> None:
    application = answering("401 Unauthorized")
    application.tokens, application.refilled_at = 0, time.monotonic() - 3600

    ask(application)

    assert BURST - 1 <= application.tokens < BURST


def test_wsgi_application_is_throttled() -> None:
    """Run in a process of its own, because loading the application configures logging again."""
    words = "from config.wsgi import application; print(type(application).__name__)"

    result = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert result.stdout == "DelayFailedAuthentication\n"
