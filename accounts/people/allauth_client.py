"""Call allauth's headless API from code. Its views have no routes.

allauth gets a request that is built for it, with our fields as JSON and the caller's address and headers, but
without cookies.
"""

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from allauth.core.context import request_context
from allauth.core.exceptions import ImmediateHttpResponse

# Private to allauth, whose public rate limits are decorators of its own views.
# tests/accounts/people/test_allauth_client.py fails if this interface changes.
from allauth.core.internal import ratelimit
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import resolve
from redis.exceptions import RedisError

from accounts.people import sessions

URLS = "allauth.headless.urls"
APP = "allauth.account"
CREDENTIAL_HEADERS = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_X_SESSION_TOKEN")


@dataclass(frozen=True)
class AllauthResponse:
    """Store the status, the token of a new session, errors (`code`, `message`, `param`), and the rest."""

    status: int
    token: str | None
    errors: tuple[Mapping[str, str], ...]
    data: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def codes(self) -> set[str]:
        return {error["code"] for error in self.errors}

    @property
    def second_factors(self) -> tuple[str, ...]:
        """Return the types of second factors that a pending sign-in accepts; none if it waits for none."""
        flows = self.data.get("flows", ()) if isinstance(self.data, dict) else ()
        pending = [each for each in flows if each["id"] == "mfa_authenticate" and each.get("is_pending")]
        return tuple(pending[0]["types"]) if pending else ()


@dataclass(frozen=True)
class Attempt:
    """Store an attempt that was counted, once for each limit."""

    usages: tuple[ratelimit.RateLimitUsage, ...]

    def cancel(self) -> None:
        """Uncount the attempt, because it succeeded."""
        # The attempt has succeeded; an outage of the store must not fail it. It stays counted.
        with suppress(RedisError):
            for usage in self.usages:
                usage.rollback()


def call(
    *,
    request: HttpRequest,
    method: str,
    path: str,
    fields: Mapping[str, Any],
    token: str = "",
    query: str = "",
) -> AllauthResponse:
    """Call a path of allauth's API for apps, such as `auth/login`, with this session token if given."""
    inner = build_request(request, method=method, path=f"/app/v1/{path}", body=json.dumps(fields).encode())
    inner.META["QUERY_STRING"] = query
    if token:
        inner.META["HTTP_X_SESSION_TOKEN"] = token
    view, args, kwargs = resolve(inner.path_info, urlconf=URLS)
    with request_context(inner):
        try:
            response = view(inner, *args, **kwargs)
        # allauth raises this to leave its flow with a response from any depth.
        except ImmediateHttpResponse as immediate:
            response = immediate.response
        except RedisError:
            # Attempts cannot be counted. Refuse them, so that nobody can guess secrets meanwhile.
            return AllauthResponse(status=429, token=None, errors=())
    body = json.loads(response.content or b"{}")
    return AllauthResponse(
        status=response.status_code,
        token=body.get("meta", {}).get("session_token"),
        errors=tuple(body.get("errors", ())),
        data=body.get("data"),
        meta=body.get("meta", {}),
    )


def build_request(
    request: HttpRequest, *, method: str = "POST", path: str = "/", body: bytes = b""
) -> WSGIRequest:
    """Build a request for allauth and Django's sessions, from the same caller but without its credentials."""
    # With a cookie, allauth would act for whoever a browser is signed in as, which invites forged requests.
    environ = {name: value for name, value in request.META.items() if name not in CREDENTIAL_HEADERS}
    content = {
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    inner = WSGIRequest(environ | content | {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": ""})
    inner.session, inner.user = sessions.new(), AnonymousUser()
    # allauth's middleware sets this attribute; it is not installed. test_allauth_client.py fails if allauth
    # needs more.
    inner.allauth = SimpleNamespace()  # type: ignore[attr-defined]
    return inner


def is_within_limit(*, request: HttpRequest, action: str, key: str | None = None) -> bool:
    """Count one attempt of an action of `ACCOUNT_RATE_LIMITS`, and return whether it is allowed."""
    return count_attempt(request=request, action=action, key=key) is not None


def count_attempt(*, request: HttpRequest, action: str, key: str | None = None) -> Attempt | None:
    """Count one attempt before its outcome is known.

    None if the limit is reached, or attempts cannot be counted.
    """
    inner = build_request(request)
    with request_context(inner):
        try:
            usage = ratelimit.consume(inner, app=APP, action=action, key=key)
        # Refused while attempts cannot be counted, so that nobody can guess secrets meanwhile.
        except RedisError:
            return None
    return None if usage is None else Attempt((usage,))


def clear_attempts(*, request: HttpRequest, action: str, key: str) -> None:
    """Forget the attempts that were counted for `key`."""
    # While the store is unavailable they stay counted, and expire with their window.
    with suppress(RedisError):
        ratelimit.clear(build_request(request), app=APP, action=action, key=key)
