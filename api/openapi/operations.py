"""Describe an operation from its view: its problems, its headers and the fields of its rows."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAcceptable,
    NotFound,
    Throttled,
    UnsupportedMediaType,
    ValidationError,
)

from api import field_selection, problems
from api.csv import CsvRenderer
from api.problems import PROBLEM
from api.strict_fields import Absent, Contradiction

Described = tuple[type[APIException], str]
USUAL: dict[int, Described] = {
    400: (ValidationError, "/as_of: Date has wrong format."),
    401: (AuthenticationFailed, "The API key or token is unknown, expired or revoked."),
    404: (NotFound, "No account has this ID."),
    406: (NotAcceptable, "Could not satisfy the request Accept header."),
    413: (problems.BodyTooLarge, ""),
    415: (UnsupportedMediaType, "Send application/json."),
    429: (Throttled, "Request was throttled. Expected available in 1 second."),
    500: (problems.Internal, ""),
    503: (problems.Unavailable, ""),
}
"""By status: the error shown as its example, with its detail where the error itself has none."""
DETAILS: dict[type[APIException], str] = {
    Contradiction: "/to: It is before `from`.",
    Absent: "/accounts/0: No account has this ID.",
}
REQUEST_ID = "req_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    location=OpenApiParameter.HEADER,
    description="The `ETag` of an earlier response. If the content has not changed since, the response "
    "is 304.",
)


class FieldProblem(serializers.Serializer[Any]):
    """An error in one field of the request."""

    pointer = serializers.CharField(allow_blank=True, help_text="JSON pointer (RFC 6901) to the field.")
    detail = serializers.CharField(help_text="A description of the error.")


class Choice(serializers.Serializer[Any]):
    """An agency that the person can act for."""

    id = serializers.CharField(help_text="The agency's ID.")
    name = serializers.CharField(help_text="The agency's name.")


class Problem(serializers.Serializer[Any]):
    """A problem (RFC 9457). `type` is stable; `detail` is for people."""

    type = serializers.CharField(
        help_text="The stable type of the problem: the path of the page that describes it."
    )
    title = serializers.CharField(help_text="A short summary, the same for every problem of this type.")
    status = serializers.IntegerField(help_text="The HTTP status code.")
    detail = serializers.CharField(help_text="What went wrong in this request.")
    request_id = serializers.CharField(
        allow_null=True, required=False, help_text="The request's ID, as in `X-Request-Id`."
    )
    # `errors` and `choices` are members of the problem, and DRF has an attribute of the first name.
    errors = FieldProblem(many=True, required=False, help_text=("One entry per invalid field."))  # type: ignore[assignment]
    choices = Choice(
        many=True,
        required=False,
        help_text="The agencies that the signed-in person can choose from. "
        "Only problems of the type `choose-agency` have this "
        "member.",
    )


def example(described: Described) -> OpenApiExample:
    """Return the problem of an error, as an example of the document."""
    error, words = described
    body = problems.problem_with(error, detail=words or DETAILS.get(error) or str(error.default_detail))
    if issubclass(error, ValidationError):
        pointer, _, detail = body["detail"].partition(": ")
        body["errors"] = [{"pointer": pointer, "detail": detail}]
    return OpenApiExample(body["title"], value=body | {"request_id": REQUEST_ID})


def public_problem(status: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the response of an operation without authentication that can fail with this status."""
    shown = example(USUAL[status])
    return {(status, PROBLEM): OpenApiResponse(Problem, description=shown.name, examples=[shown])}


def fields_parameter(names: Iterable[str]) -> OpenApiParameter:
    """Return the `fields` parameter of rows that have these fields."""
    known = list(names)
    return OpenApiParameter(
        "fields",
        {"type": "array", "items": {"type": "string", "enum": known}, "maxItems": len(known)},
        description=field_selection.DESCRIPTION,
        style="form",
        explode=False,
    )


class Operation(AutoSchema):
    """Add to each operation the problems of its shape and those that its view lists in `problems`.

    The responses of JSON operations are JSON alone: as a second content type, CSV would turn every list of a
    generated client into `string | {…}`. The description says where CSV is available.
    """

    usual: ClassVar[dict[int, Described]] = USUAL
    on_all: ClassVar[tuple[int, ...]] = (400, 401, 406, 429, 500, 503)
    on_writes: ClassVar[tuple[int, ...]] = (404, 413, 415)

    def is_authenticated(self) -> bool:
        """Return whether the view requires a key, a token or a session."""
        return bool(self.view.permission_classes)

    def get_override_parameters(self) -> list[Any]:
        """Add `If-None-Match` to reads, and `fields` to reads of rows."""
        added = [IF_NONE_MATCH] if self.method == "GET" and self.is_authenticated() else []
        rows = getattr(self.view, "selectable_fields", None)
        names = rows() if self.method == "GET" and rows else ()
        return [*super().get_override_parameters(), *added, *([fields_parameter(names)] if names else [])]

    def get_paginated_name(self, serializer_name: str) -> str:
        """Name the schema of a list after its rows, such as `AccountList`."""
        return f"{serializer_name}List"

    def map_renderers(self, attribute: str) -> list[Any]:
        """Leave out the CSV renderer."""
        renderers: list[Any] = super().map_renderers(attribute)
        return renderers[:1]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular changes the signature
        """Return the description of the view, followed by the availability as CSV."""
        described: str = super().get_description() or ""
        sheets = [each for each in self.view.get_renderers() if isinstance(each, CsvRenderer)]
        if self.method != "GET" or not sheets:
            return described
        csv = "Also available as CSV: send `Accept: text/csv` or `?format=csv`."
        return "\n\n".join(filter(None, [described, csv]))

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self.method == "GET" and "200" in bodies and self.is_authenticated():
            bodies["304"] = {
                "description": "The content has not changed since the response whose `ETag` is in "
                "`If-None-Match`."
            }
        statuses = {*self.on_all, *self._by_shape()} if self.is_authenticated() else set()
        described = [
            self.usual[each] if isinstance(each, int) else (each, "")
            for each in (*sorted(statuses), *self._listed())
        ]
        for status in sorted({error.status_code for error, _ in described}):
            bodies[str(status)] = self._problem([each for each in described if each[0].status_code == status])
        return bodies

    def _get_request_body(
        self, direction: Literal["request", "response"] = "request"
    ) -> dict[str, Any] | None:
        """Also describe the body of a DELETE that requires a confirmation, which drf-spectacular leaves out."""
        if not self._confirms_deletion():
            return super()._get_request_body(direction)  # type: ignore[no-any-return, no-untyped-call]
        # drf-spectacular describes no body for a DELETE and has no option for it.
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-any-return, no-untyped-call]
        finally:
            self.method = "DELETE"

    def _by_shape(self) -> list[int]:
        names = [404] if "{" in self.path or self._is_list_view() else []
        return [*names, *(self.on_writes if self.method != "GET" else ())]

    def _confirms_deletion(self) -> bool:
        return self.method == "DELETE" and getattr(self.view, "confirms_deletion", False)

    def _listed(self) -> tuple[int | type[APIException], ...]:
        return getattr(self.view, "problems", {}).get(self.method.lower(), ())  # type: ignore[no-any-return]

    def _problem(self, described: list[Described]) -> dict[str, Any]:
        shown = {each.value["type"].rpartition("/")[2]: each for each in map(example, described)}
        component = self.resolve_serializer(Problem(), "response")
        examples = {slug: {"summary": each.name, "value": each.value} for slug, each in shown.items()}
        description = "; ".join(dict.fromkeys(each.name for each in shown.values()))
        return {
            "description": description,
            "content": {PROBLEM: {"schema": component.ref, "examples": examples}},
        }
