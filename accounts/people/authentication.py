"""`Authorization: Bearer uo_ses_…`, or `X-Session-Token`, becomes the person who signed in, and a member of one agency.

Cookies are not looked at: what a browser sends by itself opens nothing.
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
from accounts.people import members, sessions
from accounts.tenancy import context, principals
from accounts.tenancy.principals import AGENCY_HEADER, Bearer


@dataclass(frozen=True)
class SignedIn:
    """A person and its session, before it is a member of any agency. DRF takes it for the user as well."""

    person: Person
    session: SessionBase
    token: str
    expires_at: datetime
    is_authenticated: bool = True


class ChooseAgency(APIException):
    """The person is a member of several agencies, and did not name one of them."""

    status_code = 400
    default_code = "choose-agency"
    default_detail = f"Name one of your agencies in the header {AGENCY_HEADER}."

    def __init__(self, memberships: list[Member]) -> None:
        super().__init__()
        self.more = {"choices": [{"id": each.agency.public_id, "name": each.agency.name} for each in memberships]}


class PersonAuthentication(XSessionTokenAuthentication):  # type: ignore[misc]  # allauth has no types
    """Whoever signed in."""

    def authenticate(self, request: Request) -> tuple[object, object] | None:
        token = self.get_session_token(request)
        if not token:
            return None
        found = super().authenticate(request)
        if found is None:
            raise AuthenticationFailed("The session has ended, or never was.")
        person, session = found
        try:
            expires_at = sessions.slide(session=session, now=timezone.now())
        except sessions.Ended:
            raise AuthenticationFailed("The session has ended.") from None
        return self.known_as(request, SignedIn(person=person, session=session, token=token, expires_at=expires_at))

    def get_session_token(self, request: Request) -> str | None:
        """A key in `Authorization` is not ours to look at, and more than a session beside it."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return text.strip() if scheme.lower() == "bearer" and text.strip().startswith(sessions.HEAD) else None
        return request.headers.get("X-Session-Token")

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="underone"'

    def known_as(self, request: Request, signed_in: SignedIn) -> tuple[object, object]:
        """`request.user` and `request.auth`: a person alone is no bearer of any agency."""
        return signed_in, None


class MemberAuthentication(PersonAuthentication):
    """Whoever signed in, as a member of the agency that is named, or was at sign-in, or is the only one."""

    def known_as(self, request: Request, signed_in: SignedIn) -> tuple[Bearer, Bearer]:
        memberships = members.of_person(person_id=signed_in.person.pk)
        if not memberships:
            raise AuthenticationFailed("You are a member of no agency.")
        member = _chosen(memberships, request.headers.get(AGENCY_HEADER) or signed_in.session.get(sessions.AGENCY))
        context.enter(member.agency_id, accounts=member.accounts)
        bearer = principals.of_member(member, expires_at=signed_in.expires_at)
        return bearer, bearer


def _chosen(memberships: list[Member], named: str | None) -> Member:
    found = memberships if not named else [each for each in memberships if each.agency.public_id == named]
    if len(found) != 1:
        raise ChooseAgency(memberships)
    return found[0]


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes a session where it stands for a person."""

    target_class = "accounts.people.authentication.PersonAuthentication"
    name = "person"
    description = "The session of a person: `uo_ses_…`, also as `X-Session-Token`."

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": self.description}


class MemberScheme(PersonScheme):  # type: ignore[no-untyped-call]
    """How it describes one where it stands for a member of an agency."""

    target_class = "accounts.people.authentication.MemberAuthentication"
    name = "session"
    description = f"{PersonScheme.description} Members of several agencies name one by its id in the header `{AGENCY_HEADER}`."
