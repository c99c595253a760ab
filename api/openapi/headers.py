"""What every answer tells beside its body: the headers of the document, said once and pointed at from every answer."""

import json
from collections import Counter, defaultdict
from typing import Any

from api.openapi.bounds import MOST, Schema, operations

TEXT: Schema = {"type": "string", "maxLength": 8190}
SECONDS: Schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": MOST}
HEADERS: dict[str, tuple[str, Schema]] = {
    "X-Request-Id": ("What the request is called in our records: the caller's own `X-Request-Id`, or a new one.", TEXT),
    "Access-Control-Allow-Origin": ("The origin that asked, where the agency allows it.", TEXT),
    "RateLimit": ('What is left, and in how many seconds it is whole again: `"bearer";r=5999;t=12`.', TEXT),
    "RateLimit-Policy": ('How many requests are taken in how many seconds: `"bearer";q=6000;w=60`.', TEXT),
    "Retry-After": ("In how many seconds it may be asked again.", SECONDS),
    "ETag": ("What the answer is called: sent as `If-None-Match`, it is answered 304 while nothing changed.", TEXT),
    "Location": ("Where what was made is read.", TEXT),
    "Link": ('The next page, with `rel="next"`, where there is one.', TEXT),
    "Idempotency-Replayed": ("`true`: this is the answer of before, and nothing was done again.", TEXT),
}
ON_ALL, ON_LIMITED = ("X-Request-Id", "Access-Control-Allow-Origin"), ("RateLimit", "RateLimit-Policy")


def head(result: Schema, **_: Any) -> Schema:
    """A hook of drf-spectacular's. None is promised: a proxy on the way may leave some out."""
    components: Schema = result["components"]
    components["headers"] = {name: {"description": told, "schema": schema} for name, (told, schema) in HEADERS.items()}
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            is_limited = path.startswith("/v1/")
            for status, answer in operation["responses"].items():
                names = [*ON_ALL, *(ON_LIMITED if is_limited else ()), *_of(method, status)]
                answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return result


def share(result: Schema, **_: Any) -> Schema:
    """A hook of drf-spectacular's: a header of requests is said once, and so is each problem."""
    parameters = result["components"].setdefault("parameters", {})
    shared = result["components"]["responses"] = _usual(result)
    for path, operation in operations(result):
        for status, answer in operation["responses"].items():
            if path.startswith("/v1/") and shared.get(_called(status)) == answer:
                operation["responses"][status] = {"$ref": f"#/components/responses/{_called(status)}"}
        told = operation.get("parameters", [])
        for place, parameter in enumerate(told):
            if parameter.get("in") == "header":
                name = parameter["name"].replace("-", "")
                parameters[name] = parameter
                told[place] = {"$ref": f"#/components/parameters/{name}"}
    return result


def _called(status: str) -> str:
    return f"Problem{status}" if status >= "400" else f"Answer{status}"


def _usual(result: Schema) -> Schema:
    """Of each status from 300 on, the answer that most operations give."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path, operation in operations(result):
        for status, answer in operation["responses"].items():
            if status >= "300" and path.startswith("/v1/"):
                found[_called(status)][json.dumps(answer, default=str)] += 1
    return {name: json.loads(answers.most_common(1)[0][0]) for name, answers in sorted(found.items())}


def _of(method: str, status: str) -> tuple[str, ...]:
    """The headers of some answers alone."""
    if status in {"409", "429", "503"}:
        return ("Retry-After",)
    if method == "get":
        return {"200": ("ETag", "Link"), "304": ("ETag",)}.get(status, ())
    replayed = ("Idempotency-Replayed",) if status < "300" else ()
    return (*replayed, "Location") if status in {"201", "202"} else replayed


def _unused(result: Schema) -> list[str]:
    told = json.dumps(result, default=str)
    return [name for name in result["components"]["schemas"] if f'#/components/schemas/{name}"' not in told]


def complete(result: Schema, **_: Any) -> Schema:
    """A hook of drf-spectacular's: tags are listed, what is silent says its summary, and what nothing points to goes."""
    told = [operation for _path, operation in operations(result)]
    for operation in told:
        operation.setdefault("description", f"{operation.get('summary', operation['operationId'])}.")
    tags = sorted({tag for operation in told for tag in operation["tags"]})
    schemas = result["components"]["schemas"]
    while unused := _unused(result):
        for name in unused:
            del schemas[name]
    return result | {"tags": [{"name": tag} for tag in tags]}
