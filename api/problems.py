"""The manners of the API: problems (RFC 9457) and request ids."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api import identifiers, strict_fields

PROBLEM = "application/problem+json"
UNAVAILABLE_SECONDS = "5"
MOST_ERRORS = 100
SEEN_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}")


class RequestIdMiddleware:
    """Every answer has `X-Request-Id`: the caller's own where it is a plain one, else a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SEEN_REQUEST_ID.fullmatch(given) else identifiers.public("req", identifiers.uuid7())
        request.META["underone.request_id"] = request_id
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


def problem(*, status: int, slug: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """A problem document. `type` is stable and may be compared."""
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail} | more


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "body-too-large"
    default_detail = "The body is larger than this operation takes. Send it in several requests."


class NotUnderstood(exceptions.APIException):
    status_code = 400
    default_code = "bad-request"
    default_detail = "The request was not understood."


class Internal(exceptions.APIException):
    default_code = "internal"
    default_detail = "The fault is ours and nothing was changed. Tell us the request id."


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "unavailable"
    default_detail = "The database does not answer now. Nothing was changed; ask again in a moment."


OURS: dict[type[Exception], type[exceptions.APIException]] = {
    Http404: exceptions.NotFound,
    PermissionDenied: exceptions.PermissionDenied,
    RequestDataTooBig: BodyTooLarge,
    TooManyFieldsSent: NotUnderstood,
    TooManyFilesSent: NotUnderstood,
    UnreadablePostError: NotUnderstood,
}
"""What Django raises below a view, as what the API answers."""


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error that a view raises, as a problem. None lets Django answer 500."""
    error = OURS[type(error)]() if type(error) in OURS else error
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    body = _problem_of(error)
    request = context.get("request")
    request_id = request.META.get("underone.request_id") if request else None
    if request:  # a problem is JSON, also where a spreadsheet was asked for
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    headers = {"WWW-Authenticate": str(error.auth_header)} if hasattr(error, "auth_header") else {}
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    body |= getattr(error, "more", {})
    return Response(body | {"request_id": request_id}, status=body["status"], headers=headers, content_type=PROBLEM)


def _problem_of(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        found = list(_pointers(error.detail))
        errors = [{"pointer": pointer, "detail": detail} for pointer, detail in found[:MOST_ERRORS]]
        status = strict_fields.status_of(error.detail)
        slug = SLUGS[status]
        return problem(
            status=status,
            slug=slug,
            title=TITLES[slug],
            detail="; ".join([*(f"{each['pointer'] or 'request'}: {each['detail']}" for each in errors[:3]), *_untold(found)]),
            errors=errors,
        )
    code = error.default_code if isinstance(error.detail, (list, dict)) else error.detail.code
    return _named(str(code), status=error.status_code, detail=str(error.detail))


def problem_with(error: type[exceptions.APIException], *, detail: str) -> dict[str, Any]:
    """The problem that is told of an error of this class in these words."""
    code = SLUGS[error.status_code] if issubclass(error, exceptions.ValidationError) else error.default_code
    return _named(code, status=error.status_code, detail=detail)


def _named(code: str, *, status: int, detail: str) -> dict[str, Any]:
    slug = code.replace("_", "-")
    return problem(status=status, slug=slug, title=TITLES.get(slug, slug.replace("-", " ").capitalize()), detail=detail)


def _untold(found: Sequence[object]) -> list[str]:
    """How many errors are more than a problem tells, where some are."""
    return [f"and {len(found) - MOST_ERRORS} more errors than are listed"] if len(found) > MOST_ERRORS else []


SLUGS = {400: "invalid-request", 404: "not-found", 409: "contradiction"}
TITLES = {
    "invalid-request": "The request is not valid",
    "contradiction": "This cannot be",
    "authentication-failed": "The key opens nothing",
    "not-authenticated": "A key is needed",
    "not-found": "Nothing is here",
    "parse-error": "The body cannot be read",
    "throttled": "Too many requests",
    "in-flight": "It is being done",
    "idempotency-key-reused": "The key was used for another request",
    "precondition-failed": "It has changed meanwhile",
    "unavailable": "Not now",
    "internal": "We made a mistake",
    "bad-request": "The request is not valid",
}


def _pointers(detail: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Each message of a validation error with the JSON pointer (RFC 6901) of its field."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _pointers(inner, at if name == "non_field_errors" else f"{at}/{name}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _pointers(inner, f"{at}/{index}" if isinstance(inner, (dict, list)) else at)
    else:
        yield at, str(detail).replace("\0", "\N{REPLACEMENT CHARACTER}")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer where no path matches."""
    detail = "No such path. See /docs."
    return _answer(request, problem_with(exceptions.NotFound, detail=detail))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to a request that it does not trust, such as a foreign Host."""
    return _answer(request, problem_with(NotUnderstood, detail="It was not understood."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer to what nobody caught: nothing of the cause. A database that is away, or gave up, is asked again later."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        answer = _answer(request, problem_with(Unavailable, detail=Unavailable.default_detail))
        answer["Retry-After"] = UNAVAILABLE_SECONDS
        return answer
    return _answer(request, problem_with(Internal, detail=Internal.default_detail))


def _answer(request: HttpRequest, body: dict[str, Any]) -> HttpResponse:
    told = body | {"request_id": request.META.get("underone.request_id")}
    return JsonResponse(told, status=body["status"], content_type=PROBLEM)
