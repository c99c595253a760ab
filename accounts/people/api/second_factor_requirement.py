"""Decide who may change whether an agency requires a second factor of its members.

Only a member who has a second factor may: nobody locks themselves out, and a stolen API key cannot lift the
requirement.
"""

from rest_framework.exceptions import APIException

from accounts.models import Member
from accounts.people import second_factors
from accounts.tenancy.permissions import NotPermitted
from accounts.tenancy.principals import Principal


class SecondFactorMissing(APIException):
    """Signal that the user must add a second factor first."""

    status_code = 409
    default_code = "second-factor-missing"
    default_detail = "Add an authenticator app or a passkey first."


def check_may_change(principal: Principal) -> None:
    """Raise NotPermitted for an API key, and SecondFactorMissing for a member without a second factor."""
    if principal.kind != "member":
        raise NotPermitted("Only a signed-in admin can change `requires_second_factor`.")
    member = Member.objects.get(agency_id=principal.agency_id, pk=principal.id)
    if not second_factors.exists_for(member.person_id):
        raise SecondFactorMissing
