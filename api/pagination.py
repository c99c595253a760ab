"""Lists a page at a time, from an opaque cursor on."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from api import cursors
from api.strict_fields import Absent

WHOLE_NUMBER = re.compile("[0-9]{1,9}")


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
        """Written so that an index on the fields is entered at the place, not read from its beginning."""
        past = "lt" if self.descending else "gt"
        place = READERS.get(self.field, str)(after[0])
        first = Q(**{f"{self.field}__{past}": place})
        if len(after) == 1:
            return first
        return Q(**{f"{self.field}__{past}e": place}) & (first | Q(**{f"id__{past}": after[1]}))


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _moment(text: str) -> datetime:
    """A moment as `_text` writes it, which is in UTC: PostgreSQL does not take every offset that Python does."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError
    return moment


READERS: dict[str, Callable[[str], Any]] = {"created_at": _moment, "reported_at": _moment, "ordered_distance": float}
"""Of the fields that a cursor holds as another text than the database would read."""


class Pages(BasePagination):
    """`{"data": […], "next_cursor": …}`, at most `limit` rows."""

    default_limit = 50
    most = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self._asked = request.build_absolute_uri()
        ordering = getattr(view, "get_ordering", lambda: "-id")()
        listing: Listing = ByKeys(queryset, ordering) if isinstance(queryset, QuerySet) else queryset
        limit = self._limit(request)
        cursor = request.query_params.get("cursor")
        try:
            after = cursors.decode(cursor, length=listing.places) if cursor else None
            rows = list(listing.page(after=after, limit=limit + 1))
        except cursors.BadCursor:
            refusal = Absent if cursors.WELL_FORMED.fullmatch(cursor or "") else exceptions.ValidationError
            raise refusal({"cursor": "This is no cursor of this list."}) from None
        self.next_cursor = cursors.encode(listing.position(rows[limit - 1])) if len(rows) > limit else None
        return rows[:limit]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= self.most:
            raise exceptions.ValidationError({"limit": f"A whole number from 1 to {self.most}."})
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "next_cursor": self.next_cursor}, headers=self._links())

    def _links(self) -> dict[str, str]:
        """The next page (RFC 8288), for readers that have no place for a cursor."""
        if self.next_cursor is None:
            return {}
        return {"Link": f'<{replace_query_param(self._asked, "cursor", self.next_cursor)}>; rel="next"'}

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
                "schema": {"type": "string", "pattern": f"^({cursors.WELL_FORMED.pattern})?$", "maxLength": cursors.LONGEST},
                "description": "`next_cursor` of the page before; empty, as without it: the first page.",
            },
        ]
