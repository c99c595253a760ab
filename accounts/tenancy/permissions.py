"""What a bearer may ask for: reading wants a viewer, writing a manager who is not limited to reading, and some things more.

A view says so where it wants another role (`needs`), or the whole agency rather than some of its accounts (`whole_agency`).
What only admins may do is never done with a limit to some accounts. A view whose POST changes nothing of the agency's says so
(`as_read`): who may only read may send it.
"""

from typing import Any

from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from accounts.models import Role
from accounts.tenancy import context
from accounts.tenancy.principals import Bearer

OF_ALL = "The bearer sees some of the agency's accounts, and this is about all of them."


class NotPermitted(APIException):
    status_code = 403
    default_code = "not-permitted"
    default_detail = "The bearer may not do this."


class MayDoThis(IsAuthenticated):
    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises NotPermitted, which says what would be needed, and AuthenticationFailed where the agency was closed."""
        if not super().has_permission(request, view):
            return False
        if context.agency_of(request).closed_at is not None:
            raise AuthenticationFailed("The agency was closed.")
        refusal = _refusal(context.bearer(request), view, request.method or "")
        if refusal:
            raise NotPermitted(refusal)
        return True


def wanted(view: Any, method: str) -> Role:
    """The role that a method of a view wants (`get`, `post` …)."""
    asked = "get" if method.upper() == "HEAD" else method.lower()
    usual = Role.VIEWER if method.upper() in SAFE_METHODS else Role.MANAGER
    return Role(getattr(view, "needs", {}).get(asked, usual))


def is_writing(view: Any, method: str) -> bool:
    """Whether a method of a view is kept from who may only read."""
    return method.upper() not in SAFE_METHODS and method.lower() not in getattr(view, "as_read", ())


def concerns_all(view: Any, method: str) -> bool:
    """Whether a method of a view is kept from who is limited to some accounts."""
    return wanted(view, method) == Role.ADMIN or method.lower() in getattr(view, "whole_agency", ())


def _refusal(bearer: Bearer, view: Any, method: str) -> str:
    """Why not, or nothing."""
    role = wanted(view, method)
    if not bearer.has(role):
        return f"This wants the role {role}, and the bearer is a {bearer.role}."
    if bearer.read_only and is_writing(view, method):
        return "The bearer may only read."
    return OF_ALL if bearer.is_limited and concerns_all(view, method) else ""
