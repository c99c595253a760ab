"""Turn allauth's errors into problems that do not reveal whether an e-mail address is known."""

from typing import NoReturn

from rest_framework.exceptions import APIException, Throttled, ValidationError

from accounts.people import mail
from accounts.people.allauth_client import AllauthResponse
from accounts.people.rate_limits import RETRY_AFTER_SECONDS
from api.strict_fields import Absent

# allauth's names of fields that have another name here.
FIELDS = {"new_password": "password"}


class SignInFailed(APIException):
    status_code = 401
    default_code = "sign-in-failed"
    default_detail = "The e-mail address or password is incorrect."
    auth_header = 'Bearer realm="underone"'


class CodeFailed(SignInFailed):
    default_detail = "The code is incorrect or expired. After three incorrect codes, request a new one."


class SecondFactorFailed(SignInFailed):
    default_detail = "The code or passkey is incorrect, or the sign-in has expired. Sign in again."


class SignInAgain(APIException):
    status_code = 403
    default_code = "sign-in-again"
    default_detail = "Your sign-in is more than ten minutes old. Sign in again to make this change."


class TokenFailed(APIException):
    status_code = 403
    default_code = "token-opens-nothing"
    default_detail = "The token is unknown, used, revoked or expired. Request a new invitation."


class MailUnavailable(APIException):
    status_code = 503
    default_code = "mail-unavailable"
    default_detail = (
        "This installation sends no e-mails, which this operation needs. Its operator can set `EMAIL_URL`."
    )


class SignUpClosed(APIException):
    status_code = 403
    default_code = "sign-up-closed"
    default_detail = "Sign-up is disabled on this installation. Request an invitation from an agency."


def check_mail_available() -> None:
    """Raise MailUnavailable if the installation sends no e-mails."""
    if not mail.is_available():
        raise MailUnavailable


def raise_problem(response: AllauthResponse) -> NoReturn:
    """Raise the problem of an error response: Throttled, SignInFailed, CodeFailed, Absent or
    ValidationError."""
    # allauth refuses too many sign-ins as an invalid form, and everything else that is limited with 429.
    if response.status == 429 or "too_many_login_attempts" in response.codes:
        raise Throttled(wait=RETRY_AFTER_SECONDS)
    if response.codes - {"email_password_mismatch", "invalid_login", "incorrect_code"}:
        errors = _errors_by_field(response)
        raise (Absent if "key" in errors else ValidationError)(errors)
    # 409: no code is pending. 410: the session for which it was sent has ended.
    # Either way the code is worthless.
    raise CodeFailed if "incorrect_code" in response.codes or response.status in {409, 410} else SignInFailed


def _errors_by_field(response: AllauthResponse) -> dict[str, list[str]]:
    messages: dict[str, list[str]] = {}
    for error in response.errors:
        name = error.get("param", "non_field_errors")
        messages.setdefault(FIELDS.get(name, name), []).append(error["message"])
    return messages
