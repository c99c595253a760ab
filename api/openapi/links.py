"""Link responses that create a resource to the operations on it, by the IDs in their examples."""

import re
from collections.abc import Iterator

from api.openapi.bounds import Schema, operations

ID = re.compile("([a-z]+)_[0-9a-f]{32}")
NAME = re.compile(r"{(\w+_id)}")
Takers = dict[str, list[tuple[str, str]]]


def link(result: Schema, **_: object) -> Schema:
    """Link the ID of each created resource to every operation with that ID alone in its path (a hook of
    drf-spectacular).

    Lists have no links, because they may be empty and a link must always work.
    """

    takers = _takers(result)
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            if method == "post" or (method == "put" and not path.endswith("}")):
                _link(operation, takers)
    return result


def _link(operation: Schema, takers: Takers) -> None:
    for answer in _successes(operation):
        wanted = takers.get(_prefix(answer), [])
        links = {
            each: {"operationId": each, "parameters": {name: "$response.body#/id"}} for each, name in wanted
        }
        if links:
            answer["links"] = links


def _takers(result: Schema) -> Takers:
    """Return the operations with one ID in their path and the name of its parameter, by the prefix of
    the ID."""
    kinds: dict[str, str] = {}
    for path, operation in operations(result):
        if path.endswith("}") and (names := NAME.findall(path)):
            kinds |= dict.fromkeys(names[-1:], next(filter(None, map(_prefix, _successes(operation))), ""))
    takers: Takers = {}
    for path, operation in operations(result):
        names = NAME.findall(path)
        if len(names) == 1 and kinds.get(names[0]):
            takers.setdefault(kinds[names[0]], []).append((operation["operationId"], names[0]))
    return takers


def _successes(operation: Schema) -> Iterator[Schema]:
    yield from (answer for status, answer in operation["responses"].items() if status < "300")


def _prefix(answer: Schema) -> str:
    """Return the prefix of the ID in the example of a response, or an empty text."""
    examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
    bodies = (example["value"] for example in examples.values())
    ids = (str(body.get("id")) for body in bodies if isinstance(body, dict))
    prefixes = [match[1] for each in ids if (match := ID.fullmatch(each))]
    return prefixes[0] if prefixes else ""
