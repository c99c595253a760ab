"""Build JSON Schemas for the data of events. Pure."""

from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
DATE: Schema = {"type": "string", "format": "date"}
DATE_TIME: Schema = {"type": "string", "format": "date-time"}


def enum(*values: str, description: str = "") -> Schema:
    """Return the schema of a string with these values."""
    return described({"type": "string", "enum": list(values)}, description)


def described(schema: Schema, description: str) -> Schema:
    """Return the schema with a description, if there is one."""
    return schema | {"description": description} if description else schema


def nullable(schema: Schema) -> Schema:
    """Return the schema that also allows null."""
    return schema | {"type": [schema["type"], "null"]}


def json_object(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object. Properties may be added in future, so a receiver must ignore unknown
    ones."""

    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def public_id(prefix: str, description: str = "") -> Schema:
    """Return the schema of a public ID such as `brch_…`."""
    return described({"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{32}}$"}, description)
