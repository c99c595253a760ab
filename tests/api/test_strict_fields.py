"""Test strict types of request bodies, and the status of their errors."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rest_framework import serializers

from api.strict_fields import Absent, Body, Contradiction, Day, Instant, status_of, type_error
from tests.client import Client

APPS = ("accounts", "webhooks", "metrics", "ingestion")
SOURCES = [file for app in APPS for file in (Path(settings.BASE_DIR) / app).rglob("*.py")]
READS = r"\b([A-Z]\w+)\([^()]*data=request\.data|_sent\((shapes\.\w+), request\)"
REFUSED = serializers.ValidationError("No.")


class TypedSerializer(Body):
    name = serializers.CharField(required=False, allow_null=True)
    choice = serializers.ChoiceField(choices=("a", "1"), required=False)
    number = serializers.IntegerField(required=False)
    share = serializers.FloatField(required=False)
    flag = serializers.BooleanField(required=False)
    names = serializers.ListField(child=serializers.CharField(), required=False)
    day = Day(required=False)
    moment = Instant(required=False)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": None},
        {"choice": "1"},
        {"number": 5},
        {"number": 5.0},
        {"share": 1},
        {"share": 0.5},
        {"flag": False},
        {"names": ["a", "b"]},
        {"names": []},
        {"day": "2026-11-23"},
        {"moment": "2026-11-23T00:00:00Z"},
        {"unknown": 1},
        {},
    ],
)
def test_body_with_documented_types_is_accepted(body: dict[str, Any]) -> None:
    assert TypedSerializer(data=body).is_valid()


@pytest.mark.parametrize(
    "body",
    [
        {"name": 0},
        {"name": True},
        {"name": 1.5},
        {"choice": 1},
        {"number": "5"},
        {"number": True},
        {"number": 5.5},
        {"number": float("inf")},
        {"share": "0.5"},
        {"share": False},
        {"flag": 0},
        {"flag": "true"},
        {"names": ["a", 1]},
        {"names": "a"},
        {"day": 20261123},
        {"day": "1999-12-31"},
        {"day": "2026-1-1"},
        {"day": "2026-02-30"},
        {"day": "2026-W47-1"},
        {"day": "20261123"},
        {"day": "2026-11-23\n"},
        {"moment": "9999-01-01T00:00:00Z"},
        {"moment": 1_790_000_000},
    ],
)
def test_body_with_other_type_is_refused_by_field(body: dict[str, Any]) -> None:
    serializer = TypedSerializer(data=body)

    assert not serializer.is_valid()
    assert list(serializer.errors) == list(body)


class UncheckedField(serializers.CharField):
    """Raise an error when an item of a list that is too long is validated."""

    def to_internal_value(self, data: Any) -> str:
        raise AssertionError(data)


@pytest.mark.parametrize(
    "value", [["a"] * 4, [1] * 4, [None] * 4], ids=["of its type", "of another", "of none"]
)
def test_long_list_is_refused_before_its_items(value: list[Any]) -> None:
    class NamesSerializer(Body):
        names = serializers.ListField(child=UncheckedField(), max_length=3)

    serializer = NamesSerializer(data={"names": value})

    assert not serializer.is_valid()
    assert serializer.errors == {"names": ["Ensure this field has no more than 3 elements."]}


def test_list_item_error_has_its_index() -> None:
    field = serializers.ListField(child=serializers.CharField())

    assert type_error(field, ["a", 1, None, 2]) == {1: ["Must be a string."], 3: ["Must be a string."]}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abc", None),
        (" ab", None),
        ("abc ", ["Ensure this field has no more than 3 characters."]),
        ("abc\x85", ["Ensure this field has no more than 3 characters."]),
        ("\n" * 4, ["Ensure this field has no more than 3 characters."]),
    ],
)
def test_text_length_counts_surrounding_blanks(value: str, problem: list[str] | None) -> None:
    assert type_error(serializers.CharField(max_length=3), value) == problem


@pytest.mark.parametrize("value", [" 12", "12 ", "12\n", "\x8512"])
def test_text_pattern_sees_surrounding_blanks(value: str) -> None:
    class NumbersSerializer(Body):
        number = serializers.RegexField("^[0-9]+$", error_messages={"invalid": "Digits."})

    assert NumbersSerializer(data={"number": "12"}).is_valid()
    assert NumbersSerializer(data={"number": value}).is_valid() is False
    assert type_error(NumbersSerializer().fields["number"], value) == ["Digits."]


@pytest.mark.parametrize(
    ("details", "status"),
    [
        ([REFUSED], 400),
        ([Contradiction("No.")], 409),
        ([Absent("No.")], 404),
        ([Absent("No."), Absent("No.")], 404),
        ([Absent("No."), Contradiction("No.")], 409),
        ([Contradiction("No."), REFUSED], 400),
        ([Absent("No."), REFUSED], 400),
    ],
)
def test_malformed_field_takes_precedence_over_contradiction(
    details: list[serializers.ValidationError], status: int
) -> None:
    assert status_of({str(place): [each.detail] for place, each in enumerate(details)}) == status


def test_contradiction_is_409_with_fields(acme: Client, shop: str) -> None:
    params = {"from": "2026-01-02", "to": "2026-01-01"}

    response = acme.get(f"/v1/accounts/{shop}/metrics/order_defect_rate/history", params)

    assert (response.status_code, response["Content-Type"]) == (409, "application/problem+json")
    assert response.json()["type"] == "/problems/contradiction"
    assert response.json()["errors"] == [{"pointer": "/from", "detail": "`from` must not be after `to`."}]


def test_error_message_has_no_nul(acme: Client, shop: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/metrics", {"metric": "a\0b"})

    assert response.status_code == 400
    assert "\0" not in response.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/thresholds", "/v1/me"])
def test_options_lists_methods_only(acme: Client, path: str) -> None:
    response = acme.options(path)

    assert (response.status_code, response.json()) == (200, {})
    assert "GET" in response["Allow"]


@pytest.mark.parametrize("format_", ["xml", "", "CSV"])
def test_unknown_format_is_not_acceptable(acme: Client, format_: str) -> None:
    response = acme.get("/v1/accounts", {"format": format_})

    assert (response.status_code, response.json()["type"]) == (406, "/problems/not-acceptable")


def test_request_serializers_derive_from_strict_body() -> None:
    """Views that read `request.data` state the shape of it."""
    read = [(file, "".join(names)) for file in SOURCES for names in re.findall(READS, file.read_text())]
    shapes = {name: _named(file, name) for file, name in read}

    assert len(shapes) > 15
    assert [name for name, shape in shapes.items() if not issubclass(shape, Body)] == []


def _named(file: Path, name: str) -> Any:
    target: Any = import_module(".".join(file.relative_to(settings.BASE_DIR).with_suffix("").parts))
    for part in name.split("."):
        target = getattr(target, part)
    return target
