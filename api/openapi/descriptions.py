"""Describe the fields and parameters without a description in their serializers and views, with one text for
each name."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from api.openapi.bounds import Schema, contents, operations, schemas


def describe(result: Schema, **_: Any) -> Schema:
    """Add descriptions, examples and lengths by name (a hook of drf-spectacular's)."""
    components: dict[str, Schema] = result["components"]["schemas"]
    inline = [schema for _path, operation in operations(result) for schema in contents(operation)]
    for schema in (*components.values(), *inline):
        for name, field in _fields(schema):
            _describe(name, field, components)
    for _path, operation in operations(result):
        for parameter in operation.get("parameters", []):
            if not parameter.get("description") and parameter["name"] in settings.API_PARAMETERS:
                parameter["description"] = settings.API_PARAMETERS[parameter["name"]]
    return result


def _fields(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for each in list(schemas(schema)):
        yield from each.get("properties", {}).items()


def _describe(name: str, field: Schema, components: dict[str, Schema]) -> None:
    text = settings.API_FIELDS.get(name)
    if "$ref" in field:
        # The component says what it is; a field that refers to it need not repeat that.
        if text and not components[field["$ref"].rpartition("/")[2]].get("description"):
            reference = field.pop("$ref")
            field |= {"allOf": [{"$ref": reference}], "description": text}
        return
    if text and not field.get("description"):
        field["description"] = text
    if name in settings.API_FIELD_EXAMPLES and "string" in field.get("type", ()) and "examples" not in field:
        field["examples"] = [settings.API_FIELD_EXAMPLES[name]]
    if (
        name in settings.API_FIELD_LENGTHS
        and "string" in field.get("type", ())
        and not {"enum", "const", "format"} & set(field)
    ):
        field.setdefault("maxLength", settings.API_FIELD_LENGTHS[name])
