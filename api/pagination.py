"""Paginate lists by cursor."""

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

# Python's int also accepts signs, blanks, underscores and the digits of other scripts.
WHOLE_NUMBER = re.compile("[0-9]{1,9}")


class Listing(Protocol):
    """Describe a list that can be read from a position on.

    `position_length` is the number of texts in a position.
    """

    position_length: int

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[Any]: ...
    def position(self, row: Any) -> list[str]: ...


class QuerysetListing:
    """Read a queryset in the order of one field and the primary key."""

    # Keyset pagination: with OFFSET, rows added meanwhile would make pages skip or repeat rows.
    def __init__(self, queryset: QuerySet[Model], ordering: str) -> None:
        self.queryset = queryset
        self.descending = ordering.startswith("-")
        self.field = ordering.removeprefix("-")
        self.fields = [self.field] if self.field in {"id", "line"} else [self.field, "id"]
        self.position_length = len(self.fields)

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[Any]:
        """Return at most `limit` rows after the position. Raises BadCursor for a position of another list."""
        rows = self.queryset
        if after is not None:
            try:
                rows = rows.filter(self._after(after))
            except (ValidationError, ValueError):
                raise cursors.BadCursor from None
        sign = "-" if self.descending else ""
        return list(rows.order_by(*(sign + field for field in self.fields))[:limit])

    def position(self, row: Any) -> list[str]:
        """Return the position of a row."""
        return [_to_text(getattr(row, field)) for field in self.fields]

    def _after(self, position: list[str]) -> Q:
        comparison = "lt" if self.descending else "gt"
        value = READERS.get(self.field, str)(position[0])
        beyond = Q(**{f"{self.field}__{comparison}": value})
        if len(position) == 1:
            return beyond
        # The redundant first condition lets the planner enter an index on the fields at the position; with
        # the OR alone it would read the index from its beginning.
        return Q(**{f"{self.field}__{comparison}e": value}) & (
            beyond | Q(**{f"id__{comparison}": position[1]})
        )


def _to_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _to_moment(text: str) -> datetime:
    """Parse a moment that `_to_text` wrote.

    Raises ValueError for other offsets than UTC, which PostgreSQL may reject.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError
    return moment


# For fields whose text in a cursor the database would read differently.
READERS: dict[str, Callable[[str], Any]] = {
    "created_at": _to_moment,
    "reported_at": _to_moment,
    "ordered_distance": float,
    "severity": int,
}


class CursorPagination(BasePagination):
    """Return `{"data": […], "next_cursor": …}`, and the next page as a `Link` header (RFC 8288)."""

    default_limit = 50
    max_limit = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """Return the rows of the requested page.

        Raises ValidationError, and Absent for a cursor of another list.
        """
        self._url = request.build_absolute_uri()
        ordering = getattr(view, "get_ordering", lambda: "-id")()
        listing: Listing = QuerysetListing(queryset, ordering) if isinstance(queryset, QuerySet) else queryset
        limit = self._limit(request)
        cursor = request.query_params.get("cursor")
        try:
            after = cursors.decode(cursor, length=listing.position_length) if cursor else None
            # One row more than the page shows whether there is a next page.
            rows = list(listing.page(after=after, limit=limit + 1))
        except cursors.BadCursor:
            # 404 for a well-formed cursor, which may belong to another list; 400 for a
            # text that the document forbids.
            error = Absent if cursors.WELL_FORMED.fullmatch(cursor or "") else exceptions.ValidationError
            raise error({"cursor": "This is not a cursor of this list."}) from None
        self.next_cursor = cursors.encode(listing.position(rows[limit - 1])) if len(rows) > limit else None
        return rows[:limit]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= self.max_limit:
            raise exceptions.ValidationError({"limit": f"Must be a whole number from 1 to {self.max_limit}."})
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "next_cursor": self.next_cursor}, headers=self._link_header())

    def _link_header(self) -> dict[str, str]:
        # For formats without a place for a cursor, such as CSV.
        if self.next_cursor is None:
            return {}
        return {"Link": f'<{replace_query_param(self._url, "cursor", self.next_cursor)}>; rel="next"'}

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "example": None,
                    "description": "Pass this value as `cursor` to get the next page; null on the last page.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        pattern = f"^({cursors.WELL_FORMED.pattern})?$"
        return [
            {
                "name": "limit",
                "in": "query",
                "schema": limit,
                "description": "Maximum number of rows per page.",
            },
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string", "pattern": pattern, "maxLength": cursors.MAX_LENGTH},
                "description": (
                    "The `next_cursor` of the previous page. If it is empty or missing, the first "
                    "page is returned."
                ),
            },
        ]
