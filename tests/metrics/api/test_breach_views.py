"""Test breaches over HTTP: lists, filters, timelines and actions."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey
from accounts.tenancy import context, principals
from ingestion import erasure
from metrics import tasks
from metrics.alerts import actions
from metrics.models import AppliedThresholds, Breach, BreachAction, Threshold
from tests import build, clock
from tests.client import Client
from tests.clock import TODAY

ODR = "order_defect_rate"
TOMORROW = (clock.NOW + timedelta(days=1)).isoformat()


@pytest.fixture
def breached(acme: Client, shop: str) -> dict[str, Any]:
    """Create an account with one defect in fifty orders, and return its breach."""
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=50)))
    acme.post_defects(shop, build.defect(order=build.order_id(1)))
    (breach,) = acme.read("/v1/breaches")["data"]
    return dict(breach)


def resolve_breach(client: Client, shop: str) -> None:
    client.post_defects(shop, build.defect(order=build.order_id(1), state="removed"))


def send_action(client: Client, breach: dict[str, Any], what: str, **body: Any) -> Any:
    return client.post(f"/v1/breaches/{breach['id']}/{what}", body, format="json")


def list_timeline(client: Client, breach: dict[str, Any]) -> list[dict[str, Any]]:
    return list(client.read(f"/v1/breaches/{breach['id']}")["timeline"])


def test_breach_has_the_documented_shape(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    at = breached["opened_at"]
    opened = {"at": at, "what": "opened", "as_of": TODAY.isoformat(), "numerator": 1, "denominator": 50}
    nothing = dict.fromkeys(("by", "note", "until", "to", "breach", "event"))

    assert breached == {
        "id": breached["id"],
        "account": shop,
        "metric": ODR,
        "marketplace": "US",
        "channel": "mfn",
        "level": "breach",
        "status": "open",
        "opened_at": at,
        "as_of": TODAY.isoformat(),
        "basis": "own",
        "numerator": 1,
        "denominator": 50,
        "rate": 0.02,
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "threshold": None,
        "stale": False,
        "escalated_from": None,
        "acknowledged_at": None,
        "snoozed_until": None,
        "assignee": None,
        "resolved_at": None,
        "resolved_because": None,
        "timeline": [opened | nothing],
    }


def test_breach_has_its_values_day_by_day(acme: Client, breached: dict[str, Any]) -> None:
    days = acme.read(f"/v1/breaches/{breached['id']}")["days"]

    assert [day["as_of"] for day in days] == [(TODAY - timedelta(days=7 - n)).isoformat() for n in range(8)]
    assert (days[-1]["numerator"], days[-1]["denominator"], days[-1]["status"]) == (1, 50, "breached")
    assert (days[-1]["stale"], days[-1]["target"]["value"], days[-1]["warning"]["value"]) == (
        False,
        0.01,
        0.0075,
    )


def test_breach_days_end_with_the_breach_and_use_todays_knowledge(
    acme: Client, shop: str, breached: dict[str, Any]
) -> None:
    resolve_breach(acme, shop)

    answered = acme.read(f"/v1/breaches/{breached['id']}")
    assert (answered["status"], answered["resolved_because"]) == ("resolved", "kept")
    assert (answered["days"][-1]["as_of"], answered["days"][-1]["numerator"]) == (TODAY.isoformat(), 0)
    assert answered["numerator"] == 1


def test_breach_timeline_is_complete_and_ordered(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    send_action(acme, breached, "acknowledge", note="Seen")
    send_action(acme, breached, "snooze", until=TOMORROW)
    send_action(acme, breached, "assign", to="mei")
    acme.post_defects(shop, build.defect(order=build.order_id(2)))
    send_action(acme, breached, "notes", text="Two of them")
    for number in (1, 2):
        acme.post_defects(shop, build.defect(order=build.order_id(number), state="removed"))

    answered = list_timeline(acme, breached)
    happened = [(moment["what"], moment["numerator"]) for moment in answered if moment["what"] != "restated"]
    restated = [moment["numerator"] for moment in answered if moment["what"] == "restated"]
    assert happened == [
        ("opened", 1),
        ("acknowledged", None),
        ("snoozed", None),
        ("assigned", None),
        ("noted", None),
        ("resolved", 0),
    ]
    assert restated == [1, 2, 1, 0]
    assert [moment["at"] for moment in answered] == sorted(moment["at"] for moment in answered)
    assert {moment["event"][:4] for moment in answered if moment["what"] == "restated"} == {"evt_"}


def test_breach_list_has_opening_and_end_without_further_queries(
    acme: Client, shop: str, breached: dict[str, Any]
) -> None:
    send_action(acme, breached, "acknowledge")
    resolve_breach(acme, shop)
    (one,) = acme.read("/v1/breaches")["data"]
    for _ in range(3):
        acme.post_defects(shop, build.defect(order=build.order_id(1)))
        resolve_breach(acme, shop)

    with CaptureQueriesContext(connection) as of_one:
        acme.read("/v1/breaches", limit=1)
    with CaptureQueriesContext(connection) as of_all:
        listed = acme.read("/v1/breaches")["data"]

    assert [moment["what"] for moment in one["timeline"]] == ["opened", "resolved"]
    assert (len(listed), len(of_all)) == (4, len(of_one))


def test_breach_timeline_of_a_warning_has_its_escalation(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=250)))
    for numbers in ((1, 2), (3,)):
        acme.post_defects(shop, *[build.defect(order=build.order_id(number)) for number in numbers])

    breach, warning = acme.read("/v1/breaches")["data"]
    (escalated,) = [moment for moment in list_timeline(acme, warning) if moment["what"] == "escalated"]
    assert (warning["level"], breach["level"], breach["escalated_from"]) == (
        "warning",
        "breach",
        warning["id"],
    )
    assert (escalated["breach"], escalated["numerator"], escalated["denominator"]) == (breach["id"], 3, 250)
    assert warning["target"] == {"comparator": "lt", "value": 0.0075, "source": "default"}


def test_breach_acknowledgement_names_the_key(acme: Client, breached: dict[str, Any]) -> None:
    key = acme.read("/v1/me")["key"]

    response = send_action(acme, breached, "acknowledge", note="With the carrier")

    answered = response.json()
    (moment,) = [each for each in answered["timeline"] if each["what"] == "acknowledged"]
    assert (response.status_code, answered["acknowledged_at"]) == (200, moment["at"])
    assert (moment["by"], moment["note"]) == ({"key": key["id"], "name": key["name"]}, "With the carrier")
    assert acme.read(f"/v1/breaches/{breached['id']}")["acknowledged_at"] == answered["acknowledged_at"]


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("acknowledge", {"note": "Seen"}, "acknowledged_at"),
        ("snooze", {"until": TOMORROW}, "snoozed_until"),
        ("assign", {"to": "mei"}, "assignee"),
    ],
)
def test_breach_action_repeated_changes_nothing(
    acme: Client, breached: dict[str, Any], what: str, body: dict[str, Any], field: str
) -> None:
    first = send_action(acme, breached, what, **body).json()

    again = send_action(acme, breached, what, **body).json()

    assert again == first
    assert first[field] is not None


def test_breach_snooze_moments_have_the_usual_format(acme: Client, breached: dict[str, Any]) -> None:
    until = f"{TODAY + timedelta(days=2)}T09:00:00+09:00"

    answered = send_action(acme, breached, "snooze", until=until).json()

    (moment,) = [each for each in answered["timeline"] if each["what"] == "snoozed"]
    assert answered["snoozed_until"] == moment["until"] == f"{TODAY + timedelta(days=2)}T00:00:00Z"


def test_breach_action_can_be_undone_and_stays_in_the_timeline(
    acme: Client, breached: dict[str, Any]
) -> None:
    for until in (TOMORROW, None):
        assert send_action(acme, breached, "snooze", until=until).status_code == 200
    for to in ("a", None):
        assert send_action(acme, breached, "assign", to=to).status_code == 200

    answered = acme.read(f"/v1/breaches/{breached['id']}")
    assert (answered["snoozed_until"], answered["assignee"]) == (None, None)
    moments = [(each["what"], each["to"]) for each in answered["timeline"] if each["by"]]
    assert moments == [("snoozed", None), ("snoozed", None), ("assigned", "a"), ("assigned", None)]


@pytest.mark.parametrize(
    ("what", "body"), [("acknowledge", {}), ("snooze", {"until": TOMORROW}), ("assign", {"to": "mei"})]
)
def test_breach_resolved_accepts_notes_only(
    acme: Client, shop: str, breached: dict[str, Any], what: str, body: dict[str, Any]
) -> None:
    resolve_breach(acme, shop)

    refused = send_action(acme, breached, what, **body)
    noted = send_action(acme, breached, "notes", text="It was the carrier")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/breach-resolved")
    assert noted.status_code == 200
    assert [moment["note"] for moment in noted.json()["timeline"] if moment["by"]] == ["It was the carrier"]


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("acknowledge", {"note": "n" * 4001}, "/note"),
        ("snooze", {}, "/until"),
        ("snooze", {"until": "soon"}, "/until"),
        ("snooze", {"until": "2026-01-01T00:00:00Z"}, "/until"),
        ("snooze", {"until": (clock.NOW + timedelta(days=367)).isoformat()}, "/until"),
        ("assign", {}, "/to"),
        ("assign", {"to": ""}, "/to"),
        ("assign", {"to": "m" * 201}, "/to"),
        ("notes", {}, "/text"),
        ("notes", {"text": " "}, "/text"),
        ("notes", {"text": "a\0b"}, "/text"),
    ],
)
def test_breach_action_with_an_invalid_body_is_refused(
    acme: Client, breached: dict[str, Any], what: str, body: dict[str, Any], pointer: str
) -> None:
    response = send_action(acme, breached, what, **body)

    assert response.status_code in {400, 409}
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]
    assert len([moment for moment in list_timeline(acme, breached) if moment["by"]]) == 0


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("acknowledge", {}),
        ("snooze", {"until": TOMORROW}),
        ("assign", {"to": "mei"}),
        ("notes", {"text": "mine"}),
    ],
)
def test_breach_of_another_agency_is_not_found(
    acme: Client, rival: Client, breached: dict[str, Any], what: str, body: dict[str, Any]
) -> None:
    assert send_action(rival, breached, what, **body).status_code == 404
    assert rival.get(f"/v1/breaches/{breached['id']}").status_code == 404
    assert len([moment for moment in list_timeline(acme, breached) if moment["by"]]) == 0


def test_breach_snoozed_and_acknowledged_is_evaluated_as_before(
    acme: Client, shop: str, breached: dict[str, Any]
) -> None:
    send_action(acme, breached, "acknowledge")
    send_action(acme, breached, "snooze", until=TOMORROW)

    resolve_breach(acme, shop)

    assert acme.read("/v1/breaches")["data"][0]["status"] == "resolved"
    assert [event["data"]["breach"] for event in acme.read("/v1/events", type="breach.resolved")["data"]] == [
        breached["id"]
    ]


FILTERED: list[tuple[dict[str, str], int]] = [
    ({"status": "open"}, 1),
    ({"status": "resolved"}, 0),
    ({"level": "breach"}, 1),
    ({"level": "warning"}, 0),
    ({"metric": ODR}, 1),
    ({"metric": "return_rate"}, 0),
    ({"marketplace": "US"}, 1),
    ({"marketplace": "DE"}, 0),
    ({"channel": "mfn"}, 1),
    ({"channel": "afn"}, 0),
    ({"acknowledged": "true"}, 1),
    ({"acknowledged": "false"}, 0),
    ({"snoozed": "true"}, 1),
    ({"snoozed": "false"}, 0),
    ({"assignee": "mei"}, 1),
    ({"assignee": "mo"}, 0),
    ({"stale": "true"}, 0),
    ({"stale": "false"}, 1),
]


def test_breaches_are_filtered(acme: Client, breached: dict[str, Any]) -> None:
    for what, body in (("acknowledge", {}), ("snooze", {"until": TOMORROW}), ("assign", {"to": "mei"})):
        send_action(acme, breached, what, **body)

    for params, count in FILTERED:
        assert len(acme.read("/v1/breaches", **params)["data"]) == count, params


def test_breaches_not_snoozed_include_expired_snoozes(acme: Client, breached: dict[str, Any]) -> None:
    never = len(acme.read("/v1/breaches", snoozed="false")["data"])
    with context.agency(acme.agency.pk):
        Breach.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))

    assert (never, len(acme.read("/v1/breaches", snoozed="false")["data"])) == (1, 1)
    assert acme.read("/v1/breaches", snoozed="true")["data"] == []


def test_breaches_frozen_by_a_stale_source_are_marked(
    acme: Client, shop: str, breached: dict[str, Any], settings: LazySettings
) -> None:
    settings.SOURCES_MAX_AGE_HOURS = settings.SOURCES_MAX_AGE_HOURS | {"orders": 0}

    (listed,) = acme.read("/v1/breaches", stale="true")["data"]
    answered = acme.read(f"/v1/breaches/{breached['id']}")

    days = answered["days"]
    assert (listed["stale"], answered["stale"], days[-1]["stale"], days[0]["stale"]) == (
        True,
        True,
        True,
        False,
    )
    assert acme.read("/v1/breaches", stale="false")["data"] == []


@pytest.mark.parametrize(
    "params", [{"level": "worse"}, {"acknowledged": "maybe"}, {"stale": "1"}, {"channel": "post"}]
)
def test_breaches_with_a_wrong_parameter_are_refused(acme: Client, params: dict[str, str]) -> None:
    assert acme.get("/v1/breaches", params).status_code == 400


def test_breaches_of_another_agencys_account_are_not_found(acme: Client, rival: Client, shop: str) -> None:
    assert rival.get("/v1/breaches", {"account": shop}).status_code == 404
    assert acme.get("/v1/breaches", {"account": "acct_unknown"}).status_code == 404


def test_breaches_csv_has_the_assignee(acme: Client, breached: dict[str, Any]) -> None:
    send_action(acme, breached, "assign", to="=mei")

    header, line = acme.get("/v1/breaches", {"format": "csv"}).content.decode().splitlines()

    assert header.endswith("resolved_at,assignee,stale,threshold")
    assert line.endswith(",'=mei,false,")


def test_breach_actions_cannot_be_changed(acme: Client, breached: dict[str, Any]) -> None:
    send_action(acme, breached, "notes", text="as it was")

    with (
        context.agency(acme.agency.pk),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute("UPDATE metrics_breachaction SET detail = '{}'")


def test_breach_action_that_fails_changes_nothing(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    resolve_breach(acme, shop)
    with context.agency(acme.agency.pk):
        breach = Breach.objects.get()
        key = principals.from_key(ApiKey.objects.get(agency=acme.agency))

        with pytest.raises(actions.AlreadyResolved):
            actions.assign(breach=breach, by=key, to="mei", now=timezone.now())

        assert Breach.objects.get().assignee is None
        assert not breach.actions.exists()


def test_breach_actions_are_erased_with_their_account(
    acme: Client, shop: str, breached: dict[str, Any]
) -> None:
    send_action(acme, breached, "notes", text="Seen")
    acme.put("/v1/thresholds", {"metric": ODR, "account": shop, "warn_at": 0.005}, format="json")
    tasks.apply_thresholds(agency_id=str(acme.agency.pk))
    models: list[Any] = [Breach, BreachAction, Threshold, AppliedThresholds]
    with context.agency(acme.agency.pk):
        before = [model.objects.exists() for model in models]

    acme.delete(f"/v1/accounts/{shop}")
    erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now() + timedelta(days=7))

    with context.agency(acme.agency.pk):
        assert (before, [model.objects.exists() for model in models]) == ([True] * 4, [False] * 4)
    assert acme.read("/v1/breaches")["data"] == acme.read("/v1/thresholds")["data"] == []


def test_breach_actions_are_in_the_audit_log_without_notes(acme: Client, breached: dict[str, Any]) -> None:
    send_action(acme, breached, "acknowledge", note="Only for those who see to it")
    send_action(acme, breached, "assign", to="mei")

    entries = acme.read("/v1/audit-log", about=breached["id"])["data"]

    assert [(each["what"], each["detail"]) for each in entries] == [
        ("breach.assigned", {}),
        ("breach.acknowledged", {}),
    ]
    assert (entries[0]["before"], entries[0]["after"]) == ({"assignee": None}, {"assignee": "mei"})
    assert (entries[1]["before"], set(entries[1]["after"])) == (
        {"acknowledged_at": None},
        {"acknowledged_at"},
    )
