"""Test permissions with a table of roles, account limits and methods."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIRequestFactory

from accounts.models import Agency, Role
from accounts.tenancy.permissions import HasPermission, NotPermitted, required_role
from accounts.tenancy.principals import Principal
from api import identifiers

ONE = (UUID(int=1),)
ADMINISTERED = SimpleNamespace(required_roles={"get": Role.ADMIN, "post": Role.ADMIN})
OF_ALL = SimpleNamespace(whole_agency=("post",))
USUAL = SimpleNamespace()


def principal(role: Role, *, read_only: bool = False, accounts: tuple[UUID, ...] | None = None) -> Principal:
    return Principal(
        agency=Agency(name="Acme"),
        id=identifiers.uuid7(),
        public_id="key_1",
        kind="key",
        name="front end",
        role=role,
        read_only=read_only,
        accounts=accounts,
        expires_at=None,
    )


def may(actor: Principal, method: str, view: Any) -> bool:
    request: Any = APIRequestFactory().generic(method, "/")
    request.user = request.auth = actor
    try:
        return HasPermission().has_permission(request, view)
    except NotPermitted:
        return False


@pytest.mark.parametrize(
    ("role", "method", "view", "allowed"),
    [
        (Role.VIEWER, "GET", USUAL, True),
        (Role.VIEWER, "HEAD", USUAL, True),
        (Role.VIEWER, "POST", USUAL, False),
        (Role.VIEWER, "DELETE", USUAL, False),
        (Role.MANAGER, "POST", USUAL, True),
        (Role.MANAGER, "PATCH", USUAL, True),
        (Role.MANAGER, "GET", ADMINISTERED, False),
        (Role.MANAGER, "POST", ADMINISTERED, False),
        (Role.ADMIN, "GET", ADMINISTERED, True),
        (Role.ADMIN, "POST", ADMINISTERED, True),
    ],
)
def test_permission_follows_role(role: Role, method: str, view: Any, allowed: bool) -> None:
    assert may(principal(role), method, view) is allowed


@pytest.mark.parametrize(("method", "allowed"), [("GET", True), ("POST", False), ("DELETE", False)])
def test_read_only_principal_cannot_write_with_any_role(method: str, allowed: bool) -> None:
    assert may(principal(Role.ADMIN, read_only=True), method, ADMINISTERED) is allowed


@pytest.mark.parametrize(
    ("method", "view", "allowed"), [("POST", USUAL, True), ("POST", OF_ALL, False), ("GET", OF_ALL, True)]
)
def test_limited_principal_cannot_change_whole_agency(method: str, view: Any, allowed: bool) -> None:
    assert may(principal(Role.MANAGER, accounts=ONE), method, view) is allowed


def test_permission_error_names_required_role() -> None:
    request: Any = APIRequestFactory().post("/")
    request.user = request.auth = principal(Role.VIEWER)

    with pytest.raises(NotPermitted, match=r"requires the role manager\. Your role is viewer"):
        HasPermission().has_permission(request, USUAL)


def test_required_role_is_set_by_method() -> None:
    roles = (required_role(ADMINISTERED, "get"), required_role(USUAL, "GET"), required_role(USUAL, "patch"))
    assert roles == ("admin", "viewer", "manager")


def test_limited_principal_can_see_its_accounts_only() -> None:
    limited, whole = principal(Role.VIEWER, accounts=ONE), principal(Role.VIEWER)

    assert [limited.can_see(account) for account in (UUID(int=1), UUID(int=2), None)] == [True, False, False]
    assert [whole.can_see(account) for account in (UUID(int=1), None)] == [True, True]


def test_empty_account_limit_is_a_limit() -> None:
    assert principal(Role.VIEWER, accounts=()).is_limited
