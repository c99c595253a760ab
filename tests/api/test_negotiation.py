"""Test JSON request bodies: parsed, or refused with the reason."""

import io
import json
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from api.negotiation import JsonParser


def parse(body: bytes) -> Any:
    return JsonParser().parse(io.BytesIO(body), "application/json", {})


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"{}", {}),
        (b"[1, 2.5, null, true]", [1, 2.5, None, True]),
        (' {"name": "Möbel"} '.encode(), {"name": "Möbel"}),
        (rb'"\u00e4\n"', "ä\n"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[" * 50 + b"]" * 50, json.loads("[" * 50 + "]" * 50)),
    ],
)
def test_json_is_parsed(body: bytes, read: object) -> None:
    assert parse(body) == read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"{} {}",
        b"NaN",
        b'{"a": Infinity}',
        b"-Infinity",
        b"\xff",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"1" * 5000,
        b'{"a": 0x1}',
        b'"\n"',
    ],
)
def test_json_malformed_is_refused_with_reason(body: bytes) -> None:
    with pytest.raises(ParseError, match=r"^JSON parse error - ."):
        parse(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("times", [5_000, 500_000])
def test_json_nested_too_deep_is_refused(opening: bytes, times: int) -> None:
    with pytest.raises(ParseError, match="nested too deeply"):
        parse(opening * times)
