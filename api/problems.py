"""Answer errors as problems (RFC 9457), and give every response a request ID."""

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
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    UnreadablePostError,
)
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api import identifiers, strict_fields
from api.problem_types import BY_SLUG, PATH
from api.translation import translate

PROBLEM = "application/problem+json"
UNAVAILABLE_SECONDS = "5"
MAX_ERRORS = 100
MAX_DETAIL_LENGTH = 4000
MAX_ERROR_LENGTH = 1000
# Other characters could forge lines of a log or break a header.
ACCEPTED_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}")
# The problem type of a ValidationError, by its status.
SLUGS = {400: "invalid-request", 404: "not-found", 409: "contradiction"}


class RequestIdMiddleware:
    """Set `X-Request-Id` on every response: the ID that the caller sent if it is well-formed, otherwise a new
    one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header = request.headers.get("X-Request-Id", "")
        is_accepted = ACCEPTED_REQUEST_ID.fullmatch(header)
        request_id = header if is_accepted else identifiers.public("req", identifiers.uuid7())
        request.META["underone.request_id"] = request_id
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class BodyTooLarge(exceptions.APIException):
    """Signal a body over the operation's limit."""

    status_code = 413
    default_code = "body-too-large"
    default_detail = "The request body exceeds the limit of this operation. Split it into several requests."


class BadRequest(exceptions.APIException):
    """Signal a request that Django could not read."""

    status_code = 400
    default_code = "bad-request"
    default_detail = "The request could not be understood."


class Internal(exceptions.APIException):
    """Signal an unexpected error."""

    default_code = "internal"
    default_detail = "An unexpected error occurred. Nothing was changed. Contact support with the request ID."


class StorageUnavailable(OSError):
    """Signal that the storage of documents cannot be reached or gave up. A later try may succeed."""


class Unavailable(exceptions.APIException):
    """Signal that the database cannot be reached or gave up."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "The database is unavailable. Nothing was changed. Retry in a few seconds."


STORAGE_UNAVAILABLE = "The storage of documents is unavailable. Nothing was changed. Retry in a few seconds."
# Exceptions that Django raises below a view.
DJANGO_ERRORS: dict[type[Exception], type[exceptions.APIException]] = {
    Http404: exceptions.NotFound,
    PermissionDenied: exceptions.PermissionDenied,
    RequestDataTooBig: BodyTooLarge,
    TooManyFieldsSent: BadRequest,
    TooManyFilesSent: BadRequest,
    UnreadablePostError: BadRequest,
}


def problem(*, status: int, slug: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Build a problem document in the language of the request. Clients may compare `type`, which is stable."""
    return {
        "type": f"{PATH}{slug}",
        "title": translate(title),
        "status": status,
        "detail": translate(detail)[:MAX_DETAIL_LENGTH],
    } | more


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the problem for an error that a view raised (DRF's exception handler).

    None lets Django answer 500.
    """
    error = DJANGO_ERRORS[type(error)]() if type(error) in DJANGO_ERRORS else error
    if not isinstance(error, exceptions.APIException):
        return None
    # DRF turns the exception into a response, so Django would not see it and commit the transaction.
    set_rollback()
    body = _build(error)
    request = context.get("request")
    request_id = request.META.get("underone.request_id") if request else None
    if request:
        # A problem is JSON, even if the request accepts CSV.
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    headers = {"WWW-Authenticate": str(error.auth_header)} if hasattr(error, "auth_header") else {}
    if getattr(error, "wait", None):
        # Rounded up: a client that returns a moment too early is refused again.
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    body |= getattr(error, "more", {})
    return Response(
        body | {"request_id": request_id}, status=body["status"], headers=headers, content_type=PROBLEM
    )


def problem_with(error: type[exceptions.APIException], *, detail: str) -> dict[str, Any]:
    """Build the problem of an error class with this detail."""
    code = SLUGS[error.status_code] if issubclass(error, exceptions.ValidationError) else error.default_code
    return _build_titled(code, status=error.status_code, detail=detail)


def _build(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        messages = list(_messages(error.detail))
        errors = [
            {"pointer": pointer, "detail": translate(detail)[:MAX_ERROR_LENGTH]}
            for pointer, detail in messages[:MAX_ERRORS]
        ]
        # A body may have errors of several kinds; the worst decides the status.
        status = strict_fields.status_of(error.detail)
        slug = SLUGS[status]
        summary = [
            *(f"{each['pointer'] or 'request'}: {each['detail']}" for each in errors[:3]),
            *_omitted(messages),
        ]
        return problem(
            status=status,
            slug=slug,
            title=BY_SLUG[slug].title,
            # A Chinese sentence needs no further sign after its end.
            detail="; ".join(summary).replace("。; ", "。"),
            errors=errors,
        )
    code = error.default_code if isinstance(error.detail, (list, dict)) else error.detail.code
    return _build_titled(str(code), status=error.status_code, detail=str(error.detail))


def _build_titled(code: str, *, status: int, detail: str) -> dict[str, Any]:
    slug = code.replace("_", "-")
    title = BY_SLUG[slug].title if slug in BY_SLUG else slug.replace("-", " ").capitalize()
    return problem(status=status, slug=slug, title=title, detail=detail)


def _omitted(messages: Sequence[object]) -> list[str]:
    """Return the sentence about the errors that the problem leaves out, if any."""
    # Without their number: what has so many errors is not always checked to its end.
    return ["and more errors, which are not listed"] if len(messages) > MAX_ERRORS else []


def _messages(detail: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the messages of a validation error, each with the JSON pointer (RFC 6901) of its field."""
    if isinstance(detail, dict):
        for name, nested in detail.items():
            yield from _messages(nested, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for index, nested in enumerate(detail):
            yield from _messages(
                nested, f"{pointer}/{index}" if isinstance(nested, (dict, list)) else pointer
            )
    else:
        # The message may quote the request, and the OpenAPI document promises texts without NUL.
        yield pointer, str(detail).replace("\0", "\N{REPLACEMENT CHARACTER}")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request whose path matches no route (Django's handler404)."""
    return _respond(request, problem_with(exceptions.NotFound, detail="This path does not exist. See /docs."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django rejects, such as one for a foreign Host (Django's handler400)."""
    return _respond(request, problem_with(BadRequest, detail=BadRequest.default_detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an uncaught exception without its cause: 503 if the database or the storage of documents is
    unavailable or gave up, otherwise 500."""
    # Django calls this handler inside the except block of the request.
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError | StorageUnavailable):
        is_storage = isinstance(error, StorageUnavailable)
        detail = STORAGE_UNAVAILABLE if is_storage else Unavailable.default_detail
        response = _respond(request, problem_with(Unavailable, detail=detail))
        response["Retry-After"] = UNAVAILABLE_SECONDS
        return response
    return _respond(request, problem_with(Internal, detail=Internal.default_detail))


def _respond(request: HttpRequest, body: dict[str, Any]) -> HttpResponse:
    request_id = request.META.get("underone.request_id")
    return JsonResponse(
        body | {"request_id": request_id},
        status=body["status"],
        content_type=PROBLEM,
        json_dumps_params={"ensure_ascii": False},
    )
