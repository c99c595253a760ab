"""How the OpenAPI document is made from the views: every operation tells the problems it can answer with."""

from typing import Any, Literal

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

from accounts.models import Role
from accounts.requests import conditional_writes
from accounts.tenancy import permissions
from accounts.tenancy.principals import AGENCY_HEADER
from api import problems
from api.problems import PROBLEM
from api.strict_fields import Absent, Contradiction

Told = tuple[type[APIException], str]
USUAL: dict[int, Told] = {
    400: (ValidationError, "/as_of: Date has wrong format."),
    401: (AuthenticationFailed, "The API key or token is unknown, expired or revoked."),
    403: (permissions.NotPermitted, "This operation requires the role admin. Your role is viewer."),
    404: (NotFound, "No account has this ID."),
    406: (NotAcceptable, "Could not satisfy the request Accept header."),
    409: (conditional_writes.InFlight, ""),
    412: (conditional_writes.PreconditionFailed, ""),
    413: (problems.BodyTooLarge, ""),
    415: (UnsupportedMediaType, "Send application/json."),
    422: (conditional_writes.KeyReused, ""),
    429: (Throttled, "Request was throttled. Expected available in 1 second."),
    500: (problems.Internal, ""),
    503: (problems.Unavailable, ""),
}
"""The problem that is shown of each status, with its words where they are put together."""
AT_FIELDS: dict[type[APIException], str] = {
    Contradiction: "/to: It is before `from`.",
    Absent: "/accounts/0: No account has this ID.",
}

ALWAYS = (400, 401, 403, 406, 429, 500, 503)
"""What every operation that asks for a key can answer."""


class FieldProblem(serializers.Serializer[Any]):
    pointer = serializers.CharField(allow_blank=True, help_text="JSON pointer (RFC 6901) to the field.")
    detail = serializers.CharField()


class Choice(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem (RFC 9457). `type` is stable; `detail` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(allow_null=True, required=False)
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]  # a field of the RFC
    choices = Choice(many=True, required=False, help_text="Of `choose-agency`: the agencies of the person who asks.")


def example(told: Told) -> OpenApiExample:
    """The problem that an answer with this error holds."""
    error, words = told
    body = problems.problem_with(error, detail=words or AT_FIELDS.get(error) or str(error.default_detail))
    if issubclass(error, ValidationError):
        pointer, _, detail = body["detail"].partition(": ")
        body["errors"] = [{"pointer": pointer, "detail": detail}]
    return OpenApiExample(body["title"], value=body | {"request_id": "req_019abc4e5f607a8b9c0d1e2f3a4b5c6d"})


def refusal(status: int) -> dict[tuple[int, str], OpenApiResponse]:
    """How an operation that is open to strangers describes the problem of this status."""
    shown = example(USUAL[status])
    return {(status, PROBLEM): OpenApiResponse(Problem, description=shown.name, examples=[shown])}


UNCHANGED = OpenApiParameter(
    "If-None-Match",
    location=OpenApiParameter.HEADER,
    description="The `ETag` of a known answer; 304 where it still holds.",
)
CHOSEN = OpenApiParameter(
    AGENCY_HEADER,
    location=OpenApiParameter.HEADER,
    description="The agency that a person acts for (agcy_…); a key or token has one.",
)


class Operation(AutoSchema):
    """Adds to each operation the problems of its shape, and those that its view names in `problems`."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self.method == "GET" and "200" in bodies and self.view.permission_classes:
            bodies["304"] = {"description": "Nothing changed since the answer whose `ETag` is in `If-None-Match`."}
        usual = {*ALWAYS, *self._by_shape()} if self.view.permission_classes else set()
        told = [USUAL[each] if isinstance(each, int) else (each, "") for each in (*sorted(usual), *self._named())]
        for status in sorted({error.status_code for error, _ in told}):
            bodies[str(status)] = self._problem([each for each in told if each[0].status_code == status])
        return bodies

    def get_override_parameters(self) -> list[Any]:
        """Headers that views share. `Idempotency-Key` and `If-Match` are told in words: a made-up one is refused, and no schema
        says why."""
        asked = self.view.permission_classes
        known = [UNCHANGED] if self.method == "GET" and asked else []
        chosen = [CHOSEN] if permissions.HasPermission in asked else []
        return [*super().get_override_parameters(), *known, *chosen]

    def map_renderers(self, attribute: str) -> list[Any]:
        """Only what is read is also read as a sheet."""
        found: list[Any] = super().map_renderers(attribute)
        return found if self.method == "GET" else found[:1]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """With the role that it wants, after what the view says."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None or permissions.HasPermission not in self.view.permission_classes:
            return operation
        described = "\n\n".join(filter(None, [operation.get("description", ""), self._right()]))
        return {"operationId": operation["operationId"], "description": described} | operation | {"description": described}

    def _right(self) -> str:
        role = permissions.required_role(self.view, self.method)
        whole = permissions.concerns_all_accounts(self.view, self.method) and role != Role.ADMIN
        return f"Role: {role}{', with no limit to some accounts' if whole else ''}."

    def _get_request_body(self, direction: Literal["request", "response"] = "request") -> dict[str, Any] | None:
        """Also of a DELETE that wants a word of confirmation, which drf-spectacular passes over."""
        if not self._confirms_deletion():
            return super()._get_request_body(direction)  # type: ignore[no-any-return, no-untyped-call]
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-any-return, no-untyped-call]
        finally:
            self.method = "DELETE"

    def _by_shape(self) -> list[int]:
        writes = [] if self.method == "GET" else [404, 409, 412, 413, 415, 422]
        names = [404] if "{" in self.path or self._is_list_view() else []
        return names + writes

    def _confirms_deletion(self) -> bool:
        return self.method == "DELETE" and getattr(self.view, "confirms_deletion", False)

    def _named(self) -> tuple[int | type[APIException], ...]:
        return getattr(self.view, "problems", {}).get(self.method.lower(), ())  # type: ignore[no-any-return]

    def _problem(self, told: list[Told]) -> dict[str, Any]:
        shown = {each.value["type"].rpartition("/")[2]: each for each in map(example, told)}
        component = self.resolve_serializer(Problem(), "response")
        examples = {slug: {"summary": each.name, "value": each.value} for slug, each in shown.items()}
        description = "; ".join(dict.fromkeys(each.name for each in shown.values()))
        return {"description": description, "content": {PROBLEM: {"schema": component.ref, "examples": examples}}}
