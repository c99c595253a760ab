"""Test endpoints over HTTP: create, list, update, disable and delete, within one agency."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Actor
from accounts.tenancy import context
from api import identifiers
from ingestion import erasure
from tests.client import Client
from tests.clock import NOW
from tests.conftest import NOON
from tests.webhooks.event_builders import (
    DAY,
    HOUR,
    change,
    disable,
    finish_delivery,
    lease_delivery,
    list_audit_entries,
    list_deliveries,
    publish_event,
)
from webhooks.endpoints import lifecycle as endpoints
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events.catalogue import PATTERNS
from webhooks.models import Endpoint, EndpointSecret

PATH = "/v1/webhook-endpoints"
URL = "https://hooks.example.com/in"
CHAT = "https://hooks.slack.com/services/T000/B000/verysecret"
NO_SUCH_ACCOUNT = "acct_" + "0" * 31 + "1"


def post(client: Client, **fields: Any) -> Any:
    return client.post(PATH, fields, format="json")


def pointers(response: Any) -> list[str]:
    assert response.status_code in {400, 404, 409}, response.content
    return [error["pointer"] for error in response.json()["errors"]]


def stored_secrets(client: Client) -> list[Endpoint]:
    with context.agency(client.agency.pk):
        return list(Endpoint.objects.order_by("pk"))


def test_new_endpoint_has_documented_shape_and_shows_secret_once(acme: Client, shop: str) -> None:
    response = post(
        acme, url=URL, event_types=["breach.*", "report.loaded"], accounts=[shop], description="On call"
    )

    assert response.status_code == 201
    answer = response.json()
    secret = answer.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert timezone.now() - datetime.fromisoformat(answer.pop("created_at")) < timedelta(minutes=1)
    assert answer == {
        "id": answer["id"],
        "kind": "webhook",
        "url": URL,
        "description": "On call",
        "event_types": ["breach.*", "report.loaded"],
        "accounts": [shop],
        "enabled": True,
        "disabled_at": None,
        "disabled_reason": None,
        "failing_since": None,
        "confirmation": None,
        "digest_at": None,
    }
    assert response.headers["Location"] == f"{PATH}/{answer['id']}"
    for path in (PATH, f"{PATH}/{answer['id']}"):
        assert "secret" not in acme.get(path).content.decode()


def test_endpoint_defaults_to_webhook_for_all_events(acme: Client) -> None:
    endpoint = acme.listen()

    assert (endpoint["kind"], endpoint["event_types"], endpoint["accounts"]) == ("webhook", ["*"], None)
    assert (endpoint["description"], endpoint["enabled"]) == (None, True)


def test_secret_shown_is_the_one_that_signs(acme: Client) -> None:
    endpoint = acme.listen()

    with context.agency(acme.agency.pk):
        (secrets,) = endpoint_secrets.signing_secrets(
            agency_id=acme.agency.pk, endpoint_ids=[stored_secrets(acme)[0].pk], now=timezone.now()
        ).values()
    assert secrets == [base64.b64decode(endpoint["secret"].removeprefix("whsec_"))]


@pytest.mark.parametrize(("kind", "url"), [("email", "mailto:on-call@example.com"), ("slack", CHAT)])
def test_email_and_chat_endpoints_have_no_secret(acme: Client, kind: str, url: str) -> None:
    endpoint = acme.listen(kind=kind, url=url)

    assert (endpoint["kind"], endpoint["secret"]) == (kind, None)
    assert stored_secrets(acme)[0].url == url
    with context.agency(acme.agency.pk):
        assert not EndpointSecret.objects.exists()


def test_chat_url_is_shown_redacted(acme: Client) -> None:
    endpoint = acme.listen(kind="slack", url=CHAT)["id"]

    bodies = [
        acme.read(PATH),
        acme.read(f"{PATH}/{endpoint}"),
        change(acme, endpoint, description="x"),
        acme.read("/v1/audit-log"),
    ]

    assert bodies[1]["url"] == "https://hooks.slack.com/…"
    assert "verysecret" not in json.dumps(bodies)
    assert stored_secrets(acme)[0].url == CHAT


def test_redacted_chat_url_is_refused(acme: Client) -> None:
    endpoint = acme.listen(kind="slack", url=CHAT)["id"]

    response = acme.patch(
        f"{PATH}/{endpoint}", {"url": acme.read(f"{PATH}/{endpoint}")["url"]}, format="json"
    )

    assert pointers(response) == ["/url"]
    assert stored_secrets(acme)[0].url == CHAT


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"url": None}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "http://hooks.example.com"}, "/url"),
        ({"url": "https://u:p@hooks.example.com"}, "/url"),
        ({"url": "https://hooks.example.com/" + "a" * 2000}, "/url"),
        ({"url": "https://hooks.example.com/\0"}, "/url"),
        ({"url": ["https://hooks.example.com"]}, "/url"),
        ({"kind": "pigeon"}, "/kind"),
        ({"kind": "email"}, "/url"),
        ({"kind": "email", "url": "mailto:a@example.com?bcc=b@example.com"}, "/url"),
        ({"kind": "slack", "url": "http://hooks.slack.com/x"}, "/url"),
        ({"event_types": []}, "/event_types"),
        ({"event_types": None}, "/event_types"),
        ({"event_types": "breach.*"}, "/event_types"),
        ({"event_types": ["breach.*", "breach.imagined"]}, "/event_types/1"),
        ({"event_types": ["bre*"]}, "/event_types/0"),
        ({"event_types": ["**"]}, "/event_types/0"),
        ({"event_types": [7]}, "/event_types/0"),
        ({"event_types": ["*"] * 100}, "/event_types"),
        ({"accounts": []}, "/accounts"),
        ({"accounts": "acct_x"}, "/accounts"),
        ({"accounts": ["acct_x"]}, "/accounts/0"),
        ({"accounts": [NO_SUCH_ACCOUNT]}, "/accounts/0"),
        ({"accounts": [None]}, "/accounts/0"),
        ({"description": "a" * 501}, "/description"),
        ({"description": {"a": 1}}, "/description"),
    ],
)
def test_invalid_field_is_refused_with_pointer(acme: Client, wrong: dict[str, Any], pointer: str) -> None:
    assert pointers(post(acme, **{"url": URL} | wrong)) == [pointer]
    assert stored_secrets(acme) == []
    assert list_audit_entries(acme) == []


def test_unknown_event_type_is_refused_with_known_types(acme: Client) -> None:
    response = post(acme, url=URL, event_types=["order.shipped"])

    (error,) = response.json()["errors"]
    assert error["detail"] == f"Expected one of {', '.join(PATTERNS)}."
    assert {"*", "breach.*", "breach.opened", "endpoint.test"} < set(PATTERNS)


def test_account_of_another_agency_is_refused_like_unknown_account(
    acme: Client, rival: Client, shop: str
) -> None:
    other_account = rival.take_on(partner="A2RIVAL")
    handed_back = acme.take_on(partner="A3GONE")
    acme.delete(f"/v1/accounts/{handed_back}")

    bodies = [
        post(acme, url=URL, accounts=[shop, account]).json()
        for account in (other_account, handed_back, NO_SUCH_ACCOUNT, "x")
    ]

    for answer in bodies:
        answer.pop("request_id")
    assert bodies[0] == bodies[1] == bodies[2] == bodies[3]
    assert bodies[0]["errors"] == [{"pointer": "/accounts/1", "detail": "No account has this ID."}]


def test_repeated_values_are_stored_once(acme: Client, shop: str) -> None:
    endpoint = acme.listen(event_types=["breach.*", "*", "breach.*"], accounts=[shop, shop])

    assert (endpoint["event_types"], endpoint["accounts"]) == (["breach.*", "*"], [shop])


def test_endpoints_can_have_the_same_url(acme: Client) -> None:
    first, second = acme.listen(url=URL), acme.listen(url=URL)

    assert first["id"] != second["id"]
    assert first["secret"] != second["secret"]


def test_endpoints_are_listed_newest_first(acme: Client) -> None:
    newest_first = [acme.listen()["id"] for _ in range(5)][::-1]

    first = acme.read(PATH, limit=2)
    second = acme.read(PATH, limit=3, cursor=first["next_cursor"])

    assert [each["id"] for each in first["data"] + second["data"]] == newest_first
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://other.example.com/in"},
        {"event_types": ["report.*"]},
        {"description": "Another"},
        {"description": None},
        {"accounts": None},
        {"url": "https://other.example.com/in", "event_types": ["*"], "description": "x"},
        {},
    ],
)
def test_update_changes_given_fields_only(acme: Client, shop: str, changed: dict[str, Any]) -> None:
    before = acme.listen(event_types=["breach.*"], accounts=[shop], description="On call")
    before.pop("secret")

    after = change(acme, before["id"], **changed)

    assert after == before | changed
    assert acme.read(f"{PATH}/{before['id']}") == after


def test_endpoint_without_description_answers_null(acme: Client) -> None:
    endpoint = acme.listen(description="On call")

    assert change(acme, endpoint["id"], description="")["description"] is None


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"url": "http://hooks.example.com"}, "/url"),
        ({"url": "mailto:on-call@example.com"}, "/url"),
        ({"event_types": []}, "/event_types"),
        ({"event_types": ["nothing.*"]}, "/event_types/0"),
        ({"accounts": [NO_SUCH_ACCOUNT]}, "/accounts/0"),
        ({"accounts": []}, "/accounts"),
        ({"enabled": "perhaps"}, "/enabled"),
        ({"enabled": None}, "/enabled"),
        ({"description": 7}, "/description"),
    ],
)
def test_invalid_update_changes_nothing(acme: Client, wrong: dict[str, Any], pointer: str) -> None:
    before = acme.listen()
    before.pop("secret")

    response = acme.patch(f"{PATH}/{before['id']}", {"description": "new"} | wrong, format="json")

    assert pointers(response) == [pointer]
    assert acme.read(f"{PATH}/{before['id']}") == before


def test_kind_cannot_be_changed(acme: Client) -> None:
    endpoint = acme.listen()["id"]

    response = acme.patch(f"{PATH}/{endpoint}", {"kind": "slack"}, format="json")

    assert (response.status_code, pointers(response)) == (400, ["/kind"])
    assert change(acme, endpoint, kind="webhook")["kind"] == "webhook"


def test_disabled_endpoint_has_time_and_reason_and_gets_no_events(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]

    disabled = change(acme, endpoint, enabled=False)
    publish_event(acme, shop)

    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "by_hand")
    assert timezone.now() - datetime.fromisoformat(disabled["disabled_at"]) < timedelta(minutes=1)
    assert list_deliveries(acme, endpoint) == []


def test_disabling_ends_deliveries_that_are_not_leased(acme: Client, shop: str) -> None:
    endpoint, other = acme.listen()["id"], acme.listen()["id"]
    for _ in range(4):
        publish_event(acme, shop)
    waiting, in_hand, lost, arrived = (each["id"] for each in list_deliveries(acme, endpoint))
    finish_delivery(acme, arrived)
    lease_delivery(acme, in_hand, until=timezone.now() + HOUR)
    lease_delivery(acme, lost, until=timezone.now() - HOUR)

    disable(acme, endpoint)

    states = {each["id"]: each["state"] for each in list_deliveries(acme, endpoint)}
    assert states == {waiting: "failed", in_hand: "pending", lost: "failed", arrived: "delivered"}
    assert {each["state"] for each in list_deliveries(acme, other)} == {"pending"}


def test_enabling_resets_reason_and_failing_since(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    with context.agency(acme.agency.pk):
        Endpoint.objects.update(failing_since=NOW - 5 * DAY, disabled_at=NOW, disabled_reason="failing")
    assert acme.read(f"{PATH}/{endpoint}")["disabled_reason"] == "failing"

    enabled = change(acme, endpoint, enabled=True)
    publish_event(acme, shop)

    assert [enabled[name] for name in ("enabled", "disabled_at", "disabled_reason", "failing_since")] == [
        True,
        None,
        None,
        None,
    ]
    assert len(list_deliveries(acme, endpoint)) == 1


def test_update_with_same_values_is_not_audited(acme: Client) -> None:
    endpoint = acme.listen()["id"]
    change(acme, endpoint, enabled=True, url="https://hooks.example.com/in")
    first = change(acme, endpoint, enabled=False)
    second = change(acme, endpoint, enabled=False)

    assert first == second
    assert [what for what, _ in list_audit_entries(acme)] == ["endpoint.disabled", "endpoint.created"]


def test_deleting_endpoint_deletes_deliveries_and_keeps_events(acme: Client, shop: str) -> None:
    endpoint, other = acme.listen()["id"], acme.listen()["id"]
    event = publish_event(acme, shop)
    (delivery,) = list_deliveries(acme, endpoint)
    finish_delivery(acme, delivery["id"])

    response = acme.delete(f"{PATH}/{endpoint}")

    assert (response.status_code, response.content) == (204, b"")
    assert acme.get(f"{PATH}/{endpoint}").status_code == 404
    assert acme.get(f"/v1/deliveries/{delivery['id']}").status_code == 404
    assert acme.delete(f"{PATH}/{endpoint}").status_code == 404
    assert [each["id"] for each in acme.read(PATH)["data"]] == [other]
    assert [each["id"] for each in acme.read("/v1/events")["data"]] == [event]
    with context.agency(acme.agency.pk):
        assert EndpointSecret.objects.count() == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "{endpoint}", {"description": "new"}),
        ("delete", "{endpoint}", {}),
        ("post", "{endpoint}/rotate-secret", {}),
        ("post", "{endpoint}/test", {}),
        ("post", "{endpoint}/recover", {"since": (NOW - DAY).isoformat()}),
        ("post", "{delivery}/redeliver", {}),
    ],
)
def test_endpoint_deleted_concurrently_is_not_found(
    committed_db: None, method: str, path: str, body: dict[str, str]
) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    acme = Client(agency, key)
    endpoint = acme.listen()["id"]
    publish_event(acme, acme.take_on())
    (delivery,) = (each["id"] for each in list_deliveries(acme, endpoint))
    finish_delivery(acme, delivery, "failed")
    where = path.format(endpoint=f"{PATH}/{endpoint}", delivery=f"/v1/deliveries/{delivery}")

    def ask() -> tuple[int, str]:
        try:
            response = getattr(Client(agency, key), method)(where, body, format="json")
            return response.status_code, response.json()["detail"]
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        with context.agency(agency.pk):
            endpoints.delete(endpoint=Endpoint.objects.get(), actor=Actor("underone"), now=NOW)
            late = threads.submit(ask)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        answer = late.result()

    assert answer == (404, f"No {'delivery' if 'delivery' in path else 'webhook endpoint'} has this ID.")
    assert [what for what, _ in list_audit_entries(acme)] == ["endpoint.deleted", "endpoint.created"]


def test_endpoints_of_agency_are_limited(acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        Endpoint.objects.bulk_create(
            Endpoint(agency=acme.agency, url=URL, event_types=["*"], created_at=NOW)
            for _ in range(endpoints.MAX_PER_AGENCY - 1)
        )
    last = acme.listen()

    response = post(acme, url=URL)

    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-endpoints")
    assert rival.listen()
    acme.delete(f"{PATH}/{last['id']}")
    assert acme.listen()


def test_limited_principal_creates_endpoints_up_to_own_limit(acme: Client, shop: str) -> None:
    other = acme.take_on(name="Other", partner="A1OTHER")
    keys = [
        acme.post(
            "/v1/api-keys", {"name": "of one", "role": "manager", "accounts": [account]}, format="json"
        ).json()["key"]
        for account in (shop, other)
    ]
    limited, other_client = (Client(acme.agency, key) for key in keys)
    made = [limited.listen()["id"] for _ in range(endpoints.MAX_PER_LIMITED_PRINCIPAL)]

    response = post(limited, url=URL)

    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-endpoints")
    assert "20 endpoints" in response.json()["detail"]
    assert other_client.listen()
    assert acme.listen()
    limited.delete(f"{PATH}/{made[0]}")
    assert limited.listen()


@pytest.mark.parametrize("is_erased", [False, True])
def test_principal_limited_to_deleted_accounts_creates_no_endpoint(
    acme: Client, shop: str, is_erased: bool
) -> None:
    body = {"name": "of one", "role": "manager", "accounts": [shop]}
    limited = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])
    acme.delete(f"/v1/accounts/{shop}")
    if is_erased:
        erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=8))

    responses = [post(limited, url=URL), post(limited, url=URL, accounts=None)]

    assert [(answer.status_code, pointers(answer)) for answer in responses] == [(409, ["/accounts"])] * 2
    assert responses[0].json()["type"] == "/problems/contradiction"
    assert stored_secrets(acme) == []
    assert acme.listen()


def test_endpoints_created_at_once_respect_the_limit(committed_db: None) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    with context.agency(agency.pk):
        Endpoint.objects.bulk_create(
            Endpoint(agency=agency, url=URL, event_types=["*"], created_at=NOW)
            for _ in range(endpoints.MAX_PER_AGENCY - 3)
        )

    def add(_: int) -> int:
        try:
            return int(post(Client(agency, key), url=URL).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = sorted(threads.map(add, range(8)))

    assert answers == [201] * 3 + [409] * 5


def rotate(client: Client, endpoint: str) -> dict[str, Any]:
    response = client.post(f"{PATH}/{endpoint}/rotate-secret")
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_rotated_secret_is_shown_once_with_expiry_of_previous(acme: Client) -> None:
    first = acme.listen()

    rotated = rotate(acme, first["id"])

    ends = datetime.fromisoformat(rotated.pop("previous_expires_at"))
    assert timedelta(hours=23, minutes=59) < ends - timezone.now() <= timedelta(hours=24)
    assert rotated.keys() == {"secret"}
    assert rotated["secret"] != first["secret"]
    with context.agency(acme.agency.pk):
        (alive,) = endpoint_secrets.signing_secrets(
            agency_id=acme.agency.pk, endpoint_ids=[stored_secrets(acme)[0].pk], now=timezone.now()
        ).values()
    assert alive == [base64.b64decode(each["secret"].removeprefix("whsec_")) for each in (rotated, first)]


@pytest.mark.parametrize(("kind", "url"), [("email", "mailto:on-call@example.com"), ("slack", CHAT)])
def test_rotation_of_unsigned_endpoint_is_refused(acme: Client, kind: str, url: str) -> None:
    endpoint = acme.listen(kind=kind, url=url)["id"]

    response = acme.post(f"{PATH}/{endpoint}/rotate-secret")

    assert (response.status_code, response.json()["type"]) == (409, "/problems/nothing-signed")


def test_rotations_at_once_leave_two_secrets_that_were_shown(committed_db: None) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    endpoint = Client(agency, key).listen()["id"]

    def rotate_concurrently(_: int) -> str:
        try:
            return str(rotate(Client(agency, key), endpoint)["secret"])
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as threads:
        shown = set(threads.map(rotate_concurrently, range(8)))

    with context.agency(agency.pk):
        endpoint_id = identifiers.private("ep", endpoint)
        (alive,) = endpoint_secrets.signing_secrets(
            agency_id=agency.pk, endpoint_ids=[endpoint_id], now=timezone.now()
        ).values()
    assert len(shown) == 8
    assert len(alive) == 2
    assert {"whsec_" + base64.b64encode(each).decode() for each in alive} < shown


def test_endpoint_changes_are_audited_without_secrets(acme: Client) -> None:
    endpoint = acme.listen(url="https://hooks.example.com/in?token=verysecret", event_types=["*"])
    about = endpoint["id"]
    change(acme, about, event_types=["breach.*"], description="new")
    disable(acme, about)
    change(acme, about, enabled=True)
    secret = rotate(acme, about)["secret"]
    acme.delete(f"{PATH}/{about}")

    entries = acme.read("/v1/audit-log", about=about)["data"]

    key = acme.read("/v1/me")["key"]
    assert [entry["what"].removeprefix("endpoint.") for entry in entries] == [
        *("deleted", "secret_rotated", "enabled", "disabled", "changed", "created"),
    ]
    assert {entry["who"] for entry in entries} == {f"{key['id']} {key['name']}"}
    assert entries[4]["detail"] == {
        "kind": "webhook",
        "host": "hooks.example.com",
        "event_types": ["breach.*"],
        "changed": ["description", "event_types"],
    }
    assert entries[4]["before"] == {"event_types": ["*"], "description": ""}
    assert entries[4]["after"] == {"event_types": ["breach.*"], "description": "new"}
    assert (entries[3]["before"], entries[3]["after"]) == ({"enabled": True}, {"enabled": False})
    assert (entries[2]["before"], entries[2]["after"]) == ({"enabled": False}, {"enabled": True})
    assert (entries[5]["before"], entries[0]["after"]) == (None, None)
    assert entries[3]["detail"] == {"reason": "by_hand", "ended": 0}
    for word in ("verysecret", secret, endpoint["secret"], "whsec_"):
        assert word not in json.dumps(entries)


def test_endpoints_of_another_agency_are_not_found(acme: Client, rival: Client) -> None:
    endpoint = acme.listen()["id"]
    responses = [
        rival.get(f"{PATH}/{endpoint}"),
        rival.patch(f"{PATH}/{endpoint}", {"enabled": False}, format="json"),
        rival.delete(f"{PATH}/{endpoint}"),
        *(
            rival.post(f"{PATH}/{endpoint}/{verb}", {}, format="json")
            for verb in ("rotate-secret", "test", "recover")
        ),
        rival.get(f"{PATH}/{endpoint}/deliveries"),
    ]

    assert [response.status_code for response in responses] == [404] * len(responses)
    assert rival.read(PATH) == {"data": [], "next_cursor": None}
    assert acme.read(f"{PATH}/{endpoint}")["enabled"] is True
    assert list_audit_entries(rival) == []


def test_deleted_account_is_removed_from_endpoint(acme: Client, shop: str) -> None:
    deleted = acme.take_on(partner="A2GONE")
    both, only, every = (
        acme.listen(accounts=accounts)["id"] for accounts in ([deleted, shop], [deleted], None)
    )
    acme.delete(f"/v1/accounts/{deleted}")

    named = {each["id"]: each["accounts"] for each in acme.read(PATH)["data"]}
    erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=8))
    publish_event(acme, shop)

    assert named == {both: [shop], only: [], every: None}
    assert [endpoint.accounts for endpoint in stored_secrets(acme)] == [
        [identifiers.private("acct", shop)],
        [],
        None,
    ]
    assert [len(list_deliveries(acme, endpoint)) for endpoint in (both, only, every)] == [1, 0, 1]
    assert acme.read(f"{PATH}/{only}")["accounts"] == []
