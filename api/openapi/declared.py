"""Read what an operation declares in the OpenAPI document: its query parameters and the fields of its body.

The document is the only list of them, so what it does not declare is refused everywhere in the same way.
"""

import re
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from api import choices

# Every read can be asked for in one of its formats (api/negotiation.py). The document describes JSON alone.
FORMAT = "format"
REFERENCE = "#/components/schemas/"
# drf-spectacular keeps the schema of a view in a dictionary that all views share.
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Declared:
    """Hold the names that an operation declares, in the order of the document."""

    query_parameters: tuple[str, ...]
    body_fields: tuple[str, ...]


def check_query(request: Request) -> None:
    """Raise ValidationError for query parameters that the operation does not declare."""
    if not request.query_params:
        return
    accepted = operation_of(request).query_parameters
    if request.method in SAFE_METHODS:
        accepted += (FORMAT,)
    errors = {
        name: choices.unknown(name, what="a parameter of this endpoint", accepted=accepted)
        for name in request.query_params
        if name not in accepted
    }
    if errors:
        raise ValidationError(errors)


def operation_of(request: Request) -> Declared:
    """Return what the operation of a request declares."""
    match: Any = request.resolver_match
    method = "GET" if request.method == "HEAD" else str(request.method)
    return _operation(match.func, match.route, method)


# Each operation is read once in a process, which takes a few milliseconds.
@cache
def _operation(callback: Any, route: str, method: str) -> Declared:
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
    registry = ComponentRegistry()
    with _lock:
        generator = SchemaGenerator(patterns=[])  # type: ignore[no-untyped-call]
        view = generator.create_view(callback, method)  # type: ignore[no-untyped-call]
        # Views read the request for their rows only, and there are none here.
        view.request = None
        operation = view.schema.get_operation(path, route, "^/v1", method, registry) or {}
        schemas = registry.build({})["schemas"]
    parameters = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    return Declared(tuple(parameters), tuple(_body_fields(operation, schemas)))


def _body_fields(operation: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    names: dict[str, None] = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = schemas[schema["$ref"].removeprefix(REFERENCE)]
        names |= dict.fromkeys(schema.get("properties", {}))
    return list(names)
