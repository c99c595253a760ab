"""What can be asked next about a thing that was just made: the document's links, told by the ids in its examples."""

import re
from collections.abc import Iterator

from api.openapi.bounds import Schema, operations

ID = re.compile("([a-z]+)_[0-9a-f]{32}")
NAME = re.compile(r"{(\w+_id)}")
Takers = dict[str, list[tuple[str, str]]]


def link(result: Schema, **_: object) -> Schema:
    """A hook of drf-spectacular's: from the id of what is made to every operation that has such an id alone in its path.

    Not from lists, which may be empty: a link is one that can always be followed.
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
        links = {each: {"operationId": each, "parameters": {name: "$response.body#/id"}} for each, name in wanted}
        if links:
            answer["links"] = links


def _takers(result: Schema) -> Takers:
    """By the prefix of an id: the operations that want one in their path, and what the path calls it."""
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
    """What ids of the thing begin with, as the example of the answer shows; nothing for what has none."""
    examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
    bodies = (example["value"] for example in examples.values())
    ids = (str(body.get("id")) for body in bodies if isinstance(body, dict))
    found = [match[1] for each in ids if (match := ID.fullmatch(each))]
    return found[0] if found else ""
