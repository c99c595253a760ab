"""Bound every text, number and list of the document."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from api.filters import MAX_LENGTH
from api.strict_fields import CENTURY

Schema = dict[str, Any]

# The largest integer that JavaScript can tell from its neighbours (Number.MAX_SAFE_INTEGER).
MAX_INTEGER = 2**53 - 1
MAX_RESPONSE_LENGTH = 4000
MAX_LIST_LENGTH = 100_000
LENGTHS = {"date": 10, "date-time": 40, "uuid": 36, "email": 320, "uri": 2000}
ID = "^[a-z]+_[0-9a-f]{32}$"
STORABLE = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\u0000\u001c-\u001f\u0085\s][^\u0000]*$"
"""A text that is not blank in any alphabet. No text contains NUL."""


def bound(result: Schema, **_unused: Any) -> Schema:
    """Bound what serializers leave unbounded (a hook of drf-spectacular)."""
    components: dict[str, Schema] = result["components"]["schemas"]
    for name, component in components.items():
        bound_all(component, longest=MAX_LENGTH if name.endswith("Request") else MAX_RESPONSE_LENGTH)
        # A PATCH of a field that it does not know would change nothing (accounts/requests/unchangeable.py).
        if name.startswith("Patched"):
            component["additionalProperties"] = False
    for _, operation in operations(result | {"paths": result.get("webhooks", {})}):
        for parameter in operation.get("parameters", []):
            bound_all(parameter["schema"], longest=MAX_LENGTH)
    for _, operation in operations(result):
        for parameter in operation.get("parameters", []):
            _bound_parameter(parameter)
        for answer in contents(operation):
            bound_all(answer, longest=MAX_RESPONSE_LENGTH)
    return result


def _bound_parameter(parameter: Schema) -> None:
    schema = parameter["schema"]
    if parameter["in"] == "path" and parameter["name"].endswith("_id"):
        schema |= {"pattern": ID, "maxLength": 64}
    if schema.get("format") == "date-time":
        schema["pattern"] = CENTURY
    # The web server bounds the headers of a request, all of them together.
    if parameter["in"] != "header":
        bound_all(schema, longest=MAX_LENGTH)


def contents(operation: Schema) -> Iterator[Schema]:
    """Yield the schema of each response."""
    for answer in operation["responses"].values():
        yield from (content["schema"] for content in answer.get("content", {}).values())


def bound_all(schema: Schema, *, longest: int) -> None:
    """Bound a schema and the schemas inside it."""
    for each in schemas(schema):
        _bound(each, longest=longest)


def operations(result: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every operation with its path."""
    for path, methods in result["paths"].items():
        for operation in methods.values():
            yield path, operation


def schemas(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and the schemas inside it."""
    yield schema
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", ()),
        *schema.get("oneOf", ()),
        *schema.get("allOf", ()),
    ]
    for name in ("items", "additionalProperties"):
        inner += [schema[name]] if isinstance(schema.get(name), dict) else []
    for each in inner:
        yield from schemas(each)


def _bound(schema: Schema, *, longest: int) -> None:
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if "string" in types and "enum" not in schema and "const" not in schema:
        _bound_text(schema, longest)
    if "integer" in types:
        schema.setdefault("minimum", -MAX_INTEGER)
        schema.setdefault("maximum", MAX_INTEGER)
        schema.setdefault("format", "int64")
    if "array" in types:
        schema.setdefault("maxItems", MAX_LIST_LENGTH)


def _bound_text(schema: Schema, longest: int) -> None:
    if schema.get("format") == "binary":
        schema.setdefault("maxLength", settings.REPORT_MAX_BYTES)
        return
    schema.setdefault("maxLength", LENGTHS.get(schema.get("format", ""), longest))
    if "format" not in schema and "pattern" not in schema:
        schema["pattern"] = NOT_BLANK if schema.get("minLength") else STORABLE
