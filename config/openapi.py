"""How the OpenAPI document is made from the views: every operation tells the problems it can answer with."""

from copy import deepcopy
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from accounts import permissions
from accounts.models import Role
from accounts.resources import Resource
from config.api import PROBLEM
from webhooks import document

EXAMPLES: dict[int, tuple[str, str, str]] = {
    400: ("invalid-request", "The request is not valid", "/as_of: Date has wrong format."),
    401: ("authentication-failed", "The key opens nothing", "This key is unknown, expired or was revoked."),
    403: ("not-permitted", "Not permitted", "This wants the role admin, and the bearer is a viewer."),
    404: ("not-found", "Nothing is here", "No account with this id."),
    406: ("not-acceptable", "Not acceptable", "Could not satisfy the request Accept header."),
    409: (
        "account-exists",
        "Account exists",
        "The agency already looks after an account with this selling_partner_id.",
    ),
    410: ("document-deleted", "Document deleted", "The days that the agency keeps documents are over."),
    411: ("length-required", "Length required", "Send the body with a Content-Length."),
    412: ("precondition-failed", "Precondition failed", "It is not what If-Match names any more. Read it again."),
    413: ("document-too-large", "Document too large", "The document is larger than this server takes."),
    429: ("throttled", "Throttled", "Request was throttled. Expected available in 1 second."),
    415: ("unsupported-media-type", "Unsupported media type", "Send application/json."),
    422: ("idempotency-key-reused", "Idempotency key reused", "This Idempotency-Key came with another request before."),
    500: ("internal", "We made a mistake", "The fault is ours and nothing was changed. Tell us the request id."),
}


ALWAYS = (400, 401, 403, 406, 429, 500)
"""What every operation that asks for a key can answer."""


class FieldProblem(serializers.Serializer[Any]):
    pointer = serializers.CharField(allow_blank=True, help_text="JSON pointer (RFC 6901) to the field.")
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem (RFC 9457). `type` is stable; `detail` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(allow_null=True, required=False)
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]  # a field of the RFC


def example(status: int) -> OpenApiExample:
    slug, title, detail = EXAMPLES[status]
    body: dict[str, Any] = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    if status == 400:
        body["errors"] = [{"pointer": "/as_of", "detail": "Date has wrong format."}]
    return OpenApiExample(title, value=body | {"request_id": "req_019abc4e5f607a8b9c0d1e2f3a4b5c6d"})


def refusal(status: int) -> dict[tuple[int, str], OpenApiResponse]:
    """How an operation that is open to strangers describes the problem of this status."""
    shown = example(status)
    return {(status, PROBLEM): OpenApiResponse(Problem, description=shown.name, examples=[shown])}


class Operation(AutoSchema):
    """Adds to each operation the problems of its shape, and those that its view names in `problems`."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        closed = {*ALWAYS, *self._by_shape()} if self.view.permission_classes else set()
        for status in sorted({*closed, *self._named()}):
            bodies[str(status)] = self._problem(status)
        return bodies

    def map_renderers(self, attribute: str) -> list[Any]:
        """Only what is read is also read as a sheet."""
        found: list[Any] = super().map_renderers(attribute)
        return found if self.method == "GET" else found[:1]

    def is_deprecated(self) -> bool:
        ours = isinstance(self.view, Resource) and self.view.deprecation_of(self.method)
        return bool(ours or super().is_deprecated())

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """With the role that it wants, after what the view says."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None or not self.view.permission_classes:
            return operation
        described = "\n\n".join(filter(None, [operation.get("description", ""), self._right()]))
        return {"operationId": operation["operationId"], "description": described} | operation | {"description": described}

    def _right(self) -> str:
        role = permissions.wanted(self.view, self.method)
        whole = permissions.concerns_all(self.view, self.method) and role != Role.ADMIN
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

    def _named(self) -> tuple[int, ...]:
        return getattr(self.view, "problems", {}).get(self.method.lower(), ())  # type: ignore[no-any-return]

    def _problem(self, status: int) -> dict[str, Any]:
        shown = example(status)
        component = self.resolve_serializer(Problem(), "response")
        return {
            "description": shown.name,
            "content": {PROBLEM: {"schema": component.ref, "examples": {"problem": {"value": shown.value}}}},
        }


def tell_webhooks(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's, whose own webhooks have no headers and no examples: what the agency's systems receive."""
    schemas = result["components"]["schemas"] | deepcopy(document.components())
    return result | {"webhooks": document.webhooks(), "components": result["components"] | {"schemas": schemas}}
