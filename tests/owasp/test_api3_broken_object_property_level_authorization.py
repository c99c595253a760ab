"""Test API3:2023 Broken Object Property Level Authorization: fields that cannot be set or are not shown."""

import json
from typing import Any

from tests.architecture.agency_data import AgencyIds
from tests.client import Client
from tests.owasp.conftest import READS

SMUGGLED: dict[str, Any] = {
    "id": "acct_" + "1" * 32,
    "agency": "agcy_" + "1" * 32,
    "agency_id": "00000000-0000-0000-0000-000000000001",
    "status": "healthy",
    "distance": 1,
    "open_breaches": 0,
    "created_at": "2001-01-01T00:00:00Z",
    "deleted_at": "2001-01-01T00:00:00Z",
    "selling_partner_id": "A1STOLEN",
    "home_marketplace": "JP",
}
KEPT = (
    "digest",
    "ciphertext",
    "encrypted",
    "password_hash",
    "session_key",
    "agency_id",
    "deleted_at",
    "last_recorded_at",
)


def test_extra_fields_in_update_change_nothing(acme: Client, shop: str) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    response = acme.patch(f"/v1/accounts/{shop}", SMUGGLED | {"name": "Renamed"}, format="json")

    assert response.status_code == 400
    assert acme.read(f"/v1/accounts/{shop}") == before


def test_role_cannot_be_raised_by_request_fields(acme: Client) -> None:
    made = acme.post(
        "/v1/tokens", {"role": "admin", "read_only": False, "expires_in": 60}, format="json"
    ).json()

    principal = Client(acme.agency, made["token"]).read("/v1/me")["bearer"]

    assert (principal["role"], principal["read_only"]) == ("viewer", True)


def names_in(value: Any) -> set[str]:
    """Return the names of all fields at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names_in(inner)}
    return {name for inner in value for name in names_in(inner)} if isinstance(value, list) else set()


def test_responses_show_no_internal_fields(agency_with_data: tuple[Client, AgencyIds]) -> None:
    acme, agency_ids = agency_with_data

    for operation in READS:
        response = operation.send(acme, agency_ids)

        if response.headers["Content-Type"].endswith("json"):
            assert names_in(json.loads(response.text)) & set(KEPT) == set(), operation


def test_secret_is_shown_once(acme: Client) -> None:
    secret = acme.listen()["secret"]
    key = acme.post("/v1/api-keys", {"name": "x"}, format="json").json()

    for path in (
        "/v1/webhook-endpoints",
        "/v1/api-keys",
        f"/v1/api-keys/{key['id']}",
        "/v1/audit-log",
        "/v1/me",
    ):
        response = acme.get(path).content.decode()
        assert secret not in response
        assert key["key"] not in response
