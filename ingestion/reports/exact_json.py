"""JSON whose numbers stay as they were written. Pure.

A number may be larger or finer than any of Python's or PostgreSQL's: it is a text until somebody asks what it is worth.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports.defect_row import UNSTORABLE

MAX_DEPTH = 64
STORABLE = re.compile(r"-?[0-9]{1,500}(\.[0-9]{1,500})?([eE][+-]?[0-9]{1,3})?")  # well within PostgreSQL's numeric
MAX_VALUES = 200_000  # each takes many times its bytes in memory; a report on every marketplace has some 5,000


class Number(NamedTuple):
    """A number as it was written; `NaN` and `Infinity`, which are no JSON and still are sent, too."""

    text: str


def parse_json(document: bytes) -> Any:
    """What a document says: objects, lists, texts, Numbers, True, False, None. Raises Refused."""
    if document.count(b",") > MAX_VALUES:
        raise RejectedDocument("too-many-values", "The JSON has too many values", f"At most {MAX_VALUES} are allowed.")
    try:
        return json.loads(document, parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_object)
    except RecursionError:
        raise _invalid("It nests too deep; no report does.") from None
    except ValueError as error:
        raise _invalid(f"It is damaged or incomplete ({error}). Download the report again.") from None


def write_json(value: Any, *, leaves_out: Callable[[str], bool] = lambda _name: False, depth: int = 0) -> str:
    """The value as compact JSON, numbers as they were. Raises BadRow for what PostgreSQL cannot keep.

    What is no JSON number (`NaN`), or larger or finer than PostgreSQL's, becomes a text. What stands under a name that
    `leaves_out` says becomes null.
    """
    if depth > MAX_DEPTH:
        raise InvalidRow(f"It is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, dict):
        told = ((name, None if leaves_out(name) else each) for name, each in value.items())
        pairs = (f"{_text(name)}:{write_json(each, leaves_out=leaves_out, depth=depth + 1)}" for name, each in told)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write_json(each, leaves_out=leaves_out, depth=depth + 1) for each in value) + "]"
    if isinstance(value, Number):
        return value.text if STORABLE.fullmatch(value.text) else _text(value.text)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if UNSTORABLE.search(text):
        raise InvalidRow("A string contains NUL or an incomplete character.")
    return json.dumps(text, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _invalid("An object has the same name twice, so nobody can say which value is meant.")
    return found


def _invalid(detail: str) -> RejectedDocument:
    return RejectedDocument("invalid-json", "The JSON cannot be read", detail)
