"""Apply `Idempotency-Key` and `If-Match` to writes, and serialize concurrent writes to one path."""

import hashlib
import re
from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone, translation
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from accounts.models import Person
from accounts.requests import idempotency
from accounts.requests.idempotency import StoredResponse
from accounts.tenancy import context, locks
from api import etags

WRITE_METHODS = {"POST", "PUT", "PATCH", "DELETE"}
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
STORED_HEADERS = ("Content-Type", "Location", "Link")


class InFlight(APIException):
    status_code = 409
    default_code = "in-flight"
    default_detail = "The first request with this Idempotency-Key is still in progress. Retry in a moment."
    wait = 0.5


class Busy(InFlight):
    default_detail = "Another write to this resource is in progress. Retry in a moment."


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency-key-reused"
    default_detail = (
        "This Idempotency-Key was used for a different request in the last "
        f"{idempotency.STORED_RESPONSE_HOURS} hours. Use a new key."
    )


class ResponseLost(APIException):
    status_code = 409
    default_code = "answer-lost"
    default_detail = (
        "The write succeeded, but its stored response cannot be decrypted. Get the resource to see its state."
    )


class PreconditionFailed(APIException):
    status_code = 412
    default_code = "precondition-failed"
    default_detail = "The resource no longer has the ETag in If-Match. Get it again."


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key` of a request, if it has one. Raises ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationError({"Idempotency-Key": "Must have 1 to 255 visible ASCII characters."})
    return key


def claim_key(request: Request, *, key: str, fingerprint: bytes) -> HttpResponse | None:
    """Return the response stored under the key, or None if this request has claimed the key.

    Raises InFlight, KeyReused, ResponseLost.
    """
    principal, now = context.principal(request), timezone.now()
    try:
        stored = idempotency.claim(principal=principal, key=key, fingerprint=fingerprint, now=now)
    except idempotency.InFlight:
        raise InFlight from None
    except idempotency.DifferentRequest:
        raise KeyReused from None
    except idempotency.ResponseUnreadable:
        raise ResponseLost from None
    return _replay(stored) if stored else None


def store_response(request: Request, *, key: str, response: HttpResponse) -> None:
    """Store a rendered response under the key.

    Errors are not stored: the key is released and may be used again.
    """
    principal = context.principal(request)
    if response.status_code >= 400:
        idempotency.release(principal=principal, key=key)
        return
    headers = {name: response[name] for name in STORED_HEADERS if name in response}
    # The middleware that sets this header runs later, and the replay may be requested in another language.
    headers["Content-Language"] = translation.get_language() or "en"
    stored = StoredResponse(status=response.status_code, headers=headers, body=response.content)
    idempotency.store(principal=principal, key=key, response=stored)


def lock_path(request: Request) -> None:
    """Serialize writes per path and agency with an advisory lock until the transaction ends.

    Writes by a signed-in user for no agency are serialized per user. Anonymous requests take no lock. Raises
    Busy on timeout.
    """
    owner = _owner(request)
    if owner is None:
        return
    name = f"{owner} {request.path}".encode("utf-8", "surrogatepass")
    # PostgreSQL's advisory locks are signed 64-bit numbers. Two paths with one number would only wait.
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    try:
        with locks.lock_timeout() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    except locks.LockTimeout:
        raise Busy from None


def check_if_match(request: Request, *, read: Callable[[], HttpResponse]) -> None:
    """Compare `If-Match` with the ETag of the representation that `read` returns. Raises PreconditionFailed,
    ValidationError."""

    if_match = request.headers.get("If-Match")
    if if_match is not None and not etags.IF_MATCH.fullmatch(if_match.strip()):
        raise ValidationError(
            {"If-Match": 'Send `*`, or ETags in double quotes, such as `"5d41402abc4b2a76b9719d911017c592"`.'}
        )
    # The representation is rendered again: an ETag is its digest, so it depends on language and format.
    if if_match is not None and not etags.matches(if_match, etags.compute(read().content)):
        raise PreconditionFailed


def _owner(request: Request) -> UUID | None:
    """Return the agency of a write, or the user if the write has no agency."""
    if request.auth is not None:
        return context.principal(request).agency_id
    person = getattr(request.user, "person", None)
    return person.pk if isinstance(person, Person) else None


def _replay(stored: StoredResponse) -> HttpResponse:
    response = HttpResponse(
        stored.body, status=stored.status, headers=stored.headers | {"Idempotency-Replayed": "true"}
    )
    if "Content-Type" not in stored.headers:
        # The stored response has no body. Django would add its default type.
        del response["Content-Type"]
    return response
