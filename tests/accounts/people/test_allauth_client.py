"""Test the private parts of allauth that accounts/people/allauth_client.py uses."""

import inspect
from types import SimpleNamespace

from allauth.core.internal import ratelimit
from django.test import RequestFactory

from accounts.people import allauth_client


def test_allauth_rate_limit_interface_is_unchanged() -> None:
    parameters = inspect.signature(ratelimit.consume).parameters

    assert {"request", "app", "action", "key"} <= parameters.keys()
    assert list(inspect.signature(ratelimit.RateLimitUsage.rollback).parameters) == ["self"]


def test_allauth_request_has_no_credentials_of_the_caller(db: None) -> None:
    request = RequestFactory().post(
        "/", headers={"Authorization": "Bearer x", "X-Session-Token": "y", "Cookie": "a=b"}
    )

    inner = allauth_client.build_request(request)

    assert not {"HTTP_AUTHORIZATION", "HTTP_X_SESSION_TOKEN", "HTTP_COOKIE"} & inner.META.keys()
    assert isinstance(inner.allauth, SimpleNamespace)  # type: ignore[attr-defined]
