"""Test `?fields=`: selected fields in JSON and CSV."""

import pytest
from rest_framework.exceptions import ValidationError

from api import field_selection
from tests import build
from tests.client import Client

KNOWN = ("id", "name", "status")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", None),
        (" , ", None),
        ("id", ["id"]),
        ("name,id", ["name", "id"]),
        (" id , name ,", ["id", "name"]),
        ("id,id", ["id"]),
    ],
)
def test_fields_keep_their_order(text: str, names: list[str] | None) -> None:
    assert field_selection.parse(text, available=KNOWN) == names


@pytest.mark.parametrize("text", ["secret", "id,secret", "ID", "id;name", "id.name", "*"])
def test_fields_unknown_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        field_selection.parse(text, available=KNOWN)


def test_fields_select_values_of_rows() -> None:
    rows = [{"id": 1, "name": "a", "status": "x"}]

    assert field_selection.select(rows, ["status", "id"]) == [{"status": "x", "id": 1}]
    assert field_selection.select(rows, None) == rows


def test_fields_apply_to_paginated_list(acme: Client) -> None:
    made = [acme.take_on(partner=f"A{number}", name=f"Shop {number}") for number in range(3)]

    first = acme.read("/v1/accounts", fields="id,name", limit=2)
    rest = acme.read("/v1/accounts", fields="id,name", limit=2, cursor=first["next_cursor"])

    assert first["data"] + rest["data"] == [{"id": made[n], "name": f"Shop {n}"} for n in (2, 1, 0)]


def test_fields_apply_to_points_of_history(acme: Client, shop: str) -> None:
    path = f"/v1/accounts/{shop}/metrics/order_defect_rate/history"
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=5)))
    whole = acme.read(path)

    narrow = acme.read(path, fields="as_of,rate")

    assert narrow["points"] == [{"as_of": point["as_of"], "rate": point["rate"]} for point in whole["points"]]
    assert {name: narrow[name] for name in whole if name != "points"} == {
        name: whole[name] for name in whole if name != "points"
    }


def test_fields_select_csv_columns(acme: Client, shop: str) -> None:
    responses = [
        acme.get("/v1/accounts", {"fields": "name,status", "format": "csv"}),
        acme.get(
            f"/v1/accounts/{shop}/metrics/order_defect_rate/history",
            {"fields": "as_of,rate", "format": "csv"},
        ),
    ]

    assert responses[0].content.decode().splitlines() == ["name,status", "Shop,no_data"]
    assert responses[1].content.decode().splitlines()[0] == "as_of,rate"


@pytest.mark.parametrize(
    "path", ["/v1/accounts", "/v1/events", "/v1/audit-log", "/v1/breaches", "/v1/thresholds"]
)
def test_fields_error_has_pointer(acme: Client, path: str) -> None:
    response = acme.get(path, {"fields": "id,secret"})

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/fields")
    assert "'secret'" in response.json()["errors"][0]["detail"]
