"""Serve second factors: list, add and remove them, and sign in with them."""

from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from accounts.people import second_factors, sessions
from accounts.people.allauth_client import AllauthResponse
from accounts.people.api import second_factor_serializers as bodies
from accounts.people.api.auth_flow import (
    TAGS,
    PublicView,
    UserView,
    call_allauth,
    next_step_response,
    pending_token,
    recently_signed_in_user,
    signed_in_user,
    validated,
)
from accounts.people.api.auth_problems import SecondFactorFailed, SignInAgain, SignInFailed
from accounts.people.api.auth_serializers import SignedInSerializer
from accounts.people.api.second_factor_requirement import SecondFactorMissing
from accounts.people.rate_limits import limit, limit_mailbox
from accounts.people.second_factors import SecondFactor
from api.strict_fields import Contradiction

TOTP, CODES, PASSKEYS = (f"account/authenticators/{each}" for each in ("totp", "recovery-codes", "webauthn"))
MAX_PASSKEYS = 20
PENDING_SESSION = OpenApiParameter(
    "X-Session-Token",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The token of the pending sign-in. It is valid for fifteen minutes.",
)
RECENT = "The sign-in must be at most ten minutes old."


class SecondFactorExists(APIException):
    status_code = 409
    default_code = "second-factor-exists"
    default_detail = "You have an authenticator app already. Remove it first."


class PasskeysUnavailable(APIException):
    status_code = 409
    default_code = "passkeys-unavailable"
    default_detail = (
        "Passkeys belong to the address of a front end, and this installation has none. Its operator can set "
        "`PEOPLE_URL`."
    )


class SecondFactors(UserView):
    @extend_schema(
        operation_id="listSecondFactors",
        summary="List second factors",
        description="Returns the authenticator app, the passkeys and the recovery codes of the signed-in user, without "
        "secrets.",
        tags=TAGS,
        responses=bodies.SecondFactorsSerializer,
    )
    def get(self, request: Request) -> Response:
        factors = second_factors.list_for_person(person_id=signed_in_user(request).person.pk)
        return Response(bodies.SecondFactorsSerializer({"data": factors}).data)


class Totp(UserView):
    problems: ClassVar = {"post": (SignInAgain, SecondFactorExists), "delete": (SignInAgain,)}

    @extend_schema(
        operation_id="createTotpSecret",
        summary="Create the secret of an authenticator app",
        description=f"Returns a new secret. The app is a second factor once its first code was sent. {RECENT}",
        tags=TAGS,
        request=None,
        responses=bodies.TotpSecretSerializer,
    )
    def post(self, request: Request) -> Response:
        token = recently_signed_in_user(request).token
        response = call_allauth(request, TOTP, {}, method="GET", token=token, expected=404)
        if response.status == 200:
            raise SecondFactorExists
        secret = {"secret": response.meta["secret"], "url": response.meta["totp_url"]}
        return Response(bodies.TotpSecretSerializer(secret).data)

    @extend_schema(
        operation_id="removeTotp",
        summary="Remove the authenticator app",
        description=f"Removes the authenticator app, and with the last second factor the recovery codes. {RECENT}",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        user = recently_signed_in_user(request)
        _factor(user.person, kind="totp")
        call_allauth(request, TOTP, {}, method="DELETE", token=user.token)
        _record(user.person, second_factors.REMOVED, kind="totp")
        return Response(status=204)


class ActivateTotp(UserView):
    problems: ClassVar = {"post": (SignInAgain, SecondFactorExists, 429)}

    @extend_schema(
        operation_id="activateTotp",
        summary="Add an authenticator app",
        description="Makes the authenticator app a second factor, with the first code that it shows. From then on "
        f"every sign-in requires a second factor. {RECENT}",
        tags=TAGS,
        request=bodies.SecondFactorCode,
        responses={201: bodies.AddedFactorSerializer},
    )
    def post(self, request: Request) -> Response:
        user, body = recently_signed_in_user(request), validated(bodies.SecondFactorCode, request)
        limit(request, "activate_second_factor", key=user.person.public_id)
        if _kinds(user.person) & {"totp"}:
            raise SecondFactorExists
        try:
            call_allauth(request, TOTP, body, token=user.token)
        except SignInFailed:
            raise ValidationError(
                {"code": ["The code is incorrect. Check the clock of the device."]}
            ) from None
        return _added_response(request, user.person, token=user.token, kind="totp")


class RecoveryCodes(UserView):
    problems: ClassVar = {"post": (SignInAgain, SecondFactorMissing)}

    @extend_schema(
        operation_id="createRecoveryCodes",
        summary="Create recovery codes",
        description=f"Returns new recovery codes. The old ones can no longer be used. {RECENT}",
        tags=TAGS,
        request=None,
        responses={201: bodies.NewRecoveryCodesSerializer},
    )
    def post(self, request: Request) -> Response:
        user = recently_signed_in_user(request)
        if not second_factors.exists_for(user.person.pk):
            raise SecondFactorMissing
        response = call_allauth(request, CODES, {}, token=user.token)
        _record(user.person, second_factors.ADDED, kind="recovery_codes")
        codes = {"recovery_codes": response.data["unused_codes"]}
        return Response(bodies.NewRecoveryCodesSerializer(codes).data, status=201)


class PasskeyOptions(UserView):
    problems: ClassVar = {"post": (SignInAgain, PasskeysUnavailable)}

    @extend_schema(
        operation_id="createPasskeyOptions",
        summary="Start to add a passkey",
        description=f"Returns the options with which a browser creates a passkey. {RECENT}",
        tags=TAGS,
        request=None,
        responses=bodies.CreationOptionsSerializer,
    )
    def post(self, request: Request) -> Response:
        token = recently_signed_in_user(request).token
        _check_passkeys_available()
        response = call_allauth(request, PASSKEYS, {}, method="GET", query="passwordless", token=token)
        options = {"options": response.data["creation_options"]}
        return Response(bodies.CreationOptionsSerializer(options).data)


class Passkeys(UserView):
    problems: ClassVar = {"post": (SignInAgain, PasskeysUnavailable, 429)}

    @extend_schema(
        operation_id="addPasskey",
        summary="Add a passkey",
        description="Adds the passkey that a browser has created with the options. It is a second factor, and can also "
        f"be used to sign in without a password. {RECENT}",
        tags=TAGS,
        request=bodies.AddPasskey,
        responses={201: bodies.AddedFactorSerializer},
    )
    def post(self, request: Request) -> Response:
        user, body = recently_signed_in_user(request), validated(bodies.AddPasskey, request)
        _check_passkeys_available()
        limit(request, "activate_second_factor", key=user.person.public_id)
        factors = second_factors.list_for_person(person_id=user.person.pk)
        if len([each for each in factors if each.kind == "passkey"]) >= MAX_PASSKEYS:
            raise Contradiction({"name": [f"You have {MAX_PASSKEYS} passkeys. Remove one first."]})
        try:
            call_allauth(request, PASSKEYS, body | {"passwordless": True}, token=user.token)
        except SignInFailed:
            message = "The passkey does not answer the newest options, or did not verify the user."
            raise ValidationError({"credential": [message]}) from None
        return _added_response(request, user.person, token=user.token, kind="passkey")


class PasskeyDetail(UserView):
    problems: ClassVar = {"delete": (SignInAgain,)}

    @extend_schema(
        operation_id="removePasskey",
        summary="Remove a passkey",
        description=f"Removes the passkey, and with the last second factor the recovery codes. {RECENT}",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, passkey_id: str) -> Response:
        user = recently_signed_in_user(request)
        factor = _factor(user.person, kind="passkey", public_id=passkey_id)
        number = int(factor.id.removeprefix("fac_"))
        call_allauth(request, PASSKEYS, {"authenticators": [number]}, method="DELETE", token=user.token)
        _record(user.person, second_factors.REMOVED, kind="passkey")
        return Response(status=204)


class ConfirmCode(PublicView):
    @extend_schema(
        operation_id="confirmSecondFactor",
        summary="Confirm a sign-in with a code",
        description="Completes a sign-in with a code of the authenticator app or a recovery code. Returns a new session "
        "token. The token that was sent with the request ends.",
        tags=TAGS,
        parameters=[PENDING_SESSION],
        request=bodies.SecondFactorCode,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        token, body = pending_token(request), validated(bodies.SecondFactorCode, request)
        mailbox = _limit_pending(request, token)
        if not second_factors.claim_code(mailbox=mailbox, code=body["code"]):
            raise SecondFactorFailed
        response = _call_second_factor(request, "auth/2fa/authenticate", body, token=token)
        return next_step_response(request, response, token=token)


class ConfirmPasskeyOptions(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], PasskeysUnavailable)}

    @extend_schema(
        operation_id="createSecondFactorOptions",
        summary="Start to confirm a sign-in with a passkey",
        description="Returns the options with which a browser asks for one of the user's passkeys.",
        tags=TAGS,
        parameters=[PENDING_SESSION],
        request=None,
        responses={202: bodies.RequestOptionsSerializer},
    )
    def post(self, request: Request) -> Response:
        token = pending_token(request)
        limit(request, "passkey_options")
        return _options_response(request, "auth/webauthn/authenticate", token=token)


class ConfirmPasskey(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], PasskeysUnavailable)}

    @extend_schema(
        operation_id="confirmWithPasskey",
        summary="Confirm a sign-in with a passkey",
        description="Completes a sign-in with a passkey as the second factor. Returns a new session token.",
        tags=TAGS,
        parameters=[PENDING_SESSION],
        request=bodies.PasskeyAssertion,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        token, body = pending_token(request), validated(bodies.PasskeyAssertion, request)
        _check_passkeys_available()
        _limit_pending(request, token)
        response = _call_second_factor(request, "auth/webauthn/authenticate", body, token=token)
        return next_step_response(request, response, token=token)


class SignInOptions(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], PasskeysUnavailable)}

    @extend_schema(
        operation_id="createSignInOptions",
        summary="Start to sign in with a passkey",
        description="Returns the options with which a browser asks for a passkey, and a token to send with it.",
        tags=TAGS,
        request=None,
        responses={202: bodies.RequestOptionsSerializer},
    )
    def post(self, request: Request) -> Response:
        limit(request, "passkey_options")
        return _options_response(request, "auth/webauthn/login")


class SignInWithPasskey(PublicView):
    problems: ClassVar = {"post": (*PublicView.problems["post"], PasskeysUnavailable)}

    @extend_schema(
        operation_id="signInWithPasskey",
        summary="Sign in with a passkey",
        description="Returns a session of the user. A passkey needs no second factor, because the device has verified "
        "the user.",
        tags=TAGS,
        parameters=[PENDING_SESSION],
        request=bodies.PasskeyAssertion,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        token, body = pending_token(request), validated(bodies.PasskeyAssertion, request)
        _check_passkeys_available()
        response = _call_second_factor(request, "auth/webauthn/login", body, token=token)
        return next_step_response(request, response, token=token)


def _call_second_factor(
    request: Request, path: str, body: dict[str, Any], *, token: str, method: str = "POST"
) -> AllauthResponse:
    """Return allauth's response to a second factor. Raises SecondFactorFailed."""
    try:
        return call_allauth(request, path, body, token=token, method=method)
    # Fields were checked before. An error of allauth's about one means that the second factor is wrong.
    except (SignInFailed, ValidationError):
        raise SecondFactorFailed from None


def _options_response(request: Request, path: str, *, token: str = "") -> Response:
    _check_passkeys_available()
    response = _call_second_factor(request, path, {}, token=token, method="GET")
    data = {
        "token": response.token or token,
        "expires_at": timezone.now() + sessions.PENDING_LIFETIME,
        "options": response.data["request_options"],
    }
    return Response(bodies.RequestOptionsSerializer(data).data, status=202)


def _limit_pending(request: Request, token: str) -> str:
    """Count a guess of the second factor, and return the mailbox. Raises Throttled, SecondFactorFailed."""
    try:
        mailbox = sessions.pending_mailbox(token=token)
    except sessions.Ended:
        raise SecondFactorFailed from None
    limit_mailbox(request, "second_factor", mailbox=mailbox)
    return mailbox


def _check_passkeys_available() -> None:
    if not settings.PEOPLE_URL:
        raise PasskeysUnavailable


def _kinds(person: Person) -> set[str]:
    return {each.kind for each in second_factors.list_for_person(person_id=person.pk)}


def _factor(person: Person, *, kind: str, public_id: str | None = None) -> SecondFactor:
    """Return a second factor of the user. Raises NotFound."""
    for each in second_factors.list_for_person(person_id=person.pk):
        if each.kind == kind and public_id in {None, each.id}:
            return each
    raise NotFound("You have no such second factor.")


def _added_response(request: Request, person: Person, *, token: str, kind: str) -> Response:
    """Record the second factor that was just added, and return it with the recovery codes that came with it."""
    _record(person, second_factors.ADDED, kind=kind)
    codes = call_allauth(request, CODES, {}, method="GET", token=token)
    added = {
        "second_factor": [
            each for each in second_factors.list_for_person(person_id=person.pk) if each.kind == kind
        ][-1],
        "recovery_codes": codes.data.get("unused_codes"),
    }
    return Response(bodies.AddedFactorSerializer(added).data, status=201)


def _record(person: Person, what: str, *, kind: str) -> None:
    second_factors.record(person=person, what=what, kind=kind, now=timezone.now())
