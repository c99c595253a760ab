"""Decide whether a principal may perform a request.

By default, reads require the role viewer, and writes the role manager without read-only access. A view can
set:

- `required_roles`: another role, by method.
- `whole_agency`: methods that require access to all accounts. Methods for admins always do.
- `treated_as_read`: methods, such as a POST that stores nothing of the agency's, that read-only principals
  may use.
"""

from typing import Any

from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from accounts.models import Role
from accounts.tenancy import context
from accounts.tenancy.principals import Principal

LIMITED = "This operation concerns all accounts of the agency, but your access is limited to some of them."


class NotPermitted(APIException):
    status_code = 403
    default_code = "not-permitted"
    default_detail = "You do not have permission to perform this operation."


class HasPermission(IsAuthenticated):
    """Apply the rules of this module. All views use this class by default."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise NotPermitted with the reason, and AuthenticationFailed if the agency is closed."""
        if not super().has_permission(request, view):
            return False
        # Closing an agency changes no key and no member, so that reopening it restores them as they were.
        if context.agency_of(request).closed_at is not None:
            raise AuthenticationFailed("The agency is closed.")
        reason = _refusal(context.principal(request), view, request.method or "")
        if reason:
            raise NotPermitted(reason)
        return True


def required_role(view: Any, method: str) -> Role:
    """Return the role that a method of a view (`get`, `post` …) requires."""
    name = "get" if method.upper() == "HEAD" else method.lower()
    default = Role.VIEWER if method.upper() in SAFE_METHODS else Role.MANAGER
    return Role(getattr(view, "required_roles", {}).get(name, default))


def is_write(view: Any, method: str) -> bool:
    """Return whether a method of a view is closed to read-only principals."""
    return method.upper() not in SAFE_METHODS and method.lower() not in getattr(view, "treated_as_read", ())


def concerns_all_accounts(view: Any, method: str) -> bool:
    """Return whether a method of a view is closed to principals with an account limit."""
    return required_role(view, method) == Role.ADMIN or method.lower() in getattr(view, "whole_agency", ())


def _refusal(principal: Principal, view: Any, method: str) -> str:
    """Return the reason why the principal may not use the method, or an empty text if it may."""
    role = required_role(view, method)
    if not principal.has_role(role):
        return f"This operation requires the role {role}. Your role is {principal.role}."
    if principal.read_only and is_write(view, method):
        return "Your access is read-only."
    return LIMITED if principal.is_limited and concerns_all_accounts(view, method) else ""
