"""Share the steps of sign-in: the base classes of its views, calls of allauth, and the session they lead to."""

from typing import Any, ClassVar, cast

from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.people import allauth_client, members, rate_limits, sessions
from accounts.people.allauth_client import AllauthResponse
from accounts.people.api import auth_serializers as bodies
from accounts.people.api.auth_problems import (
    CodeFailed,
    SignInAgain,
    SignInFailed,
    SignUpClosed,
    TokenFailed,
    raise_problem,
)
from accounts.people.api.second_factor_serializers import PendingSessionSerializer
from accounts.people.authentication import PersonAuthentication, SignedInUser
from accounts.requests.views import Resource
from api.strict_fields import Absent

TAGS = ["Users"]


# The views have no docstrings of their own class: they would be printed as the description of their
# operations.
# Without a transaction, because these requests carry a secret: a failed attempt is counted, and must stay so
# although the request is refused.
@method_decorator((transaction.non_atomic_requests, never_cache), name="dispatch")
class PublicView(Resource):
    authentication_classes = ()
    permission_classes = ()
    problems: ClassVar[dict[str, tuple[Any, ...]]] = {
        "post": (400, SignInFailed, TokenFailed, SignUpClosed, Absent, 406, 413, 415, 429, 500, 503)
    }


@method_decorator(never_cache, name="dispatch")
class UserView(Resource):
    authentication_classes = (PersonAuthentication,)
    permission_classes = (IsAuthenticated,)


def validated(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated body. Raises ValidationError."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def signed_in_user(request: Request) -> SignedInUser:
    """Return the signed-in user of a request."""
    return cast("SignedInUser", request.user)


def recently_signed_in_user(request: Request) -> SignedInUser:
    """Return the signed-in user. Raises SignInAgain if the sign-in is longer ago than sessions.RECENT."""
    user = signed_in_user(request)
    if not sessions.is_recent(session=user.session, now=timezone.now()):
        raise SignInAgain
    return user


def pending_token(request: Request) -> str:
    """Return the token of a sign-in that waits for its next step. Raises CodeFailed."""
    token = PersonAuthentication().get_session_token(request)
    if not token:
        raise CodeFailed
    return token


def call_allauth(
    request: Request,
    path: str,
    fields: dict[str, Any],
    *,
    method: str = "POST",
    query: str = "",
    token: str = "",
    expected: int = 200,
) -> AllauthResponse:
    """Return allauth's response if its status is 200 or `expected` (401 means that the user is not signed in
    yet).

    Raises the errors of `raise_problem`.
    """
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    response = allauth_client.call(
        request=django_request, method=method, path=path, query=query, fields=fields, token=token
    )
    if response.status not in {200, expected} or response.errors:
        raise_problem(response)
    return response


def next_step_response(
    request: Request, response: AllauthResponse, *, token: str = "", agency: str | None = None
) -> Response:
    """Return the session if the user is signed in, or else the token with which the second factor is sent.

    Raises SignInFailed if allauth neither signed the user in nor asks for a second factor.
    """
    if response.status == 200:
        return signed_in_response(request, response, agency=agency)
    if not response.second_factors:
        raise_problem(response)
    pending = sessions.pend(token=response.token or token, agency=agency, now=timezone.now())
    data = {
        "token": pending.token,
        "expires_at": pending.expires_at,
        "second_factors": response.second_factors,
    }
    return Response(PendingSessionSerializer(data).data, status=202)


def signed_in_response(
    request: Request, response: AllauthResponse, *, agency: str | None = None, is_sign_in: bool = True
) -> Response:
    """Return the session that allauth created, with its user.

    Raises Absent for an agency the user does not belong to.
    """
    session, person = sessions.get(token=response.token or "")
    if is_sign_in:
        # With a second factor, the agency was chosen with the password before.
        agency = agency or session.get(sessions.AGENCY)
    if agency and agency not in {
        each.agency.public_id for each in members.list_for_person(person_id=person.pk)
    }:
        # allauth has signed the user in already. A refused sign-in must leave no session.
        session.flush()
        raise Absent({"agency": ["You are not a member of an agency with this ID."]})
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    rate_limits.remember_address(request=django_request, mailbox=person.email)
    now = timezone.now()
    return Response(
        serialize(person, sessions.activate(session=session, agency=agency, now=now, is_sign_in=is_sign_in))
    )


def serialize(person: Any, session: sessions.Session) -> dict[str, Any]:
    """Return a user, the session and the memberships as the response shows them."""
    data = {
        "token": session.token,
        "expires_at": session.expires_at,
        "person": person,
        "memberships": members.list_for_person(person_id=person.pk),
    }
    return dict(bodies.SignedInSerializer(data).data)
