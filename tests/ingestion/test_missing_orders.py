"""Test that a report whose orders the account does not have says so, and where the agency has them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.tenancy import context
from api import identifiers
from ingestion import erasure
from ingestion.models import Report
from tests import build
from tests.client import Client
from tests.ingestion import archives


def claims(*numbers: int) -> list[dict[str, Any]]:
    return [build.defect(order=build.order_id(number)) for number in numbers]


def load_orders(client: Client, account: str, *, count: int) -> None:
    ordered = timezone.now() - timedelta(days=30)
    client.load(account, build.orders_file(build.orders_on(ordered, count=count, first=1)))


def not_loaded(missing: int, stated: int) -> str:
    return (
        f"{missing} of the {stated} orders in this document are not loaded for this account. What the document "
        "says about them counts once they are loaded."
    )


def found(orders: int, name: str, account: str) -> str:
    return (
        f"{orders} of these orders are loaded for the account {name} ({account}). Check that the document was "
        "uploaded to the right account."
    )


def test_report_about_loaded_orders_has_no_warning(acme: Client, shop: str) -> None:
    load_orders(acme, shop, count=3)

    assert acme.post_defects(shop, *claims(1, 2))["warnings"] == []


def test_report_counts_orders_that_the_account_does_not_have(acme: Client, rival: Client, shop: str) -> None:
    load_orders(acme, shop, count=3)
    load_orders(rival, rival.take_on(), count=9)

    report = acme.post_defects(shop, *claims(2, 5, 6, 6))

    assert report["warnings"] == [not_loaded(2, 3)]
    assert acme.read(f"/v1/accounts/{shop}/reports")["data"][0]["warnings"] == report["warnings"]


def test_report_names_account_that_has_its_orders(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other Shop", partner="A2OTHER")
    third = acme.take_on(name="Third Shop", partner="A3THIRD")
    load_orders(acme, other, count=3)
    load_orders(acme, third, count=1)

    report = acme.post_defects(shop, *claims(1, 2, 3, 50))

    assert report["warnings"] == [
        not_loaded(4, 4),
        found(3, "Other Shop", other),
        found(1, "Third Shop", third),
    ]
    acme.patch(f"/v1/accounts/{other}", {"name": "Renamed"}, format="json")
    assert acme.read(f"/v1/reports/{report['id']}")["warnings"][1] == found(3, "Renamed", other)


def test_account_that_is_hidden_or_deleted_is_not_named(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other Shop", partner="A2OTHER")
    load_orders(acme, other, count=3)
    report = acme.post_defects(shop, *claims(1, 2))["id"]
    body = {"name": "limited", "role": "manager", "accounts": [shop]}
    limited = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])

    assert limited.read(f"/v1/reports/{report}")["warnings"] == [not_loaded(2, 2)]
    assert other not in limited.get(f"/v1/accounts/{shop}/reports").content.decode()
    assert limited.post_defects(shop, *claims(1))["warnings"] == [not_loaded(1, 1)]
    acme.delete(f"/v1/accounts/{other}")
    assert acme.read(f"/v1/reports/{report}")["warnings"] == [not_loaded(2, 2)]
    acme.post(f"/v1/accounts/{other}/restore")
    assert acme.read(f"/v1/reports/{report}")["warnings"][1:] == [found(2, "Other Shop", other)]


def test_erased_account_is_removed_from_reports_of_others(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other Shop", partner="A2OTHER")
    load_orders(acme, other, count=3)
    report = acme.post_defects(shop, *claims(1, 2))["id"]
    acme.delete(f"/v1/accounts/{other}")

    erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now() + timedelta(days=7))

    with context.agency(acme.agency.pk):
        stored = Report.objects.get(pk=identifiers.private("rpt", report)).missing_orders
    assert stored == {"stated": 2, "missing": 2, "found_in": {}}


def test_archive_of_account_does_not_name_others(nord: Client, shelf: str) -> None:
    other = nord.take_on(name="Other Shop", partner="A2OTHER")
    load_orders(nord, other, count=3)
    nord.post_defects(shelf, *claims(1, 2))

    archive = archives.export_archive(nord, account=shelf)

    (report,) = archive.lines("reports")
    assert report["missing_orders"] == {"stated": 2, "missing": 2}


def test_report_that_states_orders_itself_has_no_warning(acme: Client, shop: str) -> None:
    ordered = timezone.now() - timedelta(days=30)

    assert acme.load(shop, build.orders_file(build.orders_on(ordered, count=2)))["warnings"] == []


def test_uploaded_feedback_has_warning(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other Shop", partner="A2OTHER")
    load_orders(acme, other, count=3)
    seen = (timezone.now() - timedelta(days=20)).strftime("%m/%d/%y")
    document = build.feedback_file([build.feedback_row(order=build.order_id(2), on=seen)])

    report = acme.load(shop, document)
    again = acme.send(shop, document).json()

    assert report["warnings"][-2:] == [not_loaded(1, 1), found(1, "Other Shop", other)]
    assert (again["duplicate"], again["warnings"]) == (True, report["warnings"])
