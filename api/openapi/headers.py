"""Describe response headers once, and refer to them from every response; share parameters and common
responses."""

import json
from collections import Counter, defaultdict
from typing import Any

from api.openapi.bounds import MAX_INTEGER, Schema, operations

TEXT: Schema = {"type": "string", "maxLength": 8190}
SECONDS: Schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_INTEGER}
HEADERS: dict[str, tuple[str, Schema]] = {
    "X-Request-Id": (
        "The request's ID: the `X-Request-Id` that you sent, or a new one. Quote it when you report a "
        "problem.",
        TEXT,
    ),
    "Access-Control-Allow-Origin": ("The `Origin` of the request, if the agency allows it.", TEXT),
    "RateLimit": (
        'The remaining requests and the seconds until the quota is full again: `"bearer";r=5999;t=12`.',
        TEXT,
    ),
    "RateLimit-Policy": ('The allowed requests and the window in seconds: `"bearer";q=6000;w=60`.', TEXT),
    "Retry-After": ("The seconds to wait before you send the request again.", SECONDS),
    "ETag": ("Identifies the content of the response. Send it as `If-None-Match` or `If-Match`.", TEXT),
    "Location": ("The path of the new resource.", TEXT),
    "Link": ('The next page, with `rel="next"`, if there is one.', TEXT),
    "Idempotency-Replayed": ("`true` if this is a stored response: the write was not performed again.", TEXT),
}
UNDESCRIBED = {
    "200": "The request succeeded.",
    "201": "The resource was created.",
    "202": "The request was accepted. A worker completes it.",
    "503": "A dependency is unavailable.",
}
ON_ALL, ON_LIMITED = ("X-Request-Id", "Access-Control-Allow-Origin"), ("RateLimit", "RateLimit-Policy")


def head(result: Schema, **_: Any) -> Schema:
    """Add the headers to every response (a hook of drf-spectacular).

    They are not required, because a proxy may remove them.
    """

    components: Schema = result["components"]
    components["headers"] = {
        name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()
    }
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            is_limited = path.startswith("/v1/")
            for status, answer in operation["responses"].items():
                names = [*ON_ALL, *(ON_LIMITED if is_limited else ()), *_specific(method, status)]
                answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return result


def share(result: Schema, **_: Any) -> Schema:
    """Share request headers and the most common response of each status (a hook of drf-spectacular)."""
    parameters = result["components"].setdefault("parameters", {})
    shared = result["components"]["responses"] = _most_common(result)
    for path, operation in operations(result):
        for status, answer in operation["responses"].items():
            if path.startswith("/v1/") and shared.get(_response_name(status)) == answer:
                operation["responses"][status] = {"$ref": f"#/components/responses/{_response_name(status)}"}
        listed = operation.get("parameters", [])
        for place, parameter in enumerate(listed):
            if parameter.get("in") == "header":
                name = parameter["name"].replace("-", "")
                parameters[name] = parameter
                listed[place] = {"$ref": f"#/components/parameters/{name}"}
    return result


def _response_name(status: str) -> str:
    return f"Problem{status}" if status >= "400" else f"Answer{status}"


def _most_common(result: Schema) -> Schema:
    """Return the response that most operations have, for each status from 300."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path, operation in operations(result):
        for status, answer in operation["responses"].items():
            if status >= "300" and path.startswith("/v1/"):
                counts[_response_name(status)][json.dumps(answer, default=str)] += 1
    return {name: json.loads(answers.most_common(1)[0][0]) for name, answers in sorted(counts.items())}


def _specific(method: str, status: str) -> tuple[str, ...]:
    """Return the headers that only some responses have."""
    if status in {"409", "429", "503"}:
        return ("Retry-After",)
    if method == "get":
        return {"200": ("ETag", "Link"), "304": ("ETag",)}.get(status, ())
    replayed = ("Idempotency-Replayed",) if status < "300" else ()
    return (*replayed, "Location") if status in {"201", "202"} else replayed


def _unused(result: Schema) -> list[str]:
    text = json.dumps(result, default=str)
    return [name for name in result["components"]["schemas"] if f'#/components/schemas/{name}"' not in text]


def complete(result: Schema, **_: Any) -> Schema:
    """Complete the document (a hook of drf-spectacular).

    1. Describe the operations and the responses that have no description.
    2. Drop unused schemas.
    3. List the tags.
    """

    described = [operation for _path, operation in operations(result)]
    for operation in described:
        operation.setdefault("description", f"{operation.get('summary', operation['operationId'])}.")
        for status, answer in operation["responses"].items():
            if answer.get("description") == "" and status in UNDESCRIBED:
                answer["description"] = UNDESCRIBED[status]
    tags = sorted({tag for operation in described for tag in operation["tags"]})
    schemas = result["components"]["schemas"]
    # Dropping a schema may leave others unused.
    while unused := _unused(result):
        for name in unused:
            del schemas[name]
    return result | {"tags": [{"name": tag} for tag in tags]}
