"""Test that no CSV cell is a formula, whatever a name or a report contains."""

import csv
import io
import re
from typing import Any

import pytest

from api import csv as api_csv
from tests import build
from tests.client import Client

HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("https://example.com","x")',
    "  =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "a\n=1+1",
    "a;=1+1",
    "a,=1+1",
    "a| @x",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "=cmd|' /C calc'!A0",
    '"=1+1',
    "a\x00=1",
)
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")


def cells(text: str) -> list[str]:
    """Return every cell that a spreadsheet could show, with any separator."""
    texts = []
    for delimiter in (",", ";", "\t", "|"):
        texts += [
            cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row
        ]
    return texts


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_cell_is_no_formula(text: str) -> None:
    made = io.StringIO()
    csv.writer(made).writerow([api_csv.cell(text), api_csv.cell("plain")])

    assert [cell for cell in cells(made.getvalue()) if FORMULA.match(cell)] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-1, -1),
        (0.25, 0.25),
        ("Harbor & Pine", "Harbor & Pine"),
        ("302-1234567-1234567", "302-1234567-1234567"),
        ("2026-11-22", "2026-11-22"),
        (["DE", "FR"], "DE; FR"),
        ([{"reason": "A claim counts.", "kind": "x"}], "A claim counts."),
        ([{"reason": "=1"}, {"reason": "-2"}], "'=1; '-2"),
    ],
)
def test_csv_cell_shows_value(value: Any, shown: Any) -> None:
    assert api_csv.cell(value) == shown


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\x00" not in name])
def test_csv_of_accounts_has_no_formula(acme: Client, name: str) -> None:
    body = {"name": f"{name}.", "selling_partner_id": "A1", "home_marketplace": "US", "external_id": name}
    assert acme.post("/v1/accounts", body, format="json").status_code == 201

    response = acme.get("/v1/accounts", {"format": "csv"})

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert [cell for cell in cells(response.content.decode()) if FORMULA.match(cell)] == []


def test_csv_of_rejected_rows_has_no_formula(acme: Client, shop: str) -> None:
    rows = [build.order_row(amazon_order_id=text) for text in ("=1+1", "@x", "+1", "-1")]
    report = acme.load(shop, build.orders_file([build.order_row(), *rows]))

    response = acme.get(f"/v1/reports/{report['id']}/rejected-rows", HTTP_ACCEPT="text/csv")

    lines = response.content.decode().splitlines()
    assert (lines[0], len(lines)) == ("line,reason", 5)
    assert [cell for cell in cells(response.content.decode()) if FORMULA.match(cell)] == []


def test_csv_of_orders_links_next_page(acme: Client, shop: str) -> None:
    day = build.days_ago(30)
    acme.load(shop, build.orders_file(build.orders_on(day, count=3)))
    acme.post_defects(
        shop,
        build.defect(
            order=build.order_id(1), kind="a_to_z_claim", state="granted", reference='=HYPERLINK("x")'
        ),
    )
    path = f"/v1/accounts/{shop}/metrics/order_defect_rate/orders"

    first = acme.get(path, {"format": "csv", "limit": "2"})
    link = re.fullmatch(r'<http://testserver(.+)>; rel="next"', first["Link"])
    assert link is not None
    second = acme.get(link[1])

    read = [list(csv.DictReader(io.StringIO(answer.content.decode()))) for answer in (first, second)]
    assert [[row["order_id"] for row in page] for page in read] == [
        [build.order_id(3), build.order_id(2)],
        [build.order_id(1)],
    ]
    assert (read[1][0]["counted"], read[1][0]["defects"]) == (
        "true",
        "A claim granted against the seller counts.",
    )
    assert "Link" not in second
    assert [
        cell for answer in (first, second) for cell in cells(answer.content.decode()) if FORMULA.match(cell)
    ] == []


def test_csv_of_breaches_has_columns(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=2)))
    acme.post_defects(shop, build.defect(order=build.order_id(1), kind="a_to_z_claim", state="granted"))

    rows = list(csv.DictReader(io.StringIO(acme.get("/v1/breaches", {"format": "csv"}).content.decode())))

    assert [(row["metric"], row["status"], row["rate"]) for row in rows] == [
        ("order_defect_rate", "open", "0.5")
    ]


def test_csv_of_accounts_has_status_columns(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=50)))
    acme.post_defects(shop, build.defect(order=build.order_id(1), kind="a_to_z_claim", state="granted"))
    acme.take_on(name="Empty", partner="A2EMPTY")

    text = acme.get("/v1/accounts", {"format": "csv", "ordering": "distance"}).content.decode()

    shown = ("name", "status", "distance", "worst_series", "open_breaches", "open_warnings", "stale")
    assert [[row[name] for name in shown] for row in csv.DictReader(io.StringIO(text))] == [
        ["Shop", "breached", "-1.0", "order_defect_rate; US; mfn", "1", "0", "false"],
        ["Empty", "no_data", "", "", "0", "0", "false"],
    ]
