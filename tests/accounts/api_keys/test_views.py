"""Test views of API keys: create, list, update, revoke and rotate."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.api_keys import secrets as key_secrets
from accounts.models import ApiKey, AuditEntry, Role
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

KEYS = "/v1/api-keys"
DAY = timedelta(days=1)


def create_key(client: Client, **fields: Any) -> dict[str, Any]:
    response = client.post(KEYS, {"name": "front end"} | fields, format="json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def create_client(client: Client, **rights: Any) -> Client:
    """Return a client with another key of the same agency."""
    return Client(client.agency, create_key(client, **rights)["key"])


def later(**time: float) -> str:
    return (timezone.now() + timedelta(**time)).isoformat()


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def list_audit_entries(client: Client) -> list[str]:
    with context.agency(client.agency.pk):
        return list(
            AuditEntry.objects.filter(what__startswith="key.").order_by("id").values_list("what", flat=True)
        )


def test_new_key_is_shown_once_and_authenticates(acme: Client) -> None:
    response = acme.post(KEYS, {"name": " front end "}, format="json")

    made = response.json()
    text = made.pop("key")
    assert (response.status_code, response["Location"], response["Cache-Control"]) == (
        201,
        f"{KEYS}/{made['id']}",
        "no-store",
    )
    assert text.startswith(made["prefix"] + "_")
    assert (made["name"], made["role"], made["read_only"], made["accounts"]) == (
        "front end",
        "admin",
        False,
        None,
    )
    assert (made["expires_at"], made["revoked_at"], made["replaces"], made["last_used_at"]) == (
        None,
        None,
        None,
        None,
    )
    assert (
        Client(acme.agency, text).read(f"{KEYS}/{made['id']}").items()
        >= {"id": made["id"], "name": "front end"}.items()
    )
    assert text[21:] not in acme.get(KEYS).content.decode() + acme.get("/v1/audit-log").content.decode()


def test_key_text_is_in_no_table(acme: Client) -> None:
    secret = create_key(acme)["key"][21:]

    with context.agency(acme.agency.pk), connection.cursor() as cursor:
        for table in ("accounts_apikey", "accounts_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {table}::text LIKE %s", [f"%{secret}%"])
            assert cursor.fetchone() == (0,)


def test_key_has_given_rights(acme: Client, shop: str) -> None:
    limited = create_key(
        acme, role="manager", read_only=True, accounts=[shop, shop], expires_at=later(days=1)
    )

    assert (limited["role"], limited["read_only"], limited["accounts"]) == ("manager", True, [shop])
    me = Client(acme.agency, limited["key"]).read("/v1/me")
    assert (
        me["bearer"].items()
        >= {"role": "manager", "read_only": True, "accounts": [shop], "kind": "key"}.items()
    )
    assert me["bearer"]["expires_at"] == limited["expires_at"]
    assert me["may"] == ["read"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "  "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "\0"}, "/name"),
        ({"role": "owner"}, "/role"),
        ({"role": None}, "/role"),
        ({"read_only": "perhaps"}, "/read_only"),
        ({"accounts": []}, "/accounts"),
        ({"accounts": "all"}, "/accounts"),
        ({"accounts": [None], "role": "viewer"}, "/accounts/0"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
    ],
    ids=str,
)
def test_create_key_refuses_invalid_fields(acme: Client, fields: dict[str, Any], pointer: str) -> None:
    response = acme.post(KEYS, {"name": "front end"} | fields, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)
    assert len(acme.read(KEYS)["data"]) == 1


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"accounts": ["acct_" + "0" * 32], "role": "viewer"}, 404, "/accounts/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 409, "/expires_at"),
    ],
)
def test_create_key_refuses_unknown_account_and_past_expiry(
    acme: Client, fields: dict[str, Any], status: int, pointer: str
) -> None:
    response = acme.post(KEYS, {"name": "front end"} | fields, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (status, pointer)
    assert len(acme.read(KEYS)["data"]) == 1


def test_key_with_account_limit_cannot_be_admin(acme: Client, shop: str) -> None:
    response = acme.post(KEYS, {"name": "front end", "accounts": [shop]}, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (409, "/accounts")


def test_key_limit_with_account_of_other_agency_is_refused(acme: Client, rival: Client) -> None:
    other_account = rival.take_on()

    response = acme.post(
        KEYS, {"name": "front end", "role": "viewer", "accounts": [other_account]}, format="json"
    )

    error = {"pointer": "/accounts/0", "detail": "No account has this ID."}
    assert (response.status_code, response.json()["errors"]) == (404, [error])


def test_keys_are_listed_newest_first_with_inactive_ones(acme: Client) -> None:
    made = [create_key(acme, name=f"key {n}")["id"] for n in range(4)]
    acme.delete(f"{KEYS}/{made[1]}")

    first = acme.read(KEYS, limit=3)
    second = acme.read(KEYS, limit=3, cursor=first["next_cursor"])

    assert [key["id"] for key in first["data"]] == made[:0:-1]
    assert [key["name"] for key in second["data"]] == ["key 0", "first key"]
    assert [bool(key["revoked_at"]) for key in first["data"]] == [False, False, True]
    assert second["next_cursor"] is None


def test_keys_list_has_no_tokens(acme: Client) -> None:
    acme.post("/v1/tokens", {}, format="json")

    assert [key["name"] for key in acme.read(KEYS)["data"]] == ["first key"]


def test_key_update_changes_name_only(acme: Client) -> None:
    made = create_key(acme, role="viewer")

    refused = acme.patch(
        f"{KEYS}/{made['id']}", {"name": "other", "role": "admin", "read_only": True}, format="json"
    )
    response = acme.patch(f"{KEYS}/{made['id']}", {"name": "other", "role": "viewer"}, format="json")
    acme.patch(f"{KEYS}/{made['id']}", {"name": "other"}, format="json")
    acme.patch(f"{KEYS}/{made['id']}", {}, format="json")

    assert response.json() == {name: value for name, value in made.items() if name != "key"} | {
        "name": "other"
    }
    assert list_audit_entries(acme) == ["key.created", "key.renamed"]
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/role", "/read_only"]


def test_revoked_key_does_not_authenticate_and_stays_in_list(acme: Client) -> None:
    made = create_key(acme)

    statuses = [acme.delete(f"{KEYS}/{made['id']}").status_code for _ in range(2)]

    assert statuses == [204, 204]
    assert Client(acme.agency, made["key"]).get("/v1/me").status_code == 401
    assert acme.get(f"{KEYS}/{made['id']}").status_code == 404
    assert acme.patch(f"{KEYS}/{made['id']}", {"name": "other"}, format="json").status_code == 404
    assert acme.read(KEYS)["data"][0]["revoked_at"] is not None
    assert list_audit_entries(acme) == ["key.created", "key.revoked"]


def test_key_can_revoke_itself_even_the_last_one(acme: Client) -> None:
    (first,) = acme.read(KEYS)["data"]

    response = acme.delete(f"{KEYS}/{first['id']}")

    assert response.status_code == 204
    assert acme.get("/v1/me").status_code == 401


def test_expired_key_is_unknown(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="old", expires_at=NOON, now=NOON - DAY)

    assert key_secrets.authenticate(text=text, now=NOON - timedelta(seconds=1)).name == "old"
    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=text, now=NOON)


def test_rotated_key_and_successor_are_valid_during_overlap(acme: Client, shop: str) -> None:
    old = create_key(acme, role="viewer", accounts=[shop], read_only=True)

    response = acme.post(f"{KEYS}/{old['id']}/rotate", {}, format="json")

    new, now = response.json(), timezone.now()
    same = ("name", "role", "read_only", "accounts")
    assert response.status_code == 201
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert (new["replaces"], new["expires_at"]) == (old["id"], None)
    assert new["key"] != old["key"]
    ends = datetime.fromisoformat(acme.read(f"{KEYS}/{old['id']}")["expires_at"])
    assert timedelta(hours=23, minutes=59) < ends - now < timedelta(hours=24)
    assert key_secrets.authenticate(text=old["key"], now=ends - timedelta(seconds=1))
    with pytest.raises(key_secrets.UnknownKey):
        key_secrets.authenticate(text=old["key"], now=ends)
    assert list_audit_entries(acme) == ["key.created", "key.rotated"]


def test_rotated_key_without_overlap_ends_at_once(acme: Client) -> None:
    old = create_key(acme)

    new = acme.post(f"{KEYS}/{old['id']}/rotate", {"overlap_seconds": 0}, format="json").json()

    assert [Client(acme.agency, each["key"]).get("/v1/me").status_code for each in (old, new)] == [401, 200]


def test_rotation_keeps_expiry(acme: Client) -> None:
    old = create_key(acme, expires_at=later(hours=2))

    new = acme.post(f"{KEYS}/{old['id']}/rotate", {"overlap_seconds": 604_800}, format="json").json()

    assert new["expires_at"] == old["expires_at"] == acme.read(f"{KEYS}/{old['id']}")["expires_at"]


@pytest.mark.parametrize("seconds", [-1, 604_801, "long", None])
def test_rotation_overlap_is_zero_to_a_week(acme: Client, seconds: Any) -> None:
    key = create_key(acme)

    response = acme.post(f"{KEYS}/{key['id']}/rotate", {"overlap_seconds": seconds}, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/overlap_seconds")


def test_rotation_of_rotated_or_inactive_key_is_refused(acme: Client) -> None:
    old, over = create_key(acme), create_key(acme)
    acme.delete(f"{KEYS}/{over['id']}")

    responses = [acme.post(f"{KEYS}/{each['id']}/rotate", {}, format="json") for each in (old, old, over)]

    assert responses[0].status_code == 201
    assert [refusal(answer) for answer in responses[1:]] == [(409, "key-replaced"), (409, "key-over")]


def test_rotation_revokes_invitations_of_key(acme: Client) -> None:
    key_id = acme.read("/v1/me")["key"]["id"]
    acme.post("/v1/invitations", {"email": "mei@acme.example", "role": "admin"}, format="json")

    rotated = acme.post(f"{KEYS}/{key_id}/rotate", {"overlap_seconds": 60}, format="json")

    assert rotated.status_code == 201
    assert acme.read("/v1/invitations")["data"] == []
    assert [entry["what"] for entry in acme.read("/v1/audit-log")["data"]][:2] == [
        "invitation.revoked",
        "key.rotated",
    ]


def test_expiring_key_cannot_create_key_that_expires_later(acme: Client) -> None:
    ending = create_client(acme, expires_at=later(hours=1))
    lasting = create_key(acme)

    refused = [
        ending.post(KEYS, {"name": "x"} | more, format="json")
        for more in ({}, {"expires_at": later(hours=2)})
    ]
    rotated = ending.post(f"{KEYS}/{lasting['id']}/rotate", {}, format="json")
    sooner = create_key(ending, expires_at=later(minutes=30))

    assert [(each.status_code, each.json()["errors"][0]["pointer"]) for each in refused] == [
        (409, "/expires_at")
    ] * 2
    assert refusal(rotated) == (403, "not-permitted")
    assert sooner["expires_at"] is not None


WRITES = (
    ("post", KEYS),
    ("patch", f"{KEYS}/{{id}}"),
    ("delete", f"{KEYS}/{{id}}"),
    ("post", f"{KEYS}/{{id}}/rotate"),
)


@pytest.mark.parametrize(
    "rights", [{"role": "manager"}, {"role": "viewer"}, {"role": "manager", "accounts": True}], ids=str
)
def test_keys_require_admin(acme: Client, shop: str, rights: dict[str, Any]) -> None:
    client = create_client(acme, **rights | ({"accounts": [shop]} if "accounts" in rights else {}))
    key = create_key(acme)["id"]

    for method, path in (*WRITES, ("get", KEYS), ("get", f"{KEYS}/{{id}}"), ("head", KEYS)):
        response = getattr(client, method)(
            path.format(id=key), {"name": "x"} if method != "get" else None, format="json"
        )
        assert response.status_code == 403, (method, path)


def test_keys_cannot_be_changed_by_read_only_admin(acme: Client) -> None:
    reading = create_client(acme, read_only=True)
    key = create_key(acme)["id"]

    assert {
        getattr(reading, method)(path.format(id=key), {"name": "x"}, format="json").status_code
        for method, path in WRITES
    } == {403}
    assert len(reading.read(KEYS)["data"]) == 3
    assert reading.read("/v1/me")["may"] == ["read"]


def test_key_of_other_agency_is_not_found(acme: Client, rival: Client) -> None:
    other_key = rival.read("/v1/me")["key"]["id"]

    for method, path in (*WRITES[1:], ("get", f"{KEYS}/{{id}}")):
        responses = [
            getattr(acme, method)(
                path.format(id=each), {"name": "x"} if method != "get" else None, format="json"
            )
            for each in (other_key, "key_" + "0" * 32)
        ]
        assert [answer.status_code for answer in responses] == [404, 404]
        assert responses[0].json()["detail"] == responses[1].json()["detail"]
    assert rival.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("role", "may"),
    [("admin", ["read", "write", "administer"]), ("manager", ["read", "write"]), ("viewer", ["read"])],
)
def test_me_shows_permissions_of_key(acme: Client, role: str, may: list[str]) -> None:
    me = create_client(acme, role=role, name=f"a {role}").read("/v1/me")

    assert me["may"] == may
    assert (me["bearer"]["id"], me["bearer"]["name"]) == (me["key"]["id"], f"a {role}")


def test_database_refuses_admin_key_with_account_limit(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        assert not ApiKey.objects.filter(role=Role.ADMIN).exclude(accounts=None).exists()
