"""Serve sign-in, sign-out, passwords, sign-up, and accepting invitations."""

from datetime import datetime
from typing import Any, ClassVar, cast

from django.conf import settings
from django.core.exceptions import ValidationError as WeakPassword
from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.models import Person
from accounts.people import allauth_client, invitations, members, sessions, sign_up, users
from accounts.people.allauth_client import AllauthResponse
from accounts.people.api import auth_serializers as bodies
from accounts.people.api.auth_problems import (
    CodeFailed,
    SignInFailed,
    SignUpClosed,
    TokenFailed,
    raise_problem,
)
from accounts.people.authentication import PersonAuthentication, SignedInUser
from accounts.people.rate_limits import limit, limit_mailbox, remember_address
from accounts.requests.views import Resource
from api.strict_fields import Absent

TAGS = ["Users"]
CODE_SESSION = OpenApiParameter(
    "X-Session-Token",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The token returned when the code was requested. It is valid for ten minutes.",
)
NOT_REVEALED = "The response does not reveal whether the address is known."


# The views have no docstrings of their own class: they would be printed as the description of their
# operations.
# Without a transaction, because these requests carry a secret: a failed attempt is counted, and must stay so
# although the request is refused.
@method_decorator((transaction.non_atomic_requests, never_cache), name="dispatch")
class PublicView(Resource):
    authentication_classes = ()
    permission_classes = ()
    problems: ClassVar = {
        "post": (400, SignInFailed, TokenFailed, SignUpClosed, Absent, 406, 413, 415, 429, 500, 503)
    }


class SignIn(PublicView):
    @extend_schema(
        operation_id="signIn",
        summary="Sign in with a password",
        description="Returns a session of the user.",
        tags=TAGS,
        request=bodies.SignIn,
        responses=bodies.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        body = _validated(bodies.SignIn, request)
        fields = {name: body[name] for name in ("email", "password")}
        response = _call_allauth(request, "auth/login", fields)
        return _signed_in_response(request, response, agency=body.get("agency"))


class RequestSignInCode(PublicView):
    @extend_schema(
        operation_id="requestSignInCode",
        summary="Request a sign-in code",
        description=(
            "Sends a code by e-mail. Send the returned token together with the code to sign in. "
            f"{NOT_REVEALED}"
        ),
        tags=TAGS,
        request=bodies.EmailAddress,
        responses={202: bodies.SessionSerializer},
    )
    def post(self, request: Request) -> Response:
        body = _validated(bodies.EmailAddress, request)
        limit_mailbox(request, "code_mail", mailbox=body["email"])
        response = _call_allauth(request, "auth/code/request", body, expected=401)
        # allauth creates a session for unknown addresses as well, so the response does not tell them apart.
        session = {"token": response.token, "expires_at": timezone.now() + sessions.SIGN_IN_CODE_LIFETIME}
        return Response(bodies.SessionSerializer(session).data, status=202)


class ConfirmSignInCode(PublicView):
    @extend_schema(
        operation_id="confirmSignInCode",
        summary="Sign in with a code",
        description="Returns a new session token. The token that was sent with the request ends.",
        tags=TAGS,
        parameters=[CODE_SESSION],
        request=bodies.SignInCode,
        responses=bodies.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        token = PersonAuthentication().get_session_token(request)
        if not token:
            raise CodeFailed
        body = _validated(bodies.SignInCode, request)
        return _signed_in_response(request, _call_allauth(request, "auth/code/confirm", body, token=token))


class RequestPasswordReset(PublicView):
    @extend_schema(
        operation_id="requestPasswordReset",
        summary="Request a password reset",
        description=f"Sends an e-mail with a key that allows setting a new password. {NOT_REVEALED}",
        tags=TAGS,
        request=bodies.EmailAddress,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        body = _validated(bodies.EmailAddress, request)
        limit_mailbox(request, "reset_mail", mailbox=body["email"])
        _call_allauth(request, "auth/password/request", body)
        return Response(status=202)


class ResetPassword(PublicView):
    @extend_schema(
        operation_id="resetPassword",
        summary="Reset a password",
        description="Sets a new password with the key from the e-mail. Ends all sessions of the user.",
        tags=TAGS,
        request=bodies.ResetPassword,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        body = _validated(bodies.ResetPassword, request)
        limit(request, "reset_with_key", key=body["key"])
        # allauth answers 401, because a reset password signs nobody in.
        _call_allauth(request, "auth/password/reset", body, expected=401)
        return Response(status=204)


class SignUp(PublicView):
    @extend_schema(
        operation_id="signUp",
        summary="Sign up a new agency",
        description="Sends an e-mail with a token that creates the agency. Sign-up is available only on "
        "installations that allow it (`SIGN_UP`). "
        f"{NOT_REVEALED}",
        tags=TAGS,
        request=bodies.SignUp,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        if not settings.SIGN_UP:
            raise SignUpClosed
        body = _validated(bodies.SignUp, request)
        # Before the e-mail: anybody can enter the address of somebody else.
        limit_mailbox(request, "sign_up", mailbox=body["email"])
        sign_up.send_token(**body, now=timezone.now())
        return Response(status=202)


class AcceptInvitation(PublicView):
    @extend_schema(
        operation_id="acceptInvitation",
        summary="Accept an invitation",
        description=(
            "Makes the user a member of the inviting agency. With a token from a sign-up, the operation "
            "creates the agency."
        ),
        tags=TAGS,
        request=bodies.AcceptInvitation,
        responses={201: bodies.AcceptedSerializer},
    )
    def post(self, request: Request) -> Response:
        body, now = _validated(bodies.AcceptInvitation, request), timezone.now()
        limit(request, "accept")
        joined = _join(body["token"], users.Profile(name=body["name"], password=body["password"]), now)
        inner = allauth_client.build_request(request._request)  # noqa: SLF001  DRF's way to Django's request
        # Only for a new user. The token proves the mailbox; an existing user proves
        # the password or a code as usual.
        session = sessions.create(request=inner, person=joined.person, now=now) if joined.is_new else None
        accepted = {"session": session, "person": joined.person, "membership": joined.member}
        return Response(bodies.AcceptedSerializer(accepted).data, status=201)


@method_decorator(never_cache, name="dispatch")
class UserView(Resource):
    authentication_classes = (PersonAuthentication,)
    permission_classes = (IsAuthenticated,)


class Session(UserView):
    @extend_schema(
        operation_id="getSession",
        summary="Get the current session",
        description="Returns the signed-in user and the user's agencies.",
        tags=TAGS,
        responses=bodies.SignedInSerializer,
    )
    def get(self, request: Request) -> Response:
        user = _user(request)
        return Response(
            _serialize(user.person, sessions.Session(token=user.token, expires_at=user.expires_at))
        )

    @extend_schema(
        operation_id="updateSession",
        summary="Change the user's language",
        description="Changes the language of e-mails to the signed-in user. Returns the user and the user's "
        "agencies.",
        tags=TAGS,
        request=bodies.UpdateSession,
        responses=bodies.SignedInSerializer,
    )
    def patch(self, request: Request) -> Response:
        body, person = _validated(bodies.UpdateSession, request), _user(request).person
        person.language = body.get("language", person.language)
        person.save(update_fields=["language"])
        return self.get(request)

    @extend_schema(
        operation_id="signOut",
        summary="Sign out",
        description="Ends the current session.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        django_request = request._request  # noqa: SLF001  DRF's way to Django's request
        allauth_client.call(
            request=django_request,
            method="DELETE",
            path="auth/session",
            fields={},
            token=_user(request).token,
        )
        return Response(status=204)


class Sessions(UserView):
    @extend_schema(
        operation_id="signOutEverywhere",
        summary="Sign out everywhere",
        description="Ends all sessions of the user.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        sessions.revoke_all(person=_user(request).person)
        return Response(status=204)


# Without a transaction, as above: it carries the current password.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ChangePassword(UserView):
    problems: ClassVar = {"post": (429,)}

    @extend_schema(
        operation_id="changePassword",
        summary="Change the password",
        description="Changes the password of the signed-in user, or sets the first one. Ends all other "
        "sessions of the user, and "
        "returns a new token for this one.",
        tags=TAGS,
        request=bodies.ChangePassword,
        responses=bodies.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        body = _validated(bodies.ChangePassword, request)
        body["new_password"] = body.pop("password")
        response = _call_allauth(request, "account/password/change", body, token=_user(request).token)
        return _signed_in_response(request, response)


def _validated(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated body. Raises ValidationError."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _call_allauth(
    request: Request, path: str, fields: dict[str, Any], *, token: str = "", expected: int = 200
) -> AllauthResponse:
    """Return allauth's response if its status is 200 or `expected` (401 means that the user is not signed in
    yet).

    Raises the errors of `raise_problem`.
    """
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    response = allauth_client.call(
        request=django_request, method="POST", path=path, fields=fields, token=token
    )
    if response.status not in {200, expected} or response.errors:
        raise_problem(response)
    return response


def _signed_in_response(
    request: Request, response: AllauthResponse, *, agency: str | None = None
) -> Response:
    """Return the session that allauth created, with its user.

    Raises Absent for an agency the user does not belong to.
    """
    session, person = sessions.get(token=response.token or "")
    if agency and agency not in {
        each.agency.public_id for each in members.list_for_person(person_id=person.pk)
    }:
        # allauth has signed the user in already. A refused sign-in must leave no session.
        session.flush()
        raise Absent({"agency": ["You are not a member of an agency with this ID."]})
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    remember_address(request=django_request, mailbox=person.email)
    return Response(_serialize(person, sessions.activate(session=session, agency=agency, now=timezone.now())))


def _serialize(person: Person, session: sessions.Session) -> dict[str, Any]:
    memberships = members.list_for_person(person_id=person.pk)
    data = {
        "token": session.token,
        "expires_at": session.expires_at,
        "person": person,
        "memberships": memberships,
    }
    return dict(bodies.SignedInSerializer(data).data)


def _user(request: Request) -> SignedInUser:
    """Return the signed-in user of a request."""
    return cast("SignedInUser", request.user)


def _join(token: str, profile: users.Profile, now: datetime) -> users.Joined:
    """Accept the token of an invitation or sign-up. Raises SignUpClosed, TokenFailed, ValidationError."""
    is_sign_up = token.startswith(sign_up.TOKEN_HEAD)
    if is_sign_up and not settings.SIGN_UP:
        raise SignUpClosed
    try:
        accept = sign_up.accept if is_sign_up else invitations.accept
        return accept(token=token, profile=profile, now=now)
    except (users.UnknownToken, users.Inactive):
        raise TokenFailed from None
    except users.NameRequired:
        raise ValidationError({"name": ["A new user needs a name."]}) from None
    except WeakPassword as error:
        raise ValidationError({"password": error.messages}) from None
