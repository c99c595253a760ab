"""Parse and write JSON without changing how its numbers are written. Pure.

A number may be larger or more precise than Python's floats or PostgreSQL's numeric, so it is stored as text
until it is needed.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports.defect_row import UNSTORABLE

MAX_DEPTH = 64
# Well within the limits of PostgreSQL's numeric.
STORABLE = re.compile(r"-?[0-9]{1,500}(\.[0-9]{1,500})?([eE][+-]?[0-9]{1,3})?")
# Each value needs many times its bytes in memory. A report on every marketplace has about 5,000.
MAX_VALUES = 200_000


class Number(NamedTuple):
    """Store a number as it was written, including `NaN` and `Infinity`, which are sent although they are not
    JSON.
    """

    text: str


def parse_json(document: bytes) -> Any:
    """Return the value of a document, with Number for numbers. Raises RejectedDocument."""
    # Before parsing, which is what needs the memory. A comma stands between any two values, and those in
    # texts only make the count higher.
    if document.count(b",") > MAX_VALUES:
        raise RejectedDocument(
            "too-many-values", "The JSON has too many values", f"At most {MAX_VALUES} are supported."
        )
    try:
        return json.loads(
            document, parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_object
        )
    except RecursionError:
        raise _invalid("It is nested too deeply.") from None
    except ValueError as error:
        raise _invalid(f"It is damaged or cut off ({error}). Download the document again.") from None


def write_json(value: Any, *, leaves_out: Callable[[str], bool] = lambda _name: False, depth: int = 0) -> str:
    """Return the value as compact JSON with numbers as they were written.

    A number that PostgreSQL cannot store becomes a text. The value of a name for which `leaves_out` returns
    True becomes null. Raises InvalidRow for text that PostgreSQL cannot store, and for deep nesting.
    """
    # Python would otherwise raise RecursionError, which is no reason for a sender.
    if depth > MAX_DEPTH:
        raise InvalidRow(f"The value is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, dict):
        children = ((name, None if leaves_out(name) else child) for name, child in value.items())
        pairs = (
            f"{_text(name)}:{write_json(child, leaves_out=leaves_out, depth=depth + 1)}"
            for name, child in children
        )
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return (
            "[" + ",".join(write_json(each, leaves_out=leaves_out, depth=depth + 1) for each in value) + "]"
        )
    if isinstance(value, Number):
        return value.text if STORABLE.fullmatch(value.text) else _text(value.text)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if UNSTORABLE.search(text):
        raise InvalidRow("A text contains NUL or an incomplete character, which cannot be stored.")
    return json.dumps(text, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python's json keeps the last of two values with one name, without a word.
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _invalid("An object has the same name twice, so its value is ambiguous.")
    return value


def _invalid(detail: str) -> RejectedDocument:
    return RejectedDocument("invalid-json", "The JSON cannot be read", detail)
