"""The manners of the API: problems (RFC 9457), pages, request ids."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from accounts import cursors, identifiers

PROBLEM = "application/problem+json"
WHOLE_NUMBER = re.compile("[0-9]{1,9}")
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


OURS: dict[type[Exception], type[exceptions.APIException]] = {
    Http404: exceptions.NotFound,
    PermissionDenied: exceptions.PermissionDenied,
    RequestDataTooBig: BodyTooLarge,
    TooManyFieldsSent: NotUnderstood,
    TooManyFilesSent: NotUnderstood,
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
    return Response(body | {"request_id": request_id}, status=error.status_code, headers=headers, content_type=PROBLEM)


def _problem_of(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        errors = [{"pointer": pointer, "detail": detail} for pointer, detail in _pointers(error.detail)]
        return problem(
            status=400,
            slug="invalid-request",
            title="The request is not valid",
            detail="; ".join(f"{each['pointer'] or 'request'}: {each['detail']}" for each in errors[:3]),
            errors=errors,
        )
    code = error.default_code if isinstance(error.detail, (list, dict)) else error.detail.code
    slug = str(code).replace("_", "-")
    return problem(
        status=error.status_code,
        slug=slug,
        title=TITLES.get(slug, slug.replace("-", " ").capitalize()),
        detail=str(error.detail),
    )


TITLES = {
    "authentication-failed": "The key opens nothing",
    "not-authenticated": "A key is needed",
    "not-found": "Nothing is here",
    "parse-error": "The body cannot be read",
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
        yield at, str(detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer where no path matches."""
    body = problem(status=404, slug="not-found", title=TITLES["not-found"], detail="No such path. See /docs.")
    return JsonResponse(body, status=404, content_type=PROBLEM)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's answer to a request that it does not trust, such as a foreign Host."""
    body = problem(status=400, slug="bad-request", title="The request is not valid", detail="It was not understood.")
    return JsonResponse(body, status=400, content_type=PROBLEM)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer to what nobody caught: nothing of the cause."""
    request_id = request.META.get("underone.request_id")
    body = problem(
        status=500,
        slug="internal",
        title="We made a mistake",
        detail="The fault is ours and nothing was changed. Tell us the request id.",
        request_id=request_id,
    )
    return JsonResponse(body, status=500, content_type=PROBLEM)


class Listing(Protocol):
    """Anything that can be read a page at a time from a known place on."""

    places: int

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[Any]: ...
    def position(self, row: Any) -> list[str]: ...


class ByKeys:
    """A queryset read in the order of one field and the primary key, from a known place on (no row is skipped or repeated
    when others are added meanwhile)."""

    def __init__(self, queryset: QuerySet[Model], ordering: str) -> None:
        self.queryset = queryset
        self.descending = ordering.startswith("-")
        self.field = ordering.removeprefix("-")
        self.fields = [self.field] if self.field in {"id", "line"} else [self.field, "id"]
        self.places = len(self.fields)

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[Any]:
        rows = self.queryset
        if after is not None:
            try:
                rows = rows.filter(self._beyond(after))
            except (ValidationError, ValueError):
                raise cursors.BadCursor from None
        sign = "-" if self.descending else ""
        return list(rows.order_by(*(sign + field for field in self.fields))[:limit])

    def position(self, row: Any) -> list[str]:
        return [_text(getattr(row, field)) for field in self.fields]

    def _beyond(self, after: list[str]) -> Q:
        past = "lt" if self.descending else "gt"
        place = READERS.get(self.field, str)(after[0])
        first = Q(**{f"{self.field}__{past}": place})
        return first if len(after) == 1 else first | Q(**{self.field: place, f"id__{past}": after[1]})


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _moment(text: str) -> datetime:
    """A moment as `_text` writes it, which is in UTC: PostgreSQL does not take every offset that Python does."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError
    return moment


READERS: dict[str, Callable[[str], Any]] = {"created_at": _moment}
"""Of the fields that a cursor holds as another text than the database would read."""


class Pages(BasePagination):
    """`{"data": […], "next_cursor": …}`, at most `limit` rows."""

    default_limit = 50
    most = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        ordering = getattr(view, "get_ordering", lambda: "-id")()
        listing: Listing = ByKeys(queryset, ordering) if isinstance(queryset, QuerySet) else queryset
        limit = self._limit(request)
        try:
            cursor = request.query_params.get("cursor")
            after = cursors.decode(cursor, length=listing.places) if cursor else None
            rows = list(listing.page(after=after, limit=limit + 1))
        except cursors.BadCursor:
            raise exceptions.ValidationError({"cursor": "This is no cursor of this list."}) from None
        self.next_cursor = cursors.encode(listing.position(rows[limit - 1])) if len(rows) > limit else None
        return rows[:limit]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= self.most:
            raise exceptions.ValidationError({"limit": f"A whole number from 1 to {self.most}."})
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "next_cursor": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "example": None,
                    "description": "Pass it as `cursor` for the next page; null on the last one.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.most, "default": self.default_limit}
        return [
            {"name": "limit", "in": "query", "schema": limit, "description": "Rows a page."},
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "`next_cursor` of the page before.",
            },
        ]
