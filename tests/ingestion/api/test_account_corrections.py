"""Test what of an account can be changed, and how the rest is corrected."""

from typing import Any

import pytest

from accounts.models import Role
from tests import build
from tests.client import Client


def patch(client: Client, path: str, **body: Any) -> Any:
    return client.patch(path, body, format="json")


def correct(client: Client, account: str, **body: Any) -> Any:
    return client.post(f"/v1/accounts/{account}/corrections", body, format="json")


def errors(response: Any) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


IDENTITY = {"selling_partner_id": "A9RIGHT", "home_marketplace": "DE"}


def test_identity_can_be_changed_until_a_report_is_received(acme: Client, shop: str) -> None:
    response = patch(acme, f"/v1/accounts/{shop}", **IDENTITY)

    changed = response.json()
    assert response.status_code == 200
    assert {name: changed[name] for name in IDENTITY} == IDENTITY
    assert changed["marketplaces"] == ["DE"]
    (entry, _) = acme.read("/v1/audit-log", about=shop)["data"]
    assert (entry["what"], entry["before"]["selling_partner_id"]) == ("account.changed", "A1SHOP")


def test_rejected_report_does_not_fix_identity(acme: Client, shop: str) -> None:
    acme.load(shop, b"nothing that is known")

    assert patch(acme, f"/v1/accounts/{shop}", **IDENTITY).status_code == 200


@pytest.mark.parametrize("is_loaded", [True, False])
def test_identity_of_account_with_reports_is_corrected_in_another_way(
    acme: Client, shop: str, is_loaded: bool
) -> None:
    (acme.load if is_loaded else acme.send)(shop, build.orders_file([build.order_row()]))
    before = acme.read(f"/v1/accounts/{shop}")

    refused = patch(acme, f"/v1/accounts/{shop}", name="Renamed", **IDENTITY)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/contradiction")
    assert set(errors(refused)) == {"/selling_partner_id", "/home_marketplace"}
    assert f"POST /v1/accounts/{shop}/corrections" in errors(refused)["/home_marketplace"]
    assert acme.read(f"/v1/accounts/{shop}") == before
    same = {name: before[name] for name in IDENTITY}
    assert patch(acme, f"/v1/accounts/{shop}", name="Renamed", **same).status_code == 200


def test_correction_keeps_history(acme: Client, shop: str) -> None:
    report = acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=5)))
    before = acme.read(f"/v1/accounts/{shop}/metrics", marketplace="US")

    response = correct(acme, shop, **IDENTITY)

    corrected = response.json()
    assert response.status_code == 200
    assert {name: corrected[name] for name in IDENTITY} == IDENTITY
    assert corrected["marketplaces"] == ["DE", "US"]
    after = acme.read(f"/v1/accounts/{shop}/metrics", marketplace="US", known_at=before["known_at"])
    assert after == before
    assert acme.read(f"/v1/reports/{report['id']}")["marketplace"] == "US"
    entry = acme.read("/v1/audit-log", about=shop)["data"][0]
    assert (entry["what"], entry["before"]) == (
        "account.corrected",
        {"selling_partner_id": "A1SHOP", "home_marketplace": "US"},
    )
    assert entry["after"] == IDENTITY


def test_correction_without_change_is_not_recorded(acme: Client, shop: str) -> None:
    assert correct(acme, shop, selling_partner_id="A1SHOP").status_code == 200

    assert [entry["what"] for entry in acme.read("/v1/audit-log", about=shop)["data"]] == ["account.created"]


@pytest.mark.parametrize("way", ["patch", "correct"])
def test_selling_partner_of_another_account_is_refused(acme: Client, shop: str, way: str) -> None:
    acme.take_on(partner="A2OTHER")
    change = {"selling_partner_id": "A2OTHER"}

    refused = (
        patch(acme, f"/v1/accounts/{shop}", **change) if way == "patch" else correct(acme, shop, **change)
    )

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/account-exists")
    assert acme.read(f"/v1/accounts/{shop}")["selling_partner_id"] == "A1SHOP"


def test_wrong_corrections_are_refused(acme: Client, rival: Client, shop: str) -> None:
    body = {"name": "manager", "role": Role.MANAGER}
    manager = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])

    assert correct(acme, shop).status_code == 409
    assert (
        "Did you mean `DE`? Expected one of" in correct(acme, shop, home_marketplace="DEU").json()["detail"]
    )
    assert correct(acme, shop, selling_partner_id="two words").status_code == 400
    assert correct(manager, shop, **IDENTITY).status_code == 403
    assert correct(rival, shop, **IDENTITY).status_code == 404


def test_field_that_cannot_change_is_refused_with_reason(acme: Client, shop: str) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    refused = patch(
        acme, f"/v1/accounts/{shop}", name="New", status="breached", id="acct_1", nmae="x", colour="x"
    )

    assert refused.status_code == 400
    assert errors(refused) == {
        "/status": "`status` cannot be changed. It is computed from the account's reports.",
        "/id": "`id` cannot be changed. Underone sets it.",
        "/nmae": "`nmae` is not a field that can be changed; did you mean `name`?",
        "/colour": "`colour` is not a field that can be changed; expected one of name, external_id, "
        "selling_partner_id, home_marketplace.",
    }
    assert acme.read(f"/v1/accounts/{shop}") == before


def test_resource_can_be_sent_back_as_it_was_read(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    key = acme.post("/v1/api-keys", {"name": "key"}, format="json").json()["id"]
    for path in (
        f"/v1/accounts/{shop}",
        "/v1/agency",
        f"/v1/webhook-endpoints/{endpoint}",
        f"/v1/api-keys/{key}",
    ):
        resource = acme.read(path)
        response = patch(acme, path, **resource)

        assert (response.status_code, response.json()) == (200, resource), path


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        ("/v1/agency", {"id": "agcy_1"}, "`id` cannot be changed. Underone sets it."),
        (
            "/v1/webhook-endpoints/{endpoint}",
            {"kind": "slack"},
            "`kind` cannot be changed. Create another endpoint of the other kind.",
        ),
        (
            "/v1/api-keys/{key}",
            {"role": "viewer"},
            "`role` cannot be changed. To change permissions, create another key and revoke this one.",
        ),
    ],
)
def test_patch_of_other_resources_says_why_it_is_refused(
    acme: Client, path: str, change: dict[str, str], reason: str
) -> None:
    endpoint = acme.listen()["id"]
    key = acme.post("/v1/api-keys", {"name": "key"}, format="json").json()["id"]

    refused = patch(acme, path.format(endpoint=endpoint, key=key), **change)

    assert (refused.status_code, list(errors(refused).values())) == (400, [reason])
