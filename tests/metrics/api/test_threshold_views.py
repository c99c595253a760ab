"""Test thresholds over HTTP: create, update, list and delete; their application by a worker; and refusals."""

from typing import Any

import pytest

from accounts.agencies import lifecycle as agencies
from metrics import tasks
from tests import build, messages
from tests.client import Client
from tests.conftest import NOON

ODR = "order_defect_rate"
PATH = "/v1/thresholds"


def put(client: Client, path: str = PATH, **body: Any) -> Any:
    usual = {"metric": ODR, "warn_at": 0.005} if path == PATH else {"warn_at": 0.005}
    return client.put(path, usual | body, format="json")


def apply_now(client: Client) -> None:
    tasks.apply_thresholds(agency_id=str(client.agency.pk))


@pytest.fixture
def sold(acme: Client, shop: str) -> str:
    """Create an account with three defects in five hundred orders: 0.6 %."""
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=500)))
    acme.post_defects(shop, *[build.defect(order=build.order_id(number)) for number in (1, 2, 3)])
    return shop


def test_threshold_is_created_as_requested(acme: Client, shop: str) -> None:
    where: dict[str, Any] = {"account": shop, "marketplace": "US", "channel": "mfn"}
    body: dict[str, Any] = {
        "warn_at": 0.0075,
        "clear_at": 0.0025,
        "for_days": 2,
        "keep_days": 3,
        "min_denominator": 50,
    }

    response = put(acme, **where, **body)

    answered = response.json()
    assert response.status_code == 201
    assert response["Location"] == f"{PATH}/{answered['id']}"
    assert answered == {
        "id": answered["id"],
        "metric": ODR,
        **where,
        **body,
        "changed_at": answered["changed_at"],
    }
    assert acme.read(f"{PATH}/{answered['id']}") == answered
    assert acme.read(PATH) == {"data": [answered], "next_cursor": None}


def test_threshold_without_scope_and_settings_uses_defaults(acme: Client) -> None:
    answered = put(acme).json()

    assert {name: answered[name] for name in ("account", "marketplace", "channel")} == dict.fromkeys(
        ("account", "marketplace", "channel")
    )
    assert (
        answered["clear_at"],
        answered["for_days"],
        answered["keep_days"],
        answered["min_denominator"],
    ) == (0.005, 0, 0, 0)


def test_threshold_of_the_same_scope_is_updated(acme: Client) -> None:
    first = put(acme, marketplace=None)

    second = put(acme, warn_at=0.004)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert [each["warn_at"] for each in acme.read(PATH)["data"]] == [0.004]


def test_threshold_of_another_scope_is_created(acme: Client, shop: str) -> None:
    scopes: list[dict[str, str]] = [
        {},
        {"account": shop},
        {"marketplace": "US"},
        {"channel": "afn"},
        {"metric": "return_rate"},
    ]

    statuses = [put(acme, **scope).status_code for scope in scopes]

    assert statuses == [201] * len(scopes)
    assert len({each["id"] for each in acme.read(PATH)["data"]}) == len(scopes)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"metric": ODR}, 2),
        ({"metric": "return_rate"}, 1),
        ({"marketplace": "US"}, 1),
        ({"channel": "mfn"}, 1),
        ({"account": "shop"}, 1),
        ({"limit": 2}, 2),
    ],
)
def test_thresholds_are_filtered(acme: Client, shop: str, body: dict[str, Any], expected: int) -> None:
    for scope in ({}, {"metric": "return_rate", "marketplace": "US"}, {"account": shop, "channel": "mfn"}):
        assert put(acme, **scope).status_code == 201
    body = body | ({"account": shop} if "account" in body else {})

    assert len(acme.read(PATH, **body)["data"]) == expected


def test_threshold_is_updated_by_id_and_keeps_its_scope(acme: Client, shop: str) -> None:
    drawn = put(acme, account=shop, for_days=3).json()
    path = f"{PATH}/{drawn['id']}"

    changed = put(acme, path, warn_at=0.002, metric=ODR, account=shop, channel=None)
    moved = put(acme, path, metric="return_rate", account=None)

    assert (changed.status_code, moved.status_code) == (200, 409)
    assert changed.json() | {"changed_at": ""} == drawn | {
        "warn_at": 0.002,
        "clear_at": 0.002,
        "for_days": 0,
        "changed_at": "",
    }
    assert {each["pointer"] for each in moved.json()["errors"]} == {"/metric", "/account"}


def test_threshold_deleted_is_not_found(acme: Client) -> None:
    path = f"{PATH}/{put(acme).json()['id']}"

    removed = acme.delete(path)

    assert removed.status_code == 204
    assert [acme.get(path).status_code, acme.delete(path).status_code, put(acme, path).status_code] == [
        404
    ] * 3
    assert acme.read(PATH)["data"] == []
    assert put(acme).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"metric": "imagined"}, "/metric"),
        ({"warn_at": None}, "/warn_at"),
        ({"warn_at": "much"}, "/warn_at"),
        ({"warn_at": True}, "/warn_at"),
        ({"warn_at": -0.001}, "/warn_at"),
        ({"warn_at": 0.0000001}, "/warn_at"),
        ({"warn_at": 1e300}, "/warn_at"),
        ({"warn_at": 0.011}, "/warn_at"),
        ({"clear_at": 0.006}, "/clear_at"),
        ({"marketplace": "XX"}, "/marketplace"),
        ({"channel": "all"}, "/channel"),
        ({"channel": "post"}, "/channel"),
        ({"for_days": -1}, "/for_days"),
        ({"for_days": 91}, "/for_days"),
        ({"keep_days": 1.5}, "/keep_days"),
        ({"min_denominator": "x"}, "/min_denominator"),
    ],
)
def test_threshold_that_is_invalid_is_refused_with_its_field(
    acme: Client, body: dict[str, Any], pointer: str
) -> None:
    response = put(acme, **body)

    assert response.status_code in {400, 409}
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]
    assert acme.read(PATH)["data"] == []


def test_threshold_weaker_than_the_target_is_refused_with_the_target(acme: Client) -> None:
    problem = put(acme, warn_at=0.02).json()

    assert problem["errors"][0]["detail"] == (
        "`warn_at` must be at least as strict as Amazon's target (below 1 %). You sent 2 %."
    )


def test_threshold_of_another_agency_is_not_found(acme: Client, rival: Client, shop: str) -> None:
    drawn = put(acme, account=shop).json()

    responses = [
        put(rival, account=shop),
        rival.get(PATH, {"account": shop}),
        rival.get(f"{PATH}/{drawn['id']}"),
        put(rival, f"{PATH}/{drawn['id']}"),
        rival.delete(f"{PATH}/{drawn['id']}"),
    ]

    assert [answer.status_code for answer in responses] == [404] * len(responses)
    assert rival.read(PATH)["data"] == []
    assert acme.read(PATH)["data"] == [drawn]


def test_metrics_name_the_threshold_that_applies(acme: Client, sold: str) -> None:
    before = acme.odr(sold)
    drawn = put(acme, clear_at=0.0025, for_days=1, keep_days=2, min_denominator=100).json()
    apply_now(acme)

    after = acme.odr(sold)
    points = acme.read(f"/v1/accounts/{sold}/metrics/{ODR}/history")["points"]
    assert (before["status"], before["warning"]["source"], before["warning"]["threshold"]) == (
        "healthy",
        "default",
        None,
    )
    assert (after["status"], after["warning"]) == (
        "at_risk",
        {
            "comparator": "lt",
            "value": 0.005,
            "source": "custom",
            "threshold": drawn["id"],
            "clear_at": 0.0025,
            "for_days": 1,
            "keep_days": 2,
            "min_denominator": 100,
        },
    )
    assert (after["target"], after["meets_target"]) == (
        {"comparator": "lt", "value": 0.01, "source": "default"},
        True,
    )
    assert [point["warning"]["source"] for point in points[-2:]] == ["default", "custom"]
    assert (points[-1]["status"], points[-1]["target"]["source"]) == ("at_risk", "default")


def test_metrics_as_known_before_a_threshold_are_unchanged(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics"
    before = acme.read(path)

    put(acme)
    waiting = acme.read(path)
    apply_now(acme)

    assert waiting == before
    assert acme.read(path, known_at=before["known_at"]) == before
    assert acme.odr(sold)["warning"]["source"] == "custom"


def test_threshold_is_evaluated_after_a_worker_applied_it(acme: Client, sold: str) -> None:
    threshold = put(acme).json()
    apply_now(acme)

    (warning,) = acme.read("/v1/breaches", account=sold)["data"]
    (event,) = acme.read("/v1/events", type="metric.at_risk")["data"]
    assert (warning["level"], warning["status"], warning["threshold"]) == ("warning", "open", threshold["id"])
    assert warning["target"] == {"comparator": "lt", "value": 0.005, "source": "custom"}
    assert (event["data"]["breach"], event["data"]["threshold"]) == (warning["id"], threshold["id"])


@pytest.mark.parametrize("method", ["put", "put by id", "delete"])
def test_threshold_change_is_sent_to_a_worker_after_commit(committed_db: None, method: str) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    account = acme.take_on()
    path = f"{PATH}/{put(acme, account=account, marketplace='US').json()['id']}"
    taken = messages.take()
    if method == "put":
        put(acme, marketplace="US")
    elif method == "delete":
        acme.delete(path)
    else:
        put(acme, path, warn_at=0.004)

    (task, words), *others = messages.take()
    assert "metrics.tasks.apply_thresholds" in {name for name, _ in taken}
    assert (task, others) == ("metrics.tasks.apply_thresholds", [])
    assert words["marketplace"] == "US"
    assert ("account_id" in words) == (method != "put")


def test_threshold_task_refreshes_only_accounts_in_scope(acme: Client, sold: str) -> None:
    put(acme, account=sold)

    tasks.apply_thresholds(agency_id=str(acme.agency.pk), marketplace="DE")
    elsewhere = acme.odr(sold)["warning"]["source"]
    tasks.apply_thresholds(agency_id=str(acme.agency.pk), account_id=str(acme.agency.pk))
    of_another = acme.odr(sold)["warning"]["source"]
    apply_now(acme)

    assert (elsewhere, of_another, acme.odr(sold)["warning"]["source"]) == ("default", "default", "custom")


def test_threshold_changes_are_in_the_audit_log(acme: Client) -> None:
    drawn = acme.put(
        "/v1/thresholds", {"metric": "return_rate", "warn_at": 0.2, "for_days": 2}, format="json"
    ).json()
    acme.delete(f"/v1/thresholds/{drawn['id']}")

    entries = acme.read("/v1/audit-log", about=drawn["id"])["data"]

    settings = {"warn_at": 0.2, "clear_at": 0.2, "for_days": 2, "keep_days": 0, "min_denominator": 0}
    scope = {"metric": "return_rate", "account": None, "marketplace": None, "channel": None}
    detail = scope | {"warn_at": 0.2, "for_days": 2}
    assert [(each["before"], each["after"]) for each in entries] == [(settings, None), (None, settings)]
    assert [(each["what"], each["detail"]) for each in entries] == [
        ("threshold.removed", detail),
        ("threshold.set", detail),
    ]
