"""Thresholds over HTTP: drawn, changed, listed and taken away; what a worker does then; what is refused."""

from typing import Any

import pytest

from accounts.agencies import lifecycle as agencies
from metrics import tasks
from tests import build, messages
from tests.client import Client
from tests.conftest import NOON

ODR = "order_defect_rate"
PATH = "/v1/thresholds"


def put(client: Client, path: str = PATH, **asked: Any) -> Any:
    usual = {"metric": ODR, "warn_at": 0.005} if path == PATH else {"warn_at": 0.005}
    return client.put(path, usual | asked, format="json")


def follow(client: Client) -> None:
    tasks.follow_thresholds(agency_id=str(client.agency.pk))


@pytest.fixture
def sold(acme: Client, shop: str) -> str:
    """Three defects in five hundred orders: 0.6 %."""
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=500)))
    acme.post_defects(shop, *[build.defect(order=build.order_id(number)) for number in (1, 2, 3)])
    return shop


def test_a_threshold_is_drawn_and_told_as_it_was_asked_for(acme: Client, shop: str) -> None:
    where: dict[str, Any] = {"account": shop, "marketplace": "US", "channel": "mfn"}
    asked: dict[str, Any] = {"warn_at": 0.0075, "clear_at": 0.0025, "for_days": 2, "keep_days": 3, "min_denominator": 50}

    response = put(acme, **where, **asked)

    told = response.json()
    assert response.status_code == 201
    assert response["Location"] == f"{PATH}/{told['id']}"
    assert told == {"id": told["id"], "metric": ODR, **where, **asked, "changed_at": told["changed_at"]}
    assert acme.read(f"{PATH}/{told['id']}") == told
    assert acme.read(PATH) == {"data": [told], "next_cursor": None}


def test_what_is_not_named_is_everything_and_nothing(acme: Client) -> None:
    told = put(acme).json()

    assert {name: told[name] for name in ("account", "marketplace", "channel")} == dict.fromkeys(
        ("account", "marketplace", "channel")
    )
    assert (told["clear_at"], told["for_days"], told["keep_days"], told["min_denominator"]) == (0.005, 0, 0, 0)


def test_the_same_scope_again_changes_its_threshold(acme: Client) -> None:
    first = put(acme, marketplace=None)

    second = put(acme, warn_at=0.004)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert [each["warn_at"] for each in acme.read(PATH)["data"]] == [0.004]


def test_another_scope_is_another_threshold(acme: Client, shop: str) -> None:
    scopes: list[dict[str, str]] = [{}, {"account": shop}, {"marketplace": "US"}, {"channel": "afn"}, {"metric": "return_rate"}]

    answers = [put(acme, **scope).status_code for scope in scopes]

    assert answers == [201] * len(scopes)
    assert len({each["id"] for each in acme.read(PATH)["data"]}) == len(scopes)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"metric": ODR}, 2),
        ({"metric": "return_rate"}, 1),
        ({"marketplace": "US"}, 1),
        ({"channel": "mfn"}, 1),
        ({"account": "shop"}, 1),
        ({"limit": 2}, 2),
    ],
)
def test_a_list_is_narrowed(acme: Client, shop: str, asked: dict[str, Any], found: int) -> None:
    for scope in ({}, {"metric": "return_rate", "marketplace": "US"}, {"account": shop, "channel": "mfn"}):
        assert put(acme, **scope).status_code == 201
    asked = asked | ({"account": shop} if "account" in asked else {})

    assert len(acme.read(PATH, **asked)["data"]) == found


def test_a_threshold_is_changed_by_its_id_and_keeps_its_scope(acme: Client, shop: str) -> None:
    drawn = put(acme, account=shop, for_days=3).json()
    path = f"{PATH}/{drawn['id']}"

    changed = put(acme, path, warn_at=0.002, metric=ODR, account=shop, channel=None)
    moved = put(acme, path, metric="return_rate", account=None)

    assert (changed.status_code, moved.status_code) == (200, 409)
    assert changed.json() | {"changed_at": ""} == drawn | {"warn_at": 0.002, "clear_at": 0.002, "for_days": 0, "changed_at": ""}
    assert {each["pointer"] for each in moved.json()["errors"]} == {"/metric", "/account"}


def test_a_threshold_that_was_taken_away_is_gone(acme: Client) -> None:
    path = f"{PATH}/{put(acme).json()['id']}"

    removed = acme.delete(path)

    assert removed.status_code == 204
    assert [acme.get(path).status_code, acme.delete(path).status_code, put(acme, path).status_code] == [404] * 3
    assert acme.read(PATH)["data"] == []
    assert put(acme).status_code == 201


@pytest.mark.parametrize(
    ("asked", "pointer"),
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
def test_what_cannot_be_is_refused_with_its_field(acme: Client, asked: dict[str, Any], pointer: str) -> None:
    response = put(acme, **asked)

    assert response.status_code in {400, 409}
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]
    assert acme.read(PATH)["data"] == []


def test_a_laxer_line_is_told_what_amazon_s_target_is(acme: Client) -> None:
    problem = put(acme, warn_at=0.02).json()

    assert problem["errors"][0]["detail"] == "Amazon's target is lt 0.01: a line of your own is at least as strict."


def test_a_stranger_s_account_and_threshold_are_not_found(acme: Client, rival: Client, shop: str) -> None:
    drawn = put(acme, account=shop).json()

    answers = [
        put(rival, account=shop),
        rival.get(PATH, {"account": shop}),
        rival.get(f"{PATH}/{drawn['id']}"),
        put(rival, f"{PATH}/{drawn['id']}"),
        rival.delete(f"{PATH}/{drawn['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert rival.read(PATH)["data"] == []
    assert acme.read(PATH)["data"] == [drawn]


def test_answers_say_which_line_applies_and_from_where(acme: Client, sold: str) -> None:
    before = acme.odr(sold)
    drawn = put(acme, clear_at=0.0025, for_days=1, keep_days=2, min_denominator=100).json()
    follow(acme)

    after = acme.odr(sold)
    points = acme.read(f"/v1/accounts/{sold}/metrics/{ODR}/history")["points"]
    assert (before["status"], before["warning"]["source"], before["warning"]["threshold"]) == ("healthy", "default", None)
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
    assert (after["target"], after["meets_target"]) == ({"comparator": "lt", "value": 0.01, "source": "default"}, True)
    assert [point["warning"]["source"] for point in points[-2:]] == ["default", "custom"]
    assert (points[-1]["status"], points[-1]["target"]["source"]) == ("at_risk", "default")


def test_an_answer_as_known_before_is_the_same_for_ever(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics"
    before = acme.read(path)

    put(acme)
    waiting = acme.read(path)
    follow(acme)

    assert waiting == before
    assert acme.read(path, known_at=before["known_at"]) == before
    assert acme.odr(sold)["warning"]["source"] == "custom"


def test_a_new_line_is_judged_once_a_worker_followed_it(acme: Client, sold: str) -> None:
    threshold = put(acme).json()
    follow(acme)

    (warning,) = acme.read("/v1/breaches", account=sold)["data"]
    (event,) = acme.read("/v1/events", type="metric.at_risk")["data"]
    assert (warning["level"], warning["status"], warning["threshold"]) == ("warning", "open", threshold["id"])
    assert warning["target"] == {"comparator": "lt", "value": 0.005, "source": "custom"}
    assert (event["data"]["breach"], event["data"]["threshold"]) == (warning["id"], threshold["id"])


@pytest.mark.parametrize("method", ["put", "put by id", "delete"])
def test_its_accounts_are_handed_to_a_worker_once_a_change_is_committed(committed_db: None, method: str) -> None:
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
    assert (taken[-1][0], task, others) == ("metrics.tasks.follow_thresholds", "metrics.tasks.follow_thresholds", [])
    assert words["marketplace"] == "US"
    assert ("account_id" in words) == (method != "put")


def test_a_worker_judges_only_the_accounts_that_are_concerned(acme: Client, sold: str) -> None:
    put(acme, account=sold)

    tasks.follow_thresholds(agency_id=str(acme.agency.pk), marketplace="DE")
    elsewhere = acme.odr(sold)["warning"]["source"]
    tasks.follow_thresholds(agency_id=str(acme.agency.pk), account_id=str(acme.agency.pk))
    of_another = acme.odr(sold)["warning"]["source"]
    follow(acme)

    assert (elsewhere, of_another, acme.odr(sold)["warning"]["source"]) == ("default", "default", "custom")


def test_the_audit_log_says_who_drew_a_line_and_who_took_it_away(acme: Client) -> None:
    drawn = acme.put("/v1/thresholds", {"metric": "return_rate", "warn_at": 0.2, "for_days": 2}, format="json").json()
    acme.delete(f"/v1/thresholds/{drawn['id']}")

    entries = acme.read("/v1/audit-log", about=drawn["id"])["data"]

    asks = {"warn_at": 0.2, "clear_at": 0.2, "for_days": 2, "keep_days": 0, "min_denominator": 0}
    scope = {"metric": "return_rate", "account": None, "marketplace": None, "channel": None}
    detail = scope | {"warn_at": 0.2, "for_days": 2}
    assert [(each["before"], each["after"]) for each in entries] == [(asks, None), (None, asks)]
    assert [(each["what"], each["detail"]) for each in entries] == [("threshold.removed", detail), ("threshold.set", detail)]
