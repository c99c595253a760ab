"""Test views of the agency and its accounts."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import AccountStatus, SellerAccount
from accounts.tenancy import context
from ingestion import erasure
from ingestion.models import Report
from metrics.models import DailyCounts, Order
from tests import build, messages
from tests.client import Client
from tests.conftest import NOON

ACCOUNT = {
    "name": "Nordwind",
    "selling_partner_id": "A2NORDWIND",
    "home_marketplace": "DE",
    "external_id": "crm-1",
}


def test_me_shows_agency_and_key(acme: Client) -> None:
    body = acme.read("/v1/me")

    assert body["agency"] == {
        "id": acme.agency.public_id,
        "name": "Acme",
        "counts_pending_and_cancelled": False,
        "keeps_personal_columns": False,
        "document_retention_days": 30,
        "data_retention_months": None,
        "sp_api_retention_months": 18,
        "allowed_origins": [],
        "ignored_metrics": [],
        "language": "en",
        "requires_second_factor": False,
        "upload_limits": {
            "document_bytes": 1024**3,
            "reports_waiting": 1000,
            "reports_at_once": 2,
            "stored_bytes": 100 * 1024**3,
        },
    }
    assert body["key"]["name"] == "first key"
    assert body["key"]["prefix"].startswith("uo_live_")
    assert body["key"]["last_used_at"] is not None


def test_new_account_response_has_no_data(acme: Client) -> None:
    response = acme.post("/v1/accounts", ACCOUNT, format="json")

    body = response.json()
    assert response.status_code == 201
    assert response["Location"] == f"/v1/accounts/{body['id']}"
    assert {key: body[key] for key in ACCOUNT} == ACCOUNT
    assert (body["status"], body["marketplaces"]) == ("no_data", ["DE"])
    assert (body["distance"], body["worst_series"], body["stale"]) == (None, None, False)
    assert (body["open_breaches"], body["open_warnings"]) == (0, 0)
    assert acme.read(f"/v1/accounts/{body['id']}") == body


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "nul\0"}, "/name"),
        ({"selling_partner_id": "A B"}, "/selling_partner_id"),
        ({"selling_partner_id": "AB "}, "/selling_partner_id"),
        ({"name": "n" * 200 + "\x85"}, "/name"),
        ({"home_marketplace": "UK"}, "/home_marketplace"),
        ({"home_marketplace": None}, "/home_marketplace"),
        ({"external_id": ["a"]}, "/external_id"),
    ],
)
def test_create_account_refuses_invalid_fields(acme: Client, change: dict[str, Any], pointer: str) -> None:
    response = acme.post("/v1/accounts", ACCOUNT | change, format="json")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert acme.read("/v1/accounts")["data"] == []


def test_create_account_ignores_read_only_fields(acme: Client, rival: Client) -> None:
    response = acme.post(
        "/v1/accounts",
        ACCOUNT | {"agency": str(rival.agency.pk), "status": "breached", "id": "acct_1"},
        format="json",
    )

    assert response.json()["status"] == "no_data"
    assert rival.read("/v1/accounts")["data"] == []


def test_create_account_twice_conflicts_within_agency_only(acme: Client, rival: Client) -> None:
    acme.post("/v1/accounts", ACCOUNT, format="json")

    again = acme.post("/v1/accounts", ACCOUNT, format="json")
    elsewhere = rival.post("/v1/accounts", ACCOUNT, format="json")

    assert (again.status_code, again.json()["type"]) == (409, "/problems/account-exists")
    assert elsewhere.status_code == 201


def test_update_account_changes_name_only(acme: Client, shop: str) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    response = acme.patch(f"/v1/accounts/{shop}", {"name": "Renamed", "external_id": None}, format="json")

    assert response.status_code == 200
    assert response.json() == before | {"name": "Renamed"}


def test_deleted_account_is_hidden_and_can_be_created_again(acme: Client, shop: str) -> None:
    response = acme.delete(f"/v1/accounts/{shop}")

    assert response.status_code == 204
    assert acme.get(f"/v1/accounts/{shop}").status_code == 404
    assert acme.delete(f"/v1/accounts/{shop}").status_code == 404
    assert acme.read("/v1/accounts")["data"] == []
    assert acme.take_on() != shop


def test_erasure_removes_rows_of_deleted_account(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")
    for account in (shop, other):
        acme.load(account, build.orders_file([build.order_row()]))
    acme.delete(f"/v1/accounts/{shop}")

    later = timezone.now() + timedelta(days=7)
    erased = erasure.erase_accounts(agency_id=acme.agency.pk, now=later)

    with context.agency(acme.agency.pk):
        left = [model.objects.count() for model in (SellerAccount, Report, Order, DailyCounts)]
    assert (erased, left) == (1, [1, 1, 1, 1])
    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=later) == 0


def test_list_accounts_pages_without_gap_while_accounts_are_added(acme: Client) -> None:
    made = [acme.take_on(partner=f"A{n}", name=f"Shop {n}") for n in range(5)]

    first = acme.read("/v1/accounts", limit=2)
    acme.take_on(partner="ANEW")
    second = acme.read("/v1/accounts", limit=2, cursor=first["next_cursor"])
    third = acme.read("/v1/accounts", limit=2, cursor=second["next_cursor"])

    seen = [account["id"] for page in (first, second, third) for account in page["data"]]
    assert seen == made[::-1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "ordering",
    [
        "name",
        "-name",
        "created_at",
        "-created_at",
        "status",
        "-status",
        "id",
        "open_breaches",
        "-open_breaches",
    ],
)
def test_list_accounts_pages_completely_in_each_ordering(acme: Client, ordering: str) -> None:
    made = {acme.take_on(partner=f"A{n}", name=name) for n, name in enumerate("baacb")}

    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = acme.read("/v1/accounts", ordering=ordering, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += page["data"]
        cursor = page["next_cursor"]

    field = ordering.removeprefix("-")
    assert {account["id"] for account in seen} == made
    assert len(seen) == len(made)
    assert [account[field] for account in seen] == sorted(
        (account[field] for account in seen), reverse=ordering.startswith("-")
    )


def test_list_accounts_filters_by_status_marketplace_and_text(acme: Client) -> None:
    nordic = acme.take_on(partner="A1", name="Nordic Shop", home="SE")
    acme.take_on(partner="A2", name="Other")
    with context.agency(acme.agency.pk):
        SellerAccount.objects.filter(name="Nordic Shop").update(status=AccountStatus.BREACHED)

    for narrowed in ({"status": "breached"}, {"marketplace": "SE"}, {"search": "nord"}, {"search": "a1"}):
        assert [account["id"] for account in acme.read("/v1/accounts", **narrowed)["data"]] == [nordic]


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "fine"},
        {"marketplace": "UK"},
        {"ordering": "agency"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"cursor": "x"},
    ],
)
def test_list_accounts_refuses_invalid_parameters(acme: Client, parameters: dict[str, str]) -> None:
    response = acme.get("/v1/accounts", parameters)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{next(iter(parameters))}"]


def test_update_account_keeps_concurrent_changes_of_worker(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        stale = SellerAccount.objects.get()
    acme.load(shop, build.orders_file([build.order_row(sales_channel="Amazon.ca")]))

    with context.agency(acme.agency.pk):
        agencies.update(instance=stale, fields={"name": "Renamed"}, now=NOON)
        stored = SellerAccount.objects.get()

    assert (stored.name, stored.marketplaces) == ("Renamed", ["CA", "US"])
    assert stored.last_recorded_at is not None


@pytest.mark.parametrize(
    "choice",
    [
        {"keeps_personal_columns": True},
        {"document_retention_days": 1},
        {"document_retention_days": 3650},
        {"keeps_personal_columns": True, "document_retention_days": 90},
    ],
)
def test_agency_retention_update_recounts_nothing(
    acme: Client, rival: Client, choice: dict[str, Any]
) -> None:
    before = acme.read("/v1/agency")
    messages.take()

    response = acme.patch("/v1/agency", choice, format="json")

    assert (response.status_code, response.json()) == (200, before | choice)
    assert acme.read("/v1/agency") == acme.read("/v1/me")["agency"] == before | choice
    assert rival.read("/v1/agency")["document_retention_days"] == 30
    assert messages.take() == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"document_retention_days": 0}, "/document_retention_days"),
        ({"document_retention_days": 3651}, "/document_retention_days"),
        ({"document_retention_days": None}, "/document_retention_days"),
        ({"document_retention_days": "soon"}, "/document_retention_days"),
        ({"keeps_personal_columns": "perhaps"}, "/keeps_personal_columns"),
        ({"keeps_personal_columns": None}, "/keeps_personal_columns"),
    ],
)
def test_agency_update_refuses_invalid_choice(acme: Client, change: dict[str, Any], pointer: str) -> None:
    before = acme.read("/v1/agency")

    response = acme.patch("/v1/agency", change, format="json")

    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert acme.read("/v1/agency") == before


@pytest.mark.parametrize(
    ("distance", "place"), [(1.0, 1.0), (-1e9, -1e9), (0.1 + 0.2, 0.1 + 0.2), (None, float("inf"))]
)
def test_list_accounts_orders_by_distance_with_missing_last(
    acme: Client, shop: str, distance: float | None, place: float
) -> None:
    with context.agency(acme.agency.pk):
        SellerAccount.objects.update(distance=distance)

        assert SellerAccount.objects.values_list("distance", "ordered_distance").get() == (distance, place)


@pytest.mark.parametrize("distance", [1.0000001, float("inf"), float("nan")])
def test_account_distance_above_one_is_refused_by_database(acme: Client, shop: str, distance: float) -> None:
    with (
        context.agency(acme.agency.pk),
        pytest.raises(IntegrityError, match="accounts_selleraccount_distance_range"),
        transaction.atomic(),
    ):
        SellerAccount.objects.update(distance=distance)
