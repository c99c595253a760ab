"""Serve sign-in, sign-out, passwords, sign-up, and accepting invitations."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError as WeakPassword
from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people import allauth_client, invitations, sessions, sign_up, users
from accounts.people.api import auth_serializers as bodies
from accounts.people.api.auth_flow import (
    TAGS,
    PublicView,
    UserView,
    call_allauth,
    next_step_response,
    pending_token,
    serialize,
    signed_in_response,
    signed_in_user,
    validated,
)
from accounts.people.api.auth_problems import MailUnavailable, SignUpClosed, TokenFailed, check_mail_available
from accounts.people.api.second_factor_serializers import PendingSessionSerializer
from accounts.people.rate_limits import limit, limit_mailbox

CODE_SESSION = OpenApiParameter(
    "X-Session-Token",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The token returned when the code was requested. It is valid for ten minutes.",
)
NOT_REVEALED = "The response does not reveal whether the address is known."
SECOND_STEP = "For a user with a second factor the status is 202: send the returned token together with the second factor."
SIGNED_IN_OR_PENDING = {200: bodies.SignedInSerializer, 202: PendingSessionSerializer}


class SignIn(PublicView):
    @extend_schema(
        operation_id="signIn",
        summary="Sign in with a password",
        description=f"Returns a session of the user. {SECOND_STEP}",
        tags=TAGS,
        request=bodies.SignIn,
        responses=SIGNED_IN_OR_PENDING,
    )
    def post(self, request: Request) -> Response:
        body = validated(bodies.SignIn, request)
        fields = {name: body[name] for name in ("email", "password")}
        response = call_allauth(request, "auth/login", fields, expected=401)
        return next_step_response(request, response, agency=body.get("agency"))


class RequestSignInCode(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], MailUnavailable)}

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
        body = validated(bodies.EmailAddress, request)
        check_mail_available()
        limit_mailbox(request, "code_mail", mailbox=body["email"])
        response = call_allauth(request, "auth/code/request", body, expected=401)
        # allauth creates a session for unknown addresses as well, so the response does not tell them apart.
        session = {"token": response.token, "expires_at": timezone.now() + sessions.SIGN_IN_CODE_LIFETIME}
        return Response(bodies.SessionSerializer(session).data, status=202)


class ConfirmSignInCode(PublicView):
    @extend_schema(
        operation_id="confirmSignInCode",
        summary="Sign in with a code",
        description="Returns a new session token. The token that was sent with the request ends. "
        f"{SECOND_STEP}",
        tags=TAGS,
        parameters=[CODE_SESSION],
        request=bodies.SignInCode,
        responses=SIGNED_IN_OR_PENDING,
    )
    def post(self, request: Request) -> Response:
        token, body = pending_token(request), validated(bodies.SignInCode, request)
        response = call_allauth(request, "auth/code/confirm", body, token=token, expected=401)
        return next_step_response(request, response, token=token)


class RequestPasswordReset(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], MailUnavailable)}

    @extend_schema(
        operation_id="requestPasswordReset",
        summary="Request a password reset",
        description=f"Sends an e-mail with a key that allows setting a new password. {NOT_REVEALED}",
        tags=TAGS,
        request=bodies.EmailAddress,
        responses={202: None},
    )
    def post(self, request: Request) -> Response:
        body = validated(bodies.EmailAddress, request)
        check_mail_available()
        limit_mailbox(request, "reset_mail", mailbox=body["email"])
        call_allauth(request, "auth/password/request", body)
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
        body = validated(bodies.ResetPassword, request)
        limit(request, "reset_with_key", key=body["key"])
        # allauth answers 401, because a reset password signs nobody in.
        call_allauth(request, "auth/password/reset", body, expected=401)
        return Response(status=204)


class SignUp(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], MailUnavailable)}

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
        body = validated(bodies.SignUp, request)
        check_mail_available()
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
        body, now = validated(bodies.AcceptInvitation, request), timezone.now()
        limit(request, "accept")
        joined = _join(body["token"], users.Profile(name=body["name"], password=body["password"]), now)
        inner = allauth_client.build_request(request._request)  # noqa: SLF001  DRF's way to Django's request
        # Only for a new user. The token proves the mailbox; an existing user proves
        # the password or a code as usual.
        session = sessions.create(request=inner, person=joined.person, now=now) if joined.is_new else None
        accepted = {"session": session, "person": joined.person, "membership": joined.member}
        return Response(bodies.AcceptedSerializer(accepted).data, status=201)


class Session(UserView):
    @extend_schema(
        operation_id="getSession",
        summary="Get the current session",
        description="Returns the signed-in user and the user's agencies.",
        tags=TAGS,
        responses=bodies.SignedInSerializer,
    )
    def get(self, request: Request) -> Response:
        user = signed_in_user(request)
        return Response(
            serialize(user.person, sessions.Session(token=user.token, expires_at=user.expires_at))
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
        body, person = validated(bodies.UpdateSession, request), signed_in_user(request).person
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
            token=signed_in_user(request).token,
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
        sessions.revoke_all(person=signed_in_user(request).person)
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
        body = validated(bodies.ChangePassword, request)
        body["new_password"] = body.pop("password")
        response = call_allauth(request, "account/password/change", body, token=signed_in_user(request).token)
        return signed_in_response(request, response, is_sign_in=False)


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
