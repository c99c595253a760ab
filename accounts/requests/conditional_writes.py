"""How a write is asked for: once under its `Idempotency-Key`, on what `If-Match` names, one after another."""

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
from accounts.requests.idempotency import Answer
from accounts.tenancy import context, locks
from api import etags

METHODS = {"POST", "PUT", "PATCH", "DELETE"}
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_HEADERS = ("Content-Type", "Location", "Link")


class InFlight(APIException):
    status_code = 409
    default_code = "in-flight"
    default_detail = "The first request with this Idempotency-Key has not ended yet. Ask again in a moment."
    wait = 0.5


class Busy(InFlight):
    default_detail = "Another write to the same has not ended yet. Ask again in a moment."


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency-key-reused"
    default_detail = "This Idempotency-Key was used for another request within the last 24 hours. Take a new one."


class AnswerLost(APIException):
    status_code = 409
    default_code = "answer-lost"
    default_detail = "The write was done, and its answer cannot be told again: what sealed it is gone. Read the thing itself."


class PreconditionFailed(APIException):
    status_code = 412
    default_code = "precondition-failed"
    default_detail = "It is not what If-Match names any more. Read it again."


def key_of(request: Request) -> str | None:
    """The key under which the request is asked. Raises ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationError({"Idempotency-Key": "The header has from 1 to 255 visible ASCII characters."})
    return key


def answered(request: Request, *, key: str, fingerprint: bytes) -> HttpResponse | None:
    """The answer of before, or none: then the key is this request's. Raises InFlight, KeyReused, AnswerLost."""
    try:
        kept = idempotency.claim(bearer=context.bearer(request), key=key, fingerprint=fingerprint, now=timezone.now())
    except idempotency.InFlight:
        raise InFlight from None
    except idempotency.AnotherRequest:
        raise KeyReused from None
    except idempotency.CannotBeTold:
        raise AnswerLost from None
    return _again(kept) if kept else None


def keep(request: Request, *, key: str, response: HttpResponse) -> None:
    """Keep a rendered answer under the key. What is told as an error is not kept: it may be asked for again."""
    bearer = context.bearer(request)
    if response.status_code >= 400:
        idempotency.give_up(bearer=bearer, key=key)
        return
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    headers["Content-Language"] = translation.get_language() or "en"
    idempotency.keep(bearer=bearer, key=key, answer=Answer(status=response.status_code, headers=headers, body=response.content))


def hold(request: Request) -> None:
    """Until the transaction ends, who writes to the same path for the same agency waits, or for the same person.

    Nobody waits for whom nobody knows. Raises Busy for who would wait too long.
    """
    whose = _whose(request)
    if whose is None:
        return
    name = f"{whose} {request.path}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    try:
        with locks.a_while() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    except locks.TooLong:
        raise Busy from None


def check_unchanged(request: Request, *, read: Callable[[], HttpResponse]) -> None:
    """Raises PreconditionFailed where the request names another state than the one that is read now."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and not etags.names(wanted, etags.of(read().content)):
        raise PreconditionFailed


def _whose(request: Request) -> UUID | None:
    """The agency that a write is for, or the person where it is for none."""
    if request.auth is not None:
        return context.bearer(request).agency_id
    person = getattr(request.user, "person", None)
    return person.pk if isinstance(person, Person) else None


def _again(kept: Answer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status, headers=kept.headers | {"Idempotency-Replayed": "true"})
    if "Content-Type" not in kept.headers:
        del response["Content-Type"]  # nothing is in it
    return response
