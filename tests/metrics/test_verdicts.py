"""Test verdicts through the API: Amazon's figure beside our counts, what reports leave open, ignored metrics."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics.rules.verdicts import AMAZON_WORDS
from tests.client import Client
from tests.clock import NOW, TODAY
from tests.metrics.fact_recorder import (
    A_MOMENT,
    FactRecorder,
    counter,
    defect,
    orders,
    reported,
    shipment,
    snapshot,
)
from webhooks.models import Event

FAULTS = Path(__file__).parents[1] / "samples" / "faults"
ODR, PCR, VTR, RATING = (
    "order_defect_rate",
    "pre_fulfillment_cancel_rate",
    "valid_tracking_rate",
    "account_health_rating",
)
SEVERITY = ("breached", "at_risk", "undecided", "healthy", "no_data")
ORDERED = TODAY - timedelta(days=40)
A_DAY = timedelta(days=1)
WINDOW = {"first_on": TODAY - timedelta(days=74), "last_on": TODAY - timedelta(days=15)}


def value_of(client: Client, account: str, metric: str = ODR, **params: Any) -> dict[str, Any]:
    usual = {"metric": metric, "marketplace": "US", "channel": "mfn"} | params
    (value,) = client.read(f"/v1/accounts/{account}/metrics", **usual)["metrics"]
    return dict(value)


def account_of(client: Client, account: str) -> dict[str, Any]:
    return dict(client.read(f"/v1/accounts/{account}"))


def amazon_says(
    recorder: FactRecorder,
    numerator: int | None,
    denominator: int | None,
    word: str,
    *,
    reported_at: datetime = NOW - timedelta(hours=2),
    at: datetime = NOW,
    metric: str = ODR,
    **more: Any,
) -> None:
    figure = reported(metric, numerator, denominator, status=word, reported_at=reported_at, **WINDOW | more)
    recorder.load_amazon_report(figure, at=at)


def load_own(
    recorder: FactRecorder, *, defects: int, of: int, at: datetime = NOW - timedelta(hours=1)
) -> None:
    recorder.load(*orders(of, on=ORDERED), at=at)
    recorder.load(*[defect(n + 1) for n in range(defects)], defect(9999), at=at + A_MOMENT)


@pytest.fixture
def recorder(acme: Client, shop: str) -> FactRecorder:
    return FactRecorder.for_account(acme, shop)


def test_account_with_amazons_report_alone_stands_on_it(acme: Client, shop: str) -> None:
    report = acme.load(shop, (FAULTS / "100_v2_only_bad.json").read_bytes())

    account, value = account_of(acme, shop), value_of(acme, shop)
    assert report["status"] == "loaded"
    assert (account["status"], account["worst_series"]["metric"]) == ("breached", ODR)
    assert account["worst_series"]["basis"] == "amazon_report"
    assert (value["basis"], value["decided_by"]) == ("amazon_report", "amazon_report")
    assert (value["numerator"], value["denominator"], value["rate"]) == (3, 100, 0.03)
    assert (value["status"], value["meets_target"], value["budget"]) == (
        "breached",
        False,
        {"allowed": 0, "left": -3},
    )
    assert (value["window"]["from"], value["window"]["to"]) == ("2026-09-13", "2026-11-11")
    (breach,) = acme.read("/v1/breaches", account=shop)["data"]
    assert (breach["metric"], breach["basis"], breach["numerator"], breach["denominator"]) == (
        ODR,
        "amazon_report",
        3,
        100,
    )
    with context.agency(acme.agency.pk):
        event = Event.objects.get(type="breach.opened")
    assert (event.data["basis"], event.data["numerator"], event.data["window"]["to"]) == (
        "amazon_report",
        3,
        "2026-11-11",
    )


def test_breach_on_amazons_figure_resolves_on_a_newer_one(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    amazon_says(recorder, 3, 100, "BAD")

    amazon_says(recorder, 0, 100, "GOOD", reported_at=NOW, at=NOW + A_MOMENT)

    (breach,) = acme.read("/v1/breaches", account=shop)["data"]
    assert (breach["status"], breach["resolved_because"]) == ("resolved", "kept")
    assert account_of(acme, shop)["status"] == "healthy"


@pytest.mark.parametrize(
    ("age", "status", "decided_by"),
    [
        (timedelta(hours=1), "breached", "amazon_report"),
        (timedelta(hours=71), "breached", "amazon_report"),
        (timedelta(hours=73), "healthy", "own"),
        (timedelta(days=30), "healthy", "own"),
    ],
)
def test_worse_figure_of_amazon_decides_while_it_is_fresh(
    acme: Client, shop: str, recorder: FactRecorder, age: timedelta, status: str, decided_by: str
) -> None:
    load_own(recorder, defects=0, of=200)

    amazon_says(recorder, 3, 100, "BAD", reported_at=NOW - age)

    value = value_of(acme, shop)
    assert (value["status"], value["decided_by"], value["basis"]) == (status, decided_by, "own")
    assert (value["numerator"], value["denominator"], value["meets_target"]) == (0, 200, True)
    assert value["differs_from_amazon"] is True
    assert account_of(acme, shop)["status"] == status


def test_better_figure_of_amazon_changes_no_verdict(acme: Client, shop: str, recorder: FactRecorder) -> None:
    load_own(recorder, defects=4, of=200)

    amazon_says(recorder, 0, 200, "GOOD")

    value = value_of(acme, shop)
    assert (value["status"], value["decided_by"], value["differs_from_amazon"]) == ("breached", "own", True)


def test_breach_stays_open_when_amazons_bad_figure_becomes_stale(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    load_own(recorder, defects=0, of=200)
    amazon_says(recorder, 3, 100, "BAD")

    load_own(recorder, defects=0, of=200, at=NOW + 5 * A_DAY)
    (breach,) = acme.read("/v1/breaches", account=shop)["data"]

    assert (breach["status"], breach["basis"]) == ("open", "amazon_report")
    amazon_says(recorder, 0, 100, "GOOD", reported_at=NOW + 5 * A_DAY, at=NOW + 5 * A_DAY + 2 * A_MOMENT)
    assert acme.read("/v1/breaches", account=shop)["data"][0]["status"] == "resolved"


def test_stale_figure_of_amazon_stands_alone_and_says_so(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    amazon_says(recorder, 3, 100, "BAD", reported_at=NOW - timedelta(days=10))

    value = value_of(acme, shop)

    assert (value["status"], value["basis"], value["stale"]) == ("breached", "amazon_report", True)
    assert acme.read("/v1/breaches", account=shop)["data"] == []


def test_snapshot_ages_from_when_it_was_reported(acme: Client, shop: str, recorder: FactRecorder) -> None:
    amazon_says(recorder, 0, 100, "GOOD", reported_at=NOW - timedelta(days=10))

    assert account_of(acme, shop)["stale"] is True


@pytest.mark.parametrize(
    ("word", "status", "decided_by"),
    [
        ("NORMAL", "healthy", "series"),
        ("AT_RISK", "at_risk", "amazon_account_status"),
        ("DEACTIVATED", "breached", "amazon_account_status"),
    ],
)
def test_account_is_never_better_than_amazon_calls_it(
    acme: Client, shop: str, recorder: FactRecorder, word: str, status: str, decided_by: str
) -> None:
    load_own(recorder, defects=0, of=200)

    recorder.load(snapshot(status=word, at=NOW), at=NOW)

    account = account_of(acme, shop)
    assert (account["status"], account["status_decided_by"]) == (status, decided_by)
    assert acme.read("/v1/portfolio")["accounts"][status] == 1


def test_account_known_only_by_its_status_at_amazon_is_among_the_worst(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(snapshot(status="DEACTIVATED", at=NOW), at=NOW)

    (worst,) = acme.read("/v1/portfolio")["worst"]

    assert (worst["account"], worst["status"], worst["distance"]) == (shop, "breached", 0.0)
    assert (worst["worst_series"]["metric"], worst["worst_series"]["status"]) == (ODR, "no_data")


def test_rate_without_counts_stands_as_a_fraction(acme: Client, shop: str, recorder: FactRecorder) -> None:
    amazon_says(recorder, None, None, "GOOD", rate=Decimal("0.98"), metric=VTR)

    value = value_of(acme, shop, VTR)
    assert (value["numerator"], value["denominator"], value["status"]) == (49, 50, "healthy")


def test_figure_without_a_channel_stands_for_the_merchant(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    amazon_says(recorder, 7, 300, "POOR", channel="all")

    value = value_of(acme, shop)
    assert (value["status"], value["amazon"]["status"], value["amazon"]["numerator"]) == (
        "breached",
        "POOR",
        7,
    )
    assert value_of(acme, shop, channel="afn")["status"] == "no_data"


def test_cancelled_orders_without_a_canceller_are_undecided(acme: Client, shop: str) -> None:
    acme.load(shop, (FAULTS / "140_orders_30_of_100_cancelled.txt").read_bytes())

    value = value_of(acme, shop, PCR)
    assert (value["status"], value["meets_target"], value["rate"]) == ("undecided", None, None)
    assert value["bounds"] == {
        "undecided": 30,
        "best": {"numerator": 0, "denominator": 70, "rate": 0.0, "status": "healthy"},
        "worst": {"numerator": 30, "denominator": 100, "rate": 0.3, "status": "breached"},
        "settled_by": ["shipments", "orders_with_defects"],
    }
    assert account_of(acme, shop)["status"] == "undecided"
    assert acme.read("/v1/breaches", account=shop)["data"] == []
    assert acme.read("/v1/portfolio")["accounts"]["undecided"] == 1


def test_open_cancellations_are_settled_by_amazons_fresh_figure(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    acme.load(shop, (FAULTS / "140_orders_30_of_100_cancelled.txt").read_bytes())
    later = NOW + A_DAY / 24

    amazon_says(recorder, 1, 100, "GOOD", metric=PCR, reported_at=NOW, at=later)

    value = value_of(acme, shop, PCR)
    assert (value["status"], value["basis"], value["numerator"], value["rate"]) == (
        "healthy",
        "amazon_report",
        1,
        0.01,
    )
    assert value["bounds"]["undecided"] == 30


def test_packages_without_scan_data_are_undecided(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=ORDERED), at=NOW)

    on = TODAY - timedelta(days=20)
    recorder.load(
        *[shipment(n, on=on, is_scanned=True if n <= 8 else None) for n in range(1, 11)], at=NOW + A_MOMENT
    )

    value = value_of(acme, shop, VTR)
    assert (value["status"], value["bounds"]["undecided"]) == ("undecided", 2)
    assert (value["numerator"], value["denominator"]) == (8, 8)
    ends = value["bounds"]["best"], value["bounds"]["worst"]
    assert [(end["numerator"], end["denominator"]) for end in ends] == [(10, 10), (8, 10)]


def test_ignored_metric_is_shown_and_does_not_count(acme: Client, shop: str) -> None:
    acme.load(shop, (FAULTS / "140_orders_30_of_100_cancelled.txt").read_bytes())

    response = acme.patch("/v1/agency", {"ignored_metrics": [PCR, PCR]}, format="json")
    assert (response.status_code, response.json()["ignored_metrics"]) == (200, [PCR])
    recorder = FactRecorder.for_account(acme, shop)
    recorder.refresh(at=NOW + A_DAY / 24)

    value = value_of(acme, shop, PCR)
    assert (value["ignored"], value["status"]) == (True, "undecided")
    assert account_of(acme, shop)["status"] != "undecided"
    counts = {each["metric"]: each for each in acme.read("/v1/portfolio")["metrics"]}
    assert (counts[PCR]["ignored"], counts[PCR]["undecided"]) == (True, 1)


def test_ignored_metric_must_exist(acme: Client) -> None:
    response = acme.patch("/v1/agency", {"ignored_metrics": ["odr"]}, format="json")

    assert response.status_code == 400
    assert "order_defect_rate" in response.json()["errors"][0]["detail"]


def test_policy_counter_never_outranks_a_missed_rate(acme: Client) -> None:
    """One open violation is nearer to its limit than an order defect rate of 2 %."""
    names = ("Violations", "Defects")
    violations, defective = (
        FactRecorder.for_account(acme, acme.take_on(name=name, partner=f"A{name.upper()}")) for name in names
    )
    violations.load_amazon_report(counter(count=3, status="BAD", reported_at=NOW), at=NOW)
    load_own(defective, defects=4, of=200)

    worst = acme.read("/v1/portfolio")["worst"]

    assert [(each["name"], each["status"], each["distance"]) for each in worst] == [
        ("Defects", "breached", -1.0),
        ("Violations", "breached", 0.0),
    ]


def test_accounts_are_ordered_by_severity(acme: Client) -> None:
    ids = {}
    for status in SEVERITY[::-1]:
        ids[status] = acme.take_on(name=status, partner=f"A{status.upper()}")
        with context.agency(acme.agency.pk):
            SellerAccount.objects.filter(name=status).update(status=status)

    ordered = [each["status"] for each in acme.read("/v1/accounts", ordering="status", limit=2)["data"]]
    everything = [each["status"] for each in acme.read("/v1/accounts", ordering="status")["data"]]
    page = acme.read("/v1/accounts", ordering="status", limit=2)
    following = acme.read("/v1/accounts", ordering="status", limit=3, cursor=page["next_cursor"])["data"]

    assert everything == list(SEVERITY)
    assert ordered + [each["status"] for each in following] == everything
    assert [each["status"] for each in acme.read("/v1/accounts", ordering="-status")["data"]] == everything[
        ::-1
    ]


def test_health_assurance_counts_the_days_of_the_rating(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    for days_ago in range(190, -1, -2):
        score = 240 if 20 <= days_ago < 40 else 400
        at = NOW - timedelta(days=days_ago)
        recorder.load_amazon_report(
            counter(RATING, score, status="GOOD", reported_at=at, first_on=None, last_on=None),
            at=NOW + timedelta(microseconds=1000 - days_ago),
        )

    assurance = account_of(acme, shop)["account_health_assurance"]["US"]

    assert (assurance["days"], assurance["days_known"], assurance["days_below"]) == (183, 183, 20)
    assert assurance["eligible"] is False


def random_account(acme: Client, chance: Random, number: int) -> tuple[str, FactRecorder]:
    account = acme.take_on(name=f"Shop {number}", partner=f"A{number}SHOP")
    recorder = FactRecorder.for_account(acme, account)
    at = NOW - timedelta(hours=2)
    if chance.random() < 0.5:
        load_own(recorder, defects=chance.choice([0, 0, 1, 2, 5]), of=chance.choice([50, 150, 400]), at=at)
    for step in range(chance.randint(0, 3)):
        reported_at = NOW - timedelta(hours=chance.choice([1, 30, 71, 73, 500]))
        moment = NOW - timedelta(minutes=30 - step)
        words = [*AMAZON_WORDS, "NONE", "", "PURPLE"]
        figures = [
            reported(
                ODR,
                chance.choice([0, 1, 3]),
                chance.choice([0, 100, 400]),
                status=chance.choice(words),
                channel=chance.choice(["mfn", "afn"]),
                **WINDOW,
            ),
            counter(count=chance.choice([0, 1]), status=chance.choice(words)),
            counter(RATING, chance.choice([100, 300]), status=chance.choice(words)),
        ]
        facts = [figure._replace(reported_at=reported_at) for figure in figures]
        recorder.load_amazon_report(*chance.sample(facts, chance.randint(1, 3)), at=moment)
        if chance.random() < 0.5:
            word = chance.choice(["NORMAL", "AT_RISK", "DEACTIVATED"])
            recorder.load(snapshot(status=word, at=reported_at), at=moment + A_MOMENT)
    return account, recorder


def worst_of(values: list[dict[str, Any]]) -> str:
    return next((word for word in SEVERITY if word in {each["status"] for each in values}), "no_data")


def test_random_accounts_are_never_healthy_against_amazons_fresh_word(acme: Client) -> None:
    chance, statuses = Random(15), dict[str, str]()
    by_metric: dict[str, Counter[str]] = {}
    for number in range(40):
        account, _ = random_account(acme, chance, number)
        answer, values = account_of(acme, account), acme.read(f"/v1/accounts/{account}/metrics")["metrics"]
        statuses[account] = answer["status"]
        for value in values:
            amazon = value["amazon"]
            is_fresh = amazon and NOW - datetime.fromisoformat(amazon["reported_at"]) <= timedelta(hours=72)
            if is_fresh and amazon["denominator"] != 0 and amazon["status"] in {"BAD", "AT_RISK"}:
                assert value["status"] in {"breached", "at_risk"}, value
                assert answer["status"] in {"breached", "at_risk"}, value
        for each in answer["amazon_statuses"].values():
            floor = {"AT_RISK": "at_risk", "DEACTIVATED": "breached"}.get(each["status"], "no_data")
            assert SEVERITY.index(answer["status"]) <= SEVERITY.index(floor)
        for metric in {value["metric"] for value in values}:
            word = worst_of([value for value in values if value["metric"] == metric])
            by_metric.setdefault(metric, Counter())[word] += 1

    portfolio = acme.read("/v1/portfolio", limit=100)

    assert {word: portfolio["accounts"][word] for word in SEVERITY} == {
        word: Counter(statuses.values())[word] for word in SEVERITY
    }
    for counts in portfolio["metrics"]:
        assert sum(counts[word] for word in SEVERITY) == portfolio["accounts"]["total"] == 40
        for word in SEVERITY[:-1]:
            assert counts[word] == by_metric[counts["metric"]][word], (counts["metric"], word)
    keys = [
        (SEVERITY.index(each["status"]), float("inf") if each["distance"] is None else each["distance"])
        for each in portfolio["worst"]
    ]
    assert keys == sorted(keys)
    assert set(statuses.values()) >= {"breached", "at_risk", "healthy", "no_data"}
