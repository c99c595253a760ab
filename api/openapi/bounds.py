"""Every text, number and list of the document says how large it may be."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from api.filters import MAX_LENGTH
from api.strict_fields import CENTURY

Schema = dict[str, Any]

MOST = 2**53 - 1  # the largest integer that JavaScript tells from its neighbours
LONGEST_ANSWER = 4000
LONGEST_LIST = 100_000
LENGTHS = {"date": 10, "date-time": 40, "uuid": 36, "email": 320, "uri": 2000}
ID = "^[a-z]+_[0-9a-f]{32}$"
STORABLE = r"^[^\u0000]*$"
SAID = r"^[^\u0000]*[^\u0000\u001c-\u001f\u0085\s][^\u0000]*$"
"""A text that is not blank, whatever a language takes for blanks. Nothing holds NUL."""


def bound(result: Schema, **_unused: Any) -> Schema:
    """A hook of drf-spectacular's: what serializers leave open is closed here, in one way for all."""
    components: dict[str, Schema] = result["components"]["schemas"]
    for name, component in components.items():
        bound_all(component, longest=MAX_LENGTH if name.endswith("Request") else LONGEST_ANSWER)
    for _, operation in operations(result | {"paths": result.get("webhooks", {})}):
        for parameter in operation.get("parameters", []):
            bound_all(parameter["schema"], longest=MAX_LENGTH)
    for _, operation in operations(result):
        for parameter in operation.get("parameters", []):
            _bound_parameter(parameter)
        for answer in contents(operation):
            bound_all(answer, longest=LONGEST_ANSWER)
    return result


def _bound_parameter(parameter: Schema) -> None:
    schema = parameter["schema"]
    if parameter["in"] == "path" and parameter["name"].endswith("_id"):
        schema |= {"pattern": ID, "maxLength": 64}
    if schema.get("format") == "date-time":
        schema["pattern"] = CENTURY
    if parameter["in"] != "header":  # which the web server bounds, all together
        bound_all(schema, longest=MAX_LENGTH)


def contents(operation: Schema) -> Iterator[Schema]:
    """Yield the schema of each answer."""
    for answer in operation["responses"].values():
        yield from (content["schema"] for content in answer.get("content", {}).values())


def bound_all(schema: Schema, *, longest: int) -> None:
    """Close what a schema, and those inside it, leave open."""
    for each in schemas(schema):
        _bound(each, longest=longest)


def operations(result: Schema) -> Iterator[tuple[str, Schema]]:
    """Every operation with its path."""
    for path, methods in result["paths"].items():
        for operation in methods.values():
            yield path, operation


def schemas(schema: Schema) -> Iterator[Schema]:
    """A schema, and those inside it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
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
        schema.setdefault("minimum", -MOST)
        schema.setdefault("maximum", MOST)
        schema.setdefault("format", "int64")
    if "array" in types:
        schema.setdefault("maxItems", LONGEST_LIST)


def _bound_text(schema: Schema, longest: int) -> None:
    if schema.get("format") == "binary":
        schema.setdefault("maxLength", settings.REPORT_MAX_BYTES)
        return
    schema.setdefault("maxLength", LENGTHS.get(schema.get("format", ""), longest))
    if "format" not in schema and "pattern" not in schema:
        schema["pattern"] = SAID if schema.get("minLength") else STORABLE
