"""Test the history as CSV: lines, empty cells and words; and problems, which stay JSON."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.api.renderers import HistoryCsv
from tests.client import Client
from tests.metrics.fact_recorder import TEN, TODAY, FactRecorder, defect, orders

HEADER = "as_of,from,to,numerator,denominator,rate,meets_target\r\n"
POINT = {
    "as_of": "2026-11-22",
    "from": "2026-09-09",
    "to": "2026-11-07",
    "numerator": 1,
    "denominator": 100,
    "rate": 0.01,
    "meets_target": False,
}


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ({"points": []}, ""),
        ({"points": [POINT]}, "2026-11-22,2026-09-09,2026-11-07,1,100,0.01,false\r\n"),
        (
            {"points": [POINT | {"meets_target": True}]},
            "2026-11-22,2026-09-09,2026-11-07,1,100,0.01,true\r\n",
        ),
        (
            {"points": [POINT | {"numerator": 0, "denominator": 0, "rate": None, "meets_target": None}]},
            "2026-11-22,2026-09-09,2026-11-07,0,0,,\r\n",
        ),
        (
            {"points": [POINT | {"added_later": "=1+1"}]},
            "2026-11-22,2026-09-09,2026-11-07,1,100,0.01,false\r\n",
        ),
    ],
)
def test_history_csv_has_one_line_a_day(answer: dict[str, Any], lines: str) -> None:
    assert HistoryCsv().render(answer) == HEADER + lines


def test_history_csv_contains_the_whole_history(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(4))
    recorder.load(defect(1), at=TEN)
    span = {"from": (TODAY - timedelta(days=1)).isoformat(), "to": TODAY.isoformat(), "format": "csv"}

    response = acme.get(f"/v1/accounts/{shop}/metrics/order_defect_rate/history", span)

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.decode() == (
        HEADER
        + "2026-11-21,2026-09-08,2026-11-06,1,4,0.25,false\r\n2026-11-22,2026-09-09,2026-11-07,1,4,0.25,false\r\n"
    )


@pytest.mark.parametrize(
    ("account", "metric", "params", "status"),
    [
        ("shop", "order_defect_rate", {"from": "yesterday"}, 400),
        ("shop", "speed", {}, 404),
        ("stranger", "order_defect_rate", {}, 404),
    ],
)
def test_problem_is_json_when_csv_was_requested(
    acme: Client, rival: Client, shop: str, account: str, metric: str, params: dict[str, str], status: int
) -> None:
    account_id = {"shop": shop, "stranger": rival.take_on(partner="A1RIVAL")}[account]

    response = acme.get(f"/v1/accounts/{account_id}/metrics/{metric}/history", params | {"format": "csv"})

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status


def test_problem_without_a_key_is_json_when_csv_was_requested(acme: Client, shop: str) -> None:
    acme.credentials()

    response = acme.get(f"/v1/accounts/{shop}/metrics/order_defect_rate/history", {"format": "csv"})

    assert (response.status_code, response.json()["type"]) == (401, "/problems/not-authenticated")


@pytest.mark.parametrize("path", ["metrics", "snapshots"])
def test_csv_of_a_single_resource_is_refused(acme: Client, shop: str, path: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/{path}", HTTP_ACCEPT="text/csv")

    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")
