"""Test that numbers in JSON stay as they were written."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports.exact_json import MAX_DEPTH, MAX_VALUES, Number, parse_json, write_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from("abc")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_write_json_restores_parsed_value(value: Any) -> None:
    document = json.dumps(value).encode()

    assert json.loads(write_json(parse_json(document))) == value


@pytest.mark.parametrize(
    "number",
    ["0", "-0", "0.0", "0.10", "0.0100", "1e5", "1E+5", "0.03203973037", "12345678901234567890", "1.5e-30"],
)
def test_number_is_written_as_it_came(number: str) -> None:
    assert write_json(parse_json(f'{{"rate": {number}}}'.encode())) == f'{{"rate":{number}}}'


def test_number_is_worth_what_it_says_and_not_its_float() -> None:
    number = parse_json(b"0.1000000000000000055511151231257827")

    assert number == Number("0.1000000000000000055511151231257827")
    assert Decimal(number.text) != Decimal("0.1")


def test_left_out_names_become_null_at_any_depth() -> None:
    value = parse_json(b'{"a": [{"b": {"c": 1}, "a": 2}], "b": "x"}')

    assert write_json(value, leaves_out={"b"}.__contains__) == '{"a":[{"b":null,"a":2}],"b":null}'


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_read_in_every_unicode_encoding(codec: str) -> None:
    assert parse_json('{"größe": 1}'.encode(codec)) == {"größe": Number("1")}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"", "damaged or cut off"),
        (b"{", "damaged or cut off"),
        (b'{"a": 1,}', "damaged or cut off"),
        (b'{"a": 1} {"b": 2}', "damaged or cut off"),
        (b'{"a": 01}', "damaged or cut off"),
        (b"\xff\xfe\xfd", "damaged or cut off"),
        (b'{"a": "\xe4"}', "damaged or cut off"),
        (b'{"a": "\0"}', "damaged or cut off"),
        (b'{"a": 1, "a": 1}', "same name twice"),
        (b'[{"b": {"a": 1, "c": 2, "a": 3}}]', "same name twice"),
        (b"[" * 200_000, "too deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deep"),
    ],
    ids=range(12),
)
def test_invalid_json_is_rejected_with_reason(document: bytes, expected: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_json(document)

    assert rejection.value.slug == "invalid-json"
    assert expected in rejection.value.detail


def test_too_many_json_values_are_rejected_before_parsing() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_json(b"[" + b"0," * (MAX_VALUES + 1) + b"0]")

    assert rejection.value.slug == "too-many-values"


@pytest.mark.parametrize(
    "document",
    [
        b'"\\u0000"',
        b'"\\ud800"',
        b'{"\\u0000": 1}',
        b'{"a": {"\\udfff": 1}}',
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
    ],
    ids=range(5),
)
def test_unstorable_json_is_an_invalid_row(document: bytes) -> None:
    value = parse_json(document)

    with pytest.raises(InvalidRow):
        write_json(value)


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e200000", "1e-200000", "1" * 5_000, "0." + "1" * 20_000]
)
def test_number_beyond_every_table_is_written_as_text(number: str) -> None:
    assert write_json(parse_json(f'{{"a": [{number}]}}'.encode())) == f'{{"a":["{number}"]}}'


def test_whole_character_beyond_first_plane_is_no_half() -> None:
    assert write_json(parse_json(b'"\\ud83d\\ude00"')) == '"😀"'


def test_json_of_maximum_depth_is_written() -> None:
    document = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)

    assert write_json(parse_json(document)).encode() == document
