"""Share enumerations: responses, bodies, queries and events use the same component for the same values."""

from typing import Any

from django.conf import settings

from api.openapi.bounds import Schema, operations, schemas

PREFIX = "#/components/schemas/"
NULL = "Null"


def share(result: Schema, **_: Any) -> Schema:
    """Replace inline enumerations by references to the component with the same values (a hook of
    drf-spectacular's)."""

    components: dict[str, Schema] = result["components"]["schemas"]
    names = _names(components)
    aliases = {name: names[_values(schema)] for name, schema in components.items() if _is_enumeration(schema)}
    for name, component in components.items():
        if name not in aliases:
            _share_within(component, names, aliases)
    for _path, operation in operations(result):
        for parameter in operation.get("parameters", []):
            _share_within(parameter["schema"], names, aliases)
    unaliased = {
        name: schema
        for name, schema in components.items()
        if name != NULL and aliases.get(name, name) == name
    }
    for name in set(names.values()):
        unaliased[name]["description"] = settings.API_ENUMERATIONS[name]
    return result | {"components": result["components"] | {"schemas": dict(sorted(unaliased.items()))}}


def _names(components: dict[str, Schema]) -> dict[frozenset[str], str]:
    """Return the component of each set of values: the one with the shortest name."""
    names: dict[frozenset[str], str] = {}
    # The shortest name comes last and replaces the longer ones.
    for name in sorted(components, key=lambda each: (-len(each), each)):
        if _is_enumeration(components[name]):
            names[_values(components[name])] = name
    return names


def _is_enumeration(schema: Schema) -> bool:
    return "enum" in schema


def _values(schema: Schema) -> frozenset[str]:
    return frozenset(each for each in schema["enum"] if each is not None)


def _share_within(schema: Schema, names: dict[frozenset[str], str], aliases: dict[str, str]) -> None:
    for each in list(schemas(schema)):
        if each.get("$ref") == PREFIX + NULL:
            del each["$ref"]
            each["type"] = "null"
        elif "$ref" in each:
            name = each["$ref"].removeprefix(PREFIX)
            each["$ref"] = PREFIX + aliases.get(name, name)
        elif "enum" in each and (shared := names.get(_values(each))):
            _refer(each, shared)


def _refer(schema: Schema, name: str) -> None:
    """Turn the inline enumeration into a reference, in place, with its description and default beside it."""
    is_nullable = None in schema["enum"] or "null" in schema.get("type", ())
    reference: Schema = {"$ref": PREFIX + name}
    siblings = {key: value for key, value in schema.items() if key not in {"type", "enum", "x-spec-enum-id"}}
    schema.clear()
    if is_nullable:
        schema |= {"oneOf": [reference, {"type": "null"}], **siblings}
    elif siblings:
        schema |= {"allOf": [reference], **siblings}
    else:
        schema |= reference
