"""The way to allauth: its own contract for apps, over its own paths, asked from within. None of them is routed to the outside.

allauth sees a request that is made for it: our fields as JSON, the address and the headers of the caller, and never a cookie.
"""

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from allauth.core.context import request_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import resolve
from redis.exceptions import RedisError

from accounts.people import sessions

URLS = "allauth.headless.urls"
APP = "allauth.account"
OURS_ALONE = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_X_SESSION_TOKEN")


@dataclass(frozen=True)
class Answer:
    """What allauth says: the status, the token of a session that is new, and what was wrong by field (`code`, `message`)."""

    status: int
    token: str | None
    errors: tuple[Mapping[str, str], ...]

    @property
    def codes(self) -> set[str]:
        return {error["code"] for error in self.errors}


@dataclass(frozen=True)
class Attempt:
    """Something that was tried, and counted."""

    counted: ratelimit.RateLimitUsage

    def take_back(self) -> None:
        """It was no failure: it counts for nothing."""
        with suppress(RedisError):
            self.counted.rollback()


def ask(*, request: HttpRequest, method: str, path: str, fields: Mapping[str, Any], token: str = "") -> Answer:
    """The answer to `path` (`auth/login`) of allauth's contract for apps, on behalf of the session with this token."""
    inner = inward(request, method=method, path=f"/app/v1/{path}", body=json.dumps(fields).encode())
    if token:
        inner.META["HTTP_X_SESSION_TOKEN"] = token
    view, args, kwargs = resolve(inner.path_info, urlconf=URLS)
    with request_context(inner):
        try:
            response = view(inner, *args, **kwargs)
        except ImmediateHttpResponse as immediate:
            response = immediate.response
        except RedisError:  # attempts cannot be counted: nobody guesses meanwhile
            return Answer(status=429, token=None, errors=())
    said = json.loads(response.content or b"{}")
    return Answer(
        status=response.status_code,
        token=said.get("meta", {}).get("session_token"),
        errors=tuple(said.get("errors", ())),
    )


def inward(request: HttpRequest, *, method: str = "POST", path: str = "/", body: bytes = b"") -> WSGIRequest:
    """A request as allauth and Django's sessions want it, from the same caller and without what it signs in with."""
    environ = {name: value for name, value in request.META.items() if name not in OURS_ALONE}
    length = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    inner = WSGIRequest(environ | length | {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": ""})
    inner.session, inner.user = sessions.fresh(), AnonymousUser()
    inner.allauth = SimpleNamespace()  # type: ignore[attr-defined]  # as allauth's middleware leaves it
    return inner


def may_go_on(*, request: HttpRequest, action: str, key: str | None = None) -> bool:
    """Whether one more of these is within `ACCOUNT_RATE_LIMITS`, by the caller's address and by `key`."""
    return attempt(request=request, action=action, key=key) is not None


def attempt(*, request: HttpRequest, action: str, key: str | None = None) -> Attempt | None:
    """One more of these, counted before it is known what becomes of it; None where it is one too many, as in may_go_on."""
    inner = inward(request)
    with request_context(inner):
        try:
            counted = ratelimit.consume(inner, app=APP, action=action, key=key)
        except RedisError:
            return None
    return None if counted is None else Attempt(counted)
