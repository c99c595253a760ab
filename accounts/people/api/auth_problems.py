"""What allauth says no to, as the API's problems. None of them tells whether a mailbox is known."""

from typing import NoReturn

from rest_framework.exceptions import APIException, Throttled, ValidationError

from accounts.people.allauth_client import Answer
from accounts.people.rate_limits import LATER
from api.strict_fields import Absent

FIELDS = {"new_password": "password"}
"""allauth's names of fields that are called otherwise here."""


class SignInFailed(APIException):
    status_code = 401
    default_code = "sign-in-failed"
    default_detail = "The address or the password is not right."
    auth_header = 'Bearer realm="underone"'


class CodeFailed(SignInFailed):
    default_detail = "The code is not right, or too old. After three that are not right, ask for another one."


class TokenFailed(APIException):
    status_code = 403
    default_code = "token-opens-nothing"
    default_detail = "This token is unknown, used, withdrawn or too old. Ask for another invitation."


class SignUpClosed(APIException):
    status_code = 403
    default_code = "sign-up-closed"
    default_detail = "New agencies are not opened here. Ask for an invitation."


def refuse(answer: Answer) -> NoReturn:
    """Raises what an answer of allauth's amounts to: Throttled, SignInFailed, CodeFailed, Absent or ValidationError."""
    if answer.status == 429 or "too_many_login_attempts" in answer.codes:
        raise Throttled(wait=LATER)
    if answer.codes - {"email_password_mismatch", "invalid_login", "incorrect_code"}:
        raise (Absent if "key" in _by_field(answer) else ValidationError)(_by_field(answer))
    raise CodeFailed if "incorrect_code" in answer.codes or answer.status in {409, 410} else SignInFailed


def _by_field(answer: Answer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in answer.errors:
        name = error.get("param", "non_field_errors")
        found.setdefault(FIELDS.get(name, name), []).append(error["message"])
    return found
