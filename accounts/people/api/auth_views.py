"""Signing in and out, and becoming somebody who can.

No transaction spans a request that brings a secret: a wrong code counts though it is refused.
"""

from datetime import datetime
from typing import Any, ClassVar, cast

from django.conf import settings
from django.core.exceptions import ValidationError as TooWeak
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
from accounts.people.allauth_client import Answer
from accounts.people.api import auth_serializers as shapes
from accounts.people.api.auth_problems import CodeFailed, SignInFailed, SignUpClosed, TokenFailed, refuse
from accounts.people.authentication import PersonAuthentication, SignedIn
from accounts.people.rate_limits import limit
from accounts.requests.views import Resource
from api.strict_fields import Absent

HOW_LONG = "The token of the session that the code was asked for with; good for ten minutes."
PENDING = OpenApiParameter("X-Session-Token", location=OpenApiParameter.HEADER, required=True, description=HOW_LONG)
SAID_TO_ALL = "Whether anybody has this address is told to nobody but its owner, by mail."


@method_decorator((transaction.non_atomic_requests, never_cache), name="dispatch")
class Entrance(Resource):
    authentication_classes = ()
    permission_classes = ()
    problems: ClassVar = {"post": (400, SignInFailed, TokenFailed, SignUpClosed, Absent, 406, 413, 415, 429, 500, 503)}


class SignIn(Entrance):
    @extend_schema(
        operation_id="signIn",
        summary="Sign in with a password",
        tags=["People"],
        request=shapes.SignIn,
        responses=shapes.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        sent = _sent(shapes.SignIn, request)
        fields = {name: sent[name] for name in ("email", "password")}
        return _signed_in(_ask(request, "auth/login", fields), agency=sent.get("agency"))


class AskForCode(Entrance):
    @extend_schema(
        operation_id="askForCode",
        summary="Have a code sent by mail",
        description=f"The token is of a session that nobody signed in with yet: confirm the code with it. {SAID_TO_ALL}",
        tags=["People"],
        request=shapes.Mailbox,
        responses={202: shapes.SessionSerializer},
    )
    def post(self, request: Request) -> Response:
        answer = _ask(request, "auth/code/request", _sent(shapes.Mailbox, request), until=401)
        expires_at = timezone.now() + sessions.CODE_LASTS
        return Response(shapes.SessionSerializer({"token": answer.token, "expires_at": expires_at}).data, status=202)


class ConfirmCode(Entrance):
    @extend_schema(
        operation_id="confirmCode",
        summary="Sign in with a code",
        description="Another token takes the place of the one that was sent.",
        tags=["People"],
        parameters=[PENDING],
        request=shapes.Code,
        responses=shapes.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        token = PersonAuthentication().get_session_token(request)
        if not token:
            raise CodeFailed
        return _signed_in(_ask(request, "auth/code/confirm", _sent(shapes.Code, request), token=token))


class ForgottenPassword(Entrance):
    @extend_schema(
        operation_id="forgetPassword",
        summary="Have a key sent by mail that sets a new password",
        description=SAID_TO_ALL,
        tags=["People"],
        request=shapes.Mailbox,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        _ask(request, "auth/password/request", _sent(shapes.Mailbox, request))
        return Response(status=202)


class ResetPassword(Entrance):
    @extend_schema(
        operation_id="resetPassword",
        summary="Set a new password with the key from the mail",
        description="Every session of the person ends.",
        tags=["People"],
        request=shapes.NewPassword,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        _ask(request, "auth/password/reset", _sent(shapes.NewPassword, request), until=401)
        return Response(status=204)


class SignUp(Entrance):
    @extend_schema(
        operation_id="signUp",
        summary="Have a token sent by mail that opens a new agency",
        description=f"Where the installation lets anybody do so (`SIGN_UP`). {SAID_TO_ALL}",
        tags=["People"],
        request=shapes.SignUp,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        if not settings.SIGN_UP:
            raise SignUpClosed
        sent = _sent(shapes.SignUp, request)
        limit(request, "sign_up", key=sent["email"].lower())
        sign_up.offer(**sent, now=timezone.now())
        return Response(status=202)


class Acceptance(Entrance):
    @extend_schema(
        operation_id="acceptInvitation",
        summary="Accept an invitation, or open the agency that was signed up for",
        tags=["People"],
        request=shapes.Acceptance,
        responses={201: shapes.AcceptedSerializer},
    )
    def post(self, request: Request) -> Response:
        sent, now = _sent(shapes.Acceptance, request), timezone.now()
        limit(request, "accept")
        joined = _joined(sent["token"], users.Self(name=sent["name"], password=sent["password"]), now)
        inner = allauth_client.inward(request._request)  # noqa: SLF001  DRF's way to Django's request
        session = sessions.begin(request=inner, person=joined.person, now=now) if joined.is_new else None
        told = {"session": session, "person": joined.person, "membership": joined.member}
        return Response(shapes.AcceptedSerializer(told).data, status=201)


@method_decorator(never_cache, name="dispatch")
class OfPerson(Resource):
    authentication_classes = (PersonAuthentication,)
    permission_classes = (IsAuthenticated,)


class Session(OfPerson):
    @extend_schema(
        operation_id="getSession",
        summary="Who signed in, and the agencies to choose from",
        tags=["People"],
        responses=shapes.SignedInSerializer,
    )
    def get(self, request: Request) -> Response:
        signed_in = _of(request)
        return Response(_told(signed_in.person, sessions.Session(token=signed_in.token, expires_at=signed_in.expires_at)))

    @extend_schema(operation_id="signOut", summary="End the session", tags=["People"], responses={204: None})
    def delete(self, request: Request) -> Response:
        allauth_client.ask(request=request._request, method="DELETE", path="auth/session", fields={}, token=_of(request).token)  # noqa: SLF001  DRF's way to Django's request
        return Response(status=204)


class Sessions(OfPerson):
    @extend_schema(operation_id="signOutEverywhere", summary="End every session of yours", tags=["People"], responses={204: None})
    def delete(self, request: Request) -> Response:
        sessions.end_all(person=_of(request).person)
        return Response(status=204)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class PasswordChange(OfPerson):
    problems: ClassVar = {"post": (429,)}

    @extend_schema(
        operation_id="changePassword",
        summary="Change the password, or set the first one",
        description="Every other session of the person ends; this one goes on with another token.",
        tags=["People"],
        request=shapes.PasswordChange,
        responses=shapes.SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        sent = _sent(shapes.PasswordChange, request)
        sent["new_password"] = sent.pop("password")
        return _signed_in(_ask(request, "account/password/change", sent, token=_of(request).token))


def _sent(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """What was sent, checked. Raises ValidationError."""
    sent = shape(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _ask(request: Request, path: str, fields: dict[str, Any], *, token: str = "", until: int = 200) -> Answer:
    """allauth's answer, where it is `until` (401 says that nobody is signed in yet) or 200. Raises what refuse does."""
    answer = allauth_client.ask(request=request._request, method="POST", path=path, fields=fields, token=token)  # noqa: SLF001  DRF's way to Django's request
    if answer.status not in {200, until} or answer.errors:
        refuse(answer)
    return answer


def _signed_in(answer: Answer, *, agency: str | None = None) -> Response:
    """The session that allauth began, with whom it is of. Raises Absent for an agency that is none of theirs."""
    session, person = sessions.opened(token=answer.token or "")
    if agency and agency not in {each.agency.public_id for each in members.of_person(person_id=person.pk)}:
        session.flush()
        raise Absent({"agency": ["No agency of yours with this id."]})
    return Response(_told(person, sessions.stand_for(session=session, agency=agency, now=timezone.now())))


def _told(person: Person, session: sessions.Session) -> dict[str, Any]:
    memberships = members.of_person(person_id=person.pk)
    told = {"token": session.token, "expires_at": session.expires_at, "person": person, "memberships": memberships}
    return dict(shapes.SignedInSerializer(told).data)


def _of(request: Request) -> SignedIn:
    """Who signed in."""
    return cast("SignedIn", request.user)


def _joined(token: str, self: users.Self, now: datetime) -> users.Joined:
    """Whoever has this token, let in."""
    is_sign_up = token.startswith(sign_up.HEAD)
    if is_sign_up and not settings.SIGN_UP:
        raise SignUpClosed
    try:
        accept = sign_up.accept if is_sign_up else invitations.accept
        return accept(token=token, self=self, now=now)
    except (users.UnknownToken, users.Inactive):
        raise TokenFailed from None
    except users.NameWanted:
        raise ValidationError({"name": ["A new person has a name."]}) from None
    except TooWeak as weak:
        raise ValidationError({"password": weak.messages}) from None
