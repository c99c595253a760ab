"""Authenticate requests by session: `Authorization: Bearer uo_ses_…` or `X-Session-Token`.

Cookies are ignored, so that a request that a browser sends on its own is never authenticated.
"""

from dataclasses import dataclass
from datetime import datetime

from allauth.headless.contrib.rest_framework.authentication import XSessionTokenAuthentication
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from accounts.models import Member, Person
from accounts.people import members, second_factors, sessions
from accounts.tenancy import context, principals
from accounts.tenancy.principals import AGENCY_HEADER, Principal


@dataclass(frozen=True)
class SignedInUser:
    """Store a user and a session without an agency. DRF uses this object as the user."""

    person: Person
    session: SessionBase
    token: str
    expires_at: datetime
    is_authenticated: bool = True


class ChooseAgency(APIException):
    """Signal that a member of several agencies did not choose one."""

    status_code = 400
    default_code = "choose-agency"
    default_detail = (
        f"You are a member of several agencies. Send the ID of one in the header {AGENCY_HEADER}."
    )

    def __init__(self, memberships: list[Member]) -> None:
        super().__init__()
        self.more = {
            "choices": [{"id": each.agency.public_id, "name": each.agency.name} for each in memberships]
        }


class SecondFactorRequired(APIException):
    """Signal that an agency requires a second factor, and that its member has none."""

    status_code = 403
    default_code = "second-factor-required"
    default_detail = (
        "The agency requires a second factor, and you have none. Sign in, and add an authenticator app "
        "(`POST /v1/auth/totp`) or a passkey (`POST /v1/auth/passkeys/options`)."
    )


class PersonAuthentication(XSessionTokenAuthentication):  # type: ignore[misc]  # allauth has no types
    """Turn the session token of a request into a `SignedInUser`, and extend the session."""

    def authenticate(self, request: Request) -> tuple[object, object] | None:
        token = self.get_session_token(request)
        if not token:
            return None
        result = super().authenticate(request)
        if result is None:
            raise AuthenticationFailed("The session is unknown or has ended.")
        person, session = result
        try:
            expires_at = sessions.extend(session=session, now=timezone.now())
        except sessions.Ended:
            raise AuthenticationFailed("The session has ended.") from None
        return self.credentials(
            request, SignedInUser(person=person, session=session, token=token, expires_at=expires_at)
        )

    def get_session_token(self, request: Request) -> str | None:
        """Return the session token. An `Authorization` header takes precedence, even if it holds an API
        key."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            is_session = scheme.lower() == "bearer" and text.strip().startswith(sessions.TOKEN_HEAD)
            return text.strip() if is_session else None
        return request.headers.get("X-Session-Token")

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="underone"'

    def credentials(self, request: Request, signed_in: SignedInUser) -> tuple[object, object]:
        """Return `request.user` and `request.auth`. A user without an agency is no principal."""
        return signed_in, None


class MemberAuthentication(PersonAuthentication):
    """Turn the session token into the principal of a member, and set the tenant context.

    The agency is the one in the header, or else the one of the sign-in, or else the only one.
    """

    def credentials(self, request: Request, signed_in: SignedInUser) -> tuple[Principal, Principal]:
        # With every request: a removed member or a changed role counts from the next request on.
        memberships = members.list_for_person(person_id=signed_in.person.pk)
        if not memberships:
            raise AuthenticationFailed("You are not a member of any agency.")
        member = _choose(
            memberships, request.headers.get(AGENCY_HEADER) or signed_in.session.get(sessions.AGENCY)
        )
        if member.agency.requires_second_factor and not second_factors.exists_for(member.person_id):
            raise SecondFactorRequired
        context.set_agency(member.agency_id, accounts=member.accounts)
        principal = principals.from_member(member, expires_at=signed_in.expires_at)
        return principal, principal


def _choose(memberships: list[Member], agency: str | None) -> Member:
    matching = (
        memberships if not agency else [each for each in memberships if each.agency.public_id == agency]
    )
    if len(matching) != 1:
        # Also for the ID of a foreign agency: the response does not tell whether it exists.
        raise ChooseAgency(memberships)
    return matching[0]


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe sessions of users in the OpenAPI document."""

    target_class = "accounts.people.authentication.PersonAuthentication"
    name = "person"
    description = "The session of a user (`uo_ses_…`). It can also be sent as `X-Session-Token`."

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": self.description}


class MemberScheme(PersonScheme):  # type: ignore[no-untyped-call]
    """Describe sessions of members in the OpenAPI document."""

    target_class = "accounts.people.authentication.MemberAuthentication"
    name = "session"
    description = (
        f"{PersonScheme.description} Members of several agencies send the ID of one of them in the "
        f"header `{AGENCY_HEADER}`."
    )
