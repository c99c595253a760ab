"""Test query parameters of metrics: defaults, ranges and formats."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import NINE, TEN, TODAY, FactRecorder, defect, orders

HISTORY = "metrics/order_defect_rate/history"
ORDERS = "metrics/order_defect_rate/orders"


def utc_today() -> str:
    return timezone.now().date().isoformat()


def test_params_default_to_today_and_everything_known(acme: Client, shop: str) -> None:
    taken_on = acme.read(f"/v1/accounts/{shop}")["created_at"]
    first = acme.read(f"/v1/accounts/{shop}/metrics")

    report = acme.load(shop, build.orders_file([build.order_row()]))

    second = acme.read(f"/v1/accounts/{shop}/metrics")
    assert first["as_of"] == second["as_of"] == utc_today()
    assert (first["known_at"], second["known_at"]) == (taken_on, report["loaded_at"])


@pytest.mark.parametrize(
    ("known_at", "day"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01"),
        ("2026-03-01T23:30:00-08:00", "2026-03-02"),
        ("2026-03-01T00:30:00+09:00", "2026-02-28"),
        ("2026-03-01T12:00:00", "2026-03-01"),
        ("2026-03-01", "2026-03-01"),
    ],
)
def test_as_of_defaults_to_the_utc_day_of_known_at(acme: Client, shop: str, known_at: str, day: str) -> None:
    body = acme.read(f"/v1/accounts/{shop}/metrics", known_at=known_at)
    points = acme.read(f"/v1/accounts/{shop}/{HISTORY}", known_at=known_at)["points"]

    assert (body["as_of"], points[-1]["as_of"]) == (day, day)


def test_as_of_and_known_at_are_independent(acme: Client, shop: str) -> None:
    body = acme.read(f"/v1/accounts/{shop}/metrics", as_of="2026-03-01", known_at="2026-11-22T09:00:00Z")

    assert (body["as_of"], body["known_at"]) == ("2026-03-01", "2026-11-22T09:00:00Z")


def test_known_at_includes_recordings_of_a_faster_clock(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    ahead = timezone.now() + timedelta(minutes=5)
    recorder.load(*orders(3), at=ahead)

    body = acme.read(
        f"/v1/accounts/{shop}/metrics", as_of=TODAY.isoformat(), metric="order_defect_rate", channel="mfn"
    )

    assert body["metrics"][0]["denominator"] == 3
    assert datetime.fromisoformat(body["known_at"]) == ahead


def test_known_at_of_clock_that_is_ahead_includes_everything(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*orders(3))
    ahead = timezone.now() + timedelta(minutes=4)

    value = acme.odr(shop, as_of=TODAY.isoformat(), known_at=ahead.isoformat())

    assert value["denominator"] == 3


@pytest.mark.parametrize("path", ["metrics", HISTORY, ORDERS])
@pytest.mark.parametrize("accept", ["application/json", "text/csv, application/json;q=0.5"])
def test_known_at_in_the_future_is_refused(acme: Client, shop: str, path: str, accept: str) -> None:
    ahead = timezone.now() + timedelta(minutes=6)

    response = acme.get(f"/v1/accounts/{shop}/{path}", {"known_at": ahead.isoformat()}, HTTP_ACCEPT=accept)

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert response.json()["errors"] == [
        {
            "pointer": "/known_at",
            "detail": "Expected a moment that has passed. Forecasts are not answered here.",
        }
    ]


@pytest.mark.parametrize(("path", "name"), [("metrics", "as_of"), (ORDERS, "as_of"), (HISTORY, "to")])
def test_day_after_tomorrow_is_refused(acme: Client, shop: str, path: str, name: str) -> None:
    days = {number: (timezone.now() + timedelta(days=number)).date().isoformat() for number in (1, 2)}

    allowed, refused = (acme.get(f"/v1/accounts/{shop}/{path}", {name: days[number]}) for number in (1, 2))

    assert allowed.status_code == 200
    assert refused.status_code == 400
    detail = "Expected a day up to tomorrow. Forecasts are not answered here."
    assert refused.json()["errors"] == [{"pointer": f"/{name}", "detail": detail}]


def test_known_at_before_the_first_report_has_no_data(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*orders(3))
    recorder.load(defect(1), defect(99), at=TEN)
    before = {"as_of": TODAY.isoformat(), "known_at": (NINE - timedelta(seconds=1)).isoformat()}

    body = acme.read(f"/v1/accounts/{shop}/metrics", **before)

    assert body["unmatched_defects"] == 0
    assert {(value["denominator"], value["status"]) for value in body["metrics"]} == {(0, "no_data")}
    assert acme.read(f"/v1/accounts/{shop}/{ORDERS}", **before)["data"] == []


@pytest.mark.parametrize(
    ("span", "days"),
    [
        ({}, 90),
        ({"to": "2026-03-31"}, 90),
        ({"from": "2026-03-31", "to": "2026-03-31"}, 1),
        ({"from": "2024-02-28", "to": "2024-03-01"}, 3),
        ({"from": "2023-03-01", "to": "2026-03-03"}, 1099),
        ({"from": "2000-01-01", "to": "2000-01-02"}, 2),
    ],
)
def test_history_has_a_point_for_each_day(acme: Client, shop: str, span: dict[str, str], days: int) -> None:
    points = acme.read(f"/v1/accounts/{shop}/{HISTORY}", **span)["points"]

    seen = [date.fromisoformat(point["as_of"]) for point in points]
    assert seen == [seen[0] + timedelta(days=n) for n in range(days)]
    assert seen[-1].isoformat() == (span.get("to") or utc_today())


@pytest.mark.parametrize(
    ("path", "params", "pointers"),
    [
        (HISTORY, {"from": "2023-03-01", "to": "2026-03-04"}, ["/from"]),
        (HISTORY, {"from": "2999-01-01"}, ["/from"]),
        (HISTORY, {"from": "2026-02-29", "to": "03/01/2026"}, ["/from", "/to"]),
        (HISTORY, {"to": "2100-01-01"}, ["/to"]),
        (HISTORY, {"from": "", "to": ""}, ["/from", "/to"]),
        (HISTORY, {"known_at": "0001-01-01T00:00:00Z"}, ["/known_at"]),
        (HISTORY, {"known_at": "9999-12-31T23:59:59-12:00"}, ["/known_at"]),
        ("metrics", {"known_at": "1999-12-31T23:59:59Z"}, ["/known_at"]),
        ("metrics", {"as_of": "1999-12-31"}, ["/as_of"]),
        ("metrics", {"as_of": "2100-01-01"}, ["/as_of"]),
        ("metrics", {"channel": "MFN", "marketplace": "us"}, ["/channel", "/marketplace"]),
        (ORDERS, {"as_of": "2026-11-31", "counted": "2"}, ["/as_of", "/counted"]),
        (ORDERS, {"counted": ""}, ["/counted"]),
    ],
)
def test_params_that_are_wrong_are_named(
    acme: Client, shop: str, path: str, params: dict[str, str], pointers: list[str]
) -> None:
    response = acme.get(f"/v1/accounts/{shop}/{path}", params)

    assert response.status_code in {400, 409}
    assert sorted(error["pointer"] for error in response.json()["errors"]) == pointers


def test_history_defaults_to_home_marketplace_and_first_channel(acme: Client, recorder: FactRecorder) -> None:
    home = acme.take_on(partner="A1JP", home="JP")

    with_nothing = acme.read(f"/v1/accounts/{home}/{HISTORY}")
    elsewhere = acme.read(f"/v1/accounts/{home}/{HISTORY}", marketplace="DE", channel="afn")

    assert (with_nothing["marketplace"], with_nothing["channel"]) == ("JP", "mfn")
    assert (elsewhere["marketplace"], elsewhere["channel"], elsewhere["points"]) == ("DE", "afn", [])
