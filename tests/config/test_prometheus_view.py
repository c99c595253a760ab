"""Test `GET /metrics` and its access."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Stranger
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from config.observability import heartbeats, operational_figures
from config.observability.prometheus_gauges import FIGURES, SAMPLES
from tests import stopwatch
from tests.architecture.agency_data import create_agency_data
from tests.architecture.test_database_schema import FIGURES as TOLD
from tests.client import Client
from tests.config.test_operational_figures import BACKUP_FIGURES

TOKEN = "a-long-token-of-prometheus"


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    operational_figures.reader.expire()
    yield
    operational_figures.reader.expire()


def scraped(**headers: str) -> dict[tuple[str, str], float]:
    """Return every sample by name and label values."""
    response = Stranger().get("/metrics", headers=headers)
    assert response.status_code == 200, response.content
    families = text_string_to_metric_families(response.content.decode())
    return {
        (each.name, ",".join(value for name, value in each.labels.items() if name != "machine")): each.value
        for family in families
        for each in family.samples
    }


def test_metrics_describe_the_whole_installation(acme: Client, rival: Client) -> None:
    create_agency_data(acme, name="acme")
    rival.take_on()

    samples = scraped()

    assert samples["underone_database_up", ""] == 1
    assert samples["underone_accounts", ""] == 2
    assert samples["underone_open_breaches", "breach"] >= 1
    assert samples["underone_deliveries_pending", ""] > 0
    assert samples["underone_http_requests_total", "POST,/v1/accounts,201"] >= 2
    assert samples["underone_http_request_seconds_count", "POST,/v1/accounts"] >= 2


def test_metrics_are_plain_text_and_not_cached(db: None) -> None:
    for accept in (
        "*/*",
        "application/openmetrics-text;version=1.0.0",
        "application/json",
        "text/html",
        "nonsense",
        "",
    ):
        response = Stranger().get("/metrics", headers={"Accept": accept})

        assert response.status_code == 200
        assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert response["Cache-Control"] == "no-store"


def test_metrics_contain_no_names(acme: Client) -> None:
    agency_with_data = create_agency_data(acme, name="acme")

    text = Stranger().get("/metrics").content.decode()

    for name in (
        acme.agency.public_id,
        str(acme.agency.pk),
        acme.key,
        "Acme",
        "Shop of acme",
        agency_with_data.account_id,
    ):
        assert name not in text


def test_metrics_of_database_are_documented() -> None:
    assert {figure for _, _, figure in SAMPLES} == {*TOLD, *BACKUP_FIGURES}
    assert {name for name, _, _ in SAMPLES} == set(FIGURES)
    assert all(text.endswith(".") for text in FIGURES.values())


def test_metrics_have_ages_of_scheduler_and_workers(db: None) -> None:
    heartbeats.beat(heartbeats.SCHEDULER)
    heartbeats.beat("queue-webhooks")

    samples = scraped()

    assert 0 <= samples["underone_clock_age_seconds", ""] < 30
    assert 0 <= samples["underone_worker_age_seconds", "webhooks"] < 30


def test_metrics_are_closed_over_https_without_token(settings: Settings) -> None:
    settings.HTTPS = True

    response = Stranger().get("/metrics")

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert response.json()["detail"] == "Metrics are closed until METRICS_TOKEN is set on the server."


@pytest.mark.parametrize(
    "given",
    ["", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Basic x", "Bearer ü", "Bearer None"],
)
def test_metrics_with_token_refuse_others(db: None, settings: Settings, given: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    response = Stranger().get("/metrics", headers={"Authorization": given} if given else {})

    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert TOKEN not in response.content.decode()


def test_metrics_with_token_accept_token(db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert scraped(Authorization=f"Bearer {TOKEN}")["underone_database_up", ""] == 1


def test_metrics_without_token_ignore_api_keys(acme: Client) -> None:
    assert scraped(Authorization="Bearer uo_live_000000000000_x")["underone_database_up", ""] == 1


@pytest.fixture
def without_database(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    yield
    connection.close()


def test_metrics_without_database_have_process_metrics(without_database: None) -> None:
    samples = scraped()

    assert samples["underone_database_up", ""] == 0
    assert not [name for name, _ in samples if name in FIGURES]
    assert [name for name, _ in samples if name == "underone_http_requests_total"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_metrics_allow_get_only(db: None, method: str) -> None:
    response: Any = getattr(Stranger(), method)("/metrics")

    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")


def test_metrics_query_database_once(acme: Client) -> None:
    scraped()

    with stopwatch.running() as watch:
        for _ in range(20):
            scraped()

    assert watch.seconds / 20 < 0.5
