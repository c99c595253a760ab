"""Test rate limits by client address, behind proxies and without a store."""

from typing import Any

import pytest
from django.conf import LazySettings

from accounts.people import allauth_client
from tests.accounts.people.visitors import PASSWORD, Visitor, create_user, new_email


def guess(**headers: str) -> int:
    """Sign in with a wrong password at a new mailbox, and return the status."""
    visitor = Visitor()
    visitor.credentials(**{"REMOTE_ADDR": "198.51.100.7"} | headers)
    return int(visitor.send("/v1/auth/sign-in", email=new_email(), password=PASSWORD).status_code)


@pytest.fixture
def no_store(settings: LazySettings) -> None:
    """Make the rate limit store unavailable."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}


def test_client_address_ignores_headers_of_the_caller(db: None) -> None:
    answers = [guess(HTTP_X_FORWARDED_FOR=f"203.0.113.{n}") for n in range(11)]

    assert answers[-1] == 429


def test_client_address_behind_proxy_is_the_one_the_proxy_saw(db: None, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = 1

    each_their_own = [guess(HTTP_X_FORWARDED_FOR=f"1.1.1.1, 192.0.2.{n}") for n in range(12)]
    the_same = [guess(HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 192.0.2.200") for n in range(11)]

    assert 429 not in each_their_own
    assert the_same[-1] == 429


def test_client_address_of_ipv6_network_is_one_address(db: None) -> None:
    answers = [guess(REMOTE_ADDR=f"2001:db8:77:1::{n:x}") for n in range(1, 12)]

    assert answers[-1] == 429
    assert guess(REMOTE_ADDR="2001:db8:77:2::1") == 401


@pytest.mark.parametrize("address", ["", "not an address"])
def test_client_without_address_shares_one_limit(db: None, address: str) -> None:
    assert guess(REMOTE_ADDR=address) in {401, 429}


def test_sign_in_without_store_is_refused(db: None, no_store: None) -> None:
    person = create_user()
    ways: list[tuple[str, dict[str, Any]]] = [
        ("/v1/auth/sign-in", {"email": person.email, "password": PASSWORD}),
        ("/v1/auth/code", {"email": person.email}),
        ("/v1/auth/password/forgotten", {"email": person.email}),
        ("/v1/invitations/accept", {"token": "uo_inv_0", "name": "Nobody"}),
    ]

    responses = [Visitor().send(path, **body) for path, body in ways]

    assert [(answer.status_code, bool(answer["Retry-After"])) for answer in responses] == [(429, True)] * len(
        ways
    )


def test_allauth_request_has_our_fields_and_no_credentials(db: None) -> None:
    visitor = Visitor()
    request = visitor.get(
        "/v1/me", HTTP_COOKIE="underone_staff=x", HTTP_AUTHORIZATION="Bearer x"
    ).wsgi_request
    request.META |= {"HTTP_X_SESSION_TOKEN": "x", "QUERY_STRING": "next=/staff/"}

    inner = allauth_client.build_request(request, path="/app/v1/auth/login", body=b'{"email": "a@b.example"}')

    assert (inner.COOKIES, inner.body, inner.GET.urlencode()) == ({}, b'{"email": "a@b.example"}', "")
    assert not {"Cookie", "Authorization", "X-Session-Token"} & set(inner.headers)
    assert inner.session.is_empty()
    assert not inner.user.is_authenticated
