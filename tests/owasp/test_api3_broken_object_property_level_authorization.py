"""API3:2023 Broken Object Property Level Authorization: nothing is set that may not be, and nothing shown that is kept."""

import json
from typing import Any

from tests.client import Client
from tests.owasp.conftest import READS
from tests.walls.furnishing import Furnished

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
KEPT = ("digest", "ciphertext", "encrypted", "password_hash", "session_key", "agency_id", "deleted_at", "last_recorded_at")


def test_what_is_smuggled_into_a_change_changes_nothing(acme: Client, shop: str) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    response = acme.patch(f"/v1/accounts/{shop}", SMUGGLED | {"name": "Renamed"}, format="json")

    assert (response.status_code, response.json()) == (200, before | {"name": "Renamed"})


def test_nobody_becomes_more_by_saying_so(acme: Client) -> None:
    made = acme.post("/v1/tokens", {"role": "admin", "read_only": False, "expires_in": 60}, format="json").json()

    told = Client(acme.agency, made["token"]).read("/v1/me")["bearer"]

    assert (told["role"], told["read_only"]) == ("viewer", True)


def names_in(value: Any) -> set[str]:
    """The names of all fields, however deep."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names_in(inner)}
    return {name for inner in value for name in names_in(inner)} if isinstance(value, list) else set()


def test_no_answer_shows_what_is_kept_inside(furnished: tuple[Client, Furnished]) -> None:
    acme, has = furnished

    for operation in READS:
        answer = operation.ask(acme, has)

        if answer.headers["Content-Type"].endswith("json"):
            assert names_in(json.loads(answer.text)) & set(KEPT) == set(), operation


def test_a_secret_is_shown_when_it_is_made_and_never_again(acme: Client) -> None:
    secret = acme.listen()["secret"]
    key = acme.post("/v1/api-keys", {"name": "x"}, format="json").json()

    for path in ("/v1/webhook-endpoints", "/v1/api-keys", f"/v1/api-keys/{key['id']}", "/v1/audit-log", "/v1/me"):
        answer = acme.get(path).content.decode()
        assert secret not in answer
        assert key["key"] not in answer
