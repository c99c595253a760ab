"""Breaches over HTTP: narrowed and listed, told with everything that became of them, and what people do about them."""

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
    """One defect in fifty orders."""
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=50)))
    acme.post_defects(shop, build.defect(order=build.order_id(1)))
    (found,) = acme.read("/v1/breaches")["data"]
    return dict(found)


def heal(client: Client, shop: str) -> None:
    client.post_defects(shop, build.defect(order=build.order_id(1), state="removed"))


def act(client: Client, breach: dict[str, Any], what: str, **said: Any) -> Any:
    return client.post(f"/v1/breaches/{breach['id']}/{what}", said, format="json")


def story(client: Client, breach: dict[str, Any]) -> list[dict[str, Any]]:
    return list(client.read(f"/v1/breaches/{breach['id']}")["timeline"])


def test_a_breach_has_the_shape_of_the_contract(acme: Client, shop: str, breached: dict[str, Any]) -> None:
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


def test_one_breach_tells_its_values_day_by_day(acme: Client, breached: dict[str, Any]) -> None:
    days = acme.read(f"/v1/breaches/{breached['id']}")["days"]

    assert [day["as_of"] for day in days] == [(TODAY - timedelta(days=7 - n)).isoformat() for n in range(8)]
    assert (days[-1]["numerator"], days[-1]["denominator"], days[-1]["status"]) == (1, 50, "breached")
    assert (days[-1]["stale"], days[-1]["target"]["value"], days[-1]["warning"]["value"]) == (False, 0.01, 0.0075)


def test_days_end_with_the_episode_and_say_what_is_known_now(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    heal(acme, shop)

    told = acme.read(f"/v1/breaches/{breached['id']}")
    assert (told["status"], told["resolved_because"]) == ("resolved", "kept")
    assert (told["days"][-1]["as_of"], told["days"][-1]["numerator"]) == (TODAY.isoformat(), 0)
    assert told["numerator"] == 1


def test_a_timeline_tells_everything_in_its_order(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    act(acme, breached, "acknowledge", note="Seen")
    act(acme, breached, "snooze", until=TOMORROW)
    act(acme, breached, "assign", to="mei")
    acme.post_defects(shop, build.defect(order=build.order_id(2)))
    act(acme, breached, "notes", text="Two of them")
    for number in (1, 2):
        acme.post_defects(shop, build.defect(order=build.order_id(number), state="removed"))

    told = story(acme, breached)
    happened = [(moment["what"], moment["numerator"]) for moment in told if moment["what"] != "restated"]
    restated = [moment["numerator"] for moment in told if moment["what"] == "restated"]
    assert happened == [
        ("opened", 1),
        ("acknowledged", None),
        ("snoozed", None),
        ("assigned", None),
        ("noted", None),
        ("resolved", 0),
    ]
    assert restated == [1, 2, 1, 0]
    assert [moment["at"] for moment in told] == sorted(moment["at"] for moment in told)
    assert {moment["event"][:4] for moment in told if moment["what"] == "restated"} == {"evt_"}


def test_a_list_tells_how_episodes_opened_and_ended_without_asking_for_each(
    acme: Client, shop: str, breached: dict[str, Any]
) -> None:
    act(acme, breached, "acknowledge")
    heal(acme, shop)
    (one,) = acme.read("/v1/breaches")["data"]
    for _ in range(3):
        acme.post_defects(shop, build.defect(order=build.order_id(1)))
        heal(acme, shop)

    with CaptureQueriesContext(connection) as of_one:
        acme.read("/v1/breaches", limit=1)
    with CaptureQueriesContext(connection) as of_all:
        listed = acme.read("/v1/breaches")["data"]

    assert [moment["what"] for moment in one["timeline"]] == ["opened", "resolved"]
    assert (len(listed), len(of_all)) == (4, len(of_one))


def test_a_warning_tells_what_it_escalated_to(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=250)))
    for numbers in ((1, 2), (3,)):
        acme.post_defects(shop, *[build.defect(order=build.order_id(number)) for number in numbers])

    breach, warning = acme.read("/v1/breaches")["data"]
    (escalated,) = [moment for moment in story(acme, warning) if moment["what"] == "escalated"]
    assert (warning["level"], breach["level"], breach["escalated_from"]) == ("warning", "breach", warning["id"])
    assert (escalated["breach"], escalated["numerator"], escalated["denominator"]) == (breach["id"], 3, 250)
    assert warning["target"] == {"comparator": "lt", "value": 0.0075, "source": "default"}


def test_whoever_acknowledges_is_named_by_the_key(acme: Client, breached: dict[str, Any]) -> None:
    key = acme.read("/v1/me")["key"]

    answer = act(acme, breached, "acknowledge", note="With the carrier")

    told = answer.json()
    (moment,) = [each for each in told["timeline"] if each["what"] == "acknowledged"]
    assert (answer.status_code, told["acknowledged_at"]) == (200, moment["at"])
    assert (moment["by"], moment["note"]) == ({"key": key["id"], "name": key["name"]}, "With the carrier")
    assert acme.read(f"/v1/breaches/{breached['id']}")["acknowledged_at"] == told["acknowledged_at"]


@pytest.mark.parametrize(
    ("what", "said", "field"),
    [
        ("acknowledge", {"note": "Seen"}, "acknowledged_at"),
        ("snooze", {"until": TOMORROW}, "snoozed_until"),
        ("assign", {"to": "mei"}, "assignee"),
    ],
)
def test_the_same_again_changes_nothing(
    acme: Client, breached: dict[str, Any], what: str, said: dict[str, Any], field: str
) -> None:
    first = act(acme, breached, what, **said).json()

    again = act(acme, breached, what, **said).json()

    assert again == first
    assert first[field] is not None


def test_until_when_it_is_snoozed_is_told_as_moments_are(acme: Client, breached: dict[str, Any]) -> None:
    until = f"{TODAY + timedelta(days=2)}T09:00:00+09:00"

    told = act(acme, breached, "snooze", until=until).json()

    (moment,) = [each for each in told["timeline"] if each["what"] == "snoozed"]
    assert told["snoozed_until"] == moment["until"] == f"{TODAY + timedelta(days=2)}T00:00:00Z"


def test_what_was_said_can_be_taken_back_but_not_unsaid(acme: Client, breached: dict[str, Any]) -> None:
    for until in (TOMORROW, None):
        assert act(acme, breached, "snooze", until=until).status_code == 200
    for to in ("a", None):
        assert act(acme, breached, "assign", to=to).status_code == 200

    told = acme.read(f"/v1/breaches/{breached['id']}")
    assert (told["snoozed_until"], told["assignee"]) == (None, None)
    moments = [(each["what"], each["to"]) for each in told["timeline"] if each["by"]]
    assert moments == [("snoozed", None), ("snoozed", None), ("assigned", "a"), ("assigned", None)]


@pytest.mark.parametrize(("what", "said"), [("acknowledge", {}), ("snooze", {"until": TOMORROW}), ("assign", {"to": "mei"})])
def test_what_is_over_needs_nobody_any_more_but_takes_notes(
    acme: Client, shop: str, breached: dict[str, Any], what: str, said: dict[str, Any]
) -> None:
    heal(acme, shop)

    refused = act(acme, breached, what, **said)
    noted = act(acme, breached, "notes", text="It was the carrier")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/breach-resolved")
    assert noted.status_code == 200
    assert [moment["note"] for moment in noted.json()["timeline"] if moment["by"]] == ["It was the carrier"]


@pytest.mark.parametrize(
    ("what", "said", "pointer"),
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
def test_what_cannot_be_said_is_refused_with_its_field(
    acme: Client, breached: dict[str, Any], what: str, said: dict[str, Any], pointer: str
) -> None:
    answer = act(acme, breached, what, **said)

    assert answer.status_code in {400, 409}
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert len([moment for moment in story(acme, breached) if moment["by"]]) == 0


@pytest.mark.parametrize(
    ("what", "said"),
    [("acknowledge", {}), ("snooze", {"until": TOMORROW}), ("assign", {"to": "mei"}), ("notes", {"text": "mine"})],
)
def test_a_stranger_finds_no_breach_to_act_on(
    acme: Client, rival: Client, breached: dict[str, Any], what: str, said: dict[str, Any]
) -> None:
    assert act(rival, breached, what, **said).status_code == 404
    assert rival.get(f"/v1/breaches/{breached['id']}").status_code == 404
    assert len([moment for moment in story(acme, breached) if moment["by"]]) == 0


def test_snoozing_and_acknowledging_hide_nothing_of_what_is_judged(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    act(acme, breached, "acknowledge")
    act(acme, breached, "snooze", until=TOMORROW)

    heal(acme, shop)

    assert acme.read("/v1/breaches")["data"][0]["status"] == "resolved"
    assert [event["data"]["breach"] for event in acme.read("/v1/events", type="breach.resolved")["data"]] == [breached["id"]]


NARROWED: list[tuple[dict[str, str], int]] = [
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


def test_a_list_is_narrowed(acme: Client, breached: dict[str, Any]) -> None:
    for what, said in (("acknowledge", {}), ("snooze", {"until": TOMORROW}), ("assign", {"to": "mei"})):
        act(acme, breached, what, **said)

    for asked, found in NARROWED:
        assert len(acme.read("/v1/breaches", **asked)["data"]) == found, asked


def test_nobody_snoozed_what_was_never_snoozed_or_whose_moment_is_over(acme: Client, breached: dict[str, Any]) -> None:
    never = len(acme.read("/v1/breaches", snoozed="false")["data"])
    with context.agency(acme.agency.pk):
        Breach.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))

    assert (never, len(acme.read("/v1/breaches", snoozed="false")["data"])) == (1, 1)
    assert acme.read("/v1/breaches", snoozed="true")["data"] == []


def test_a_silent_source_is_told_of_what_it_freezes(
    acme: Client, shop: str, breached: dict[str, Any], settings: LazySettings
) -> None:
    settings.SOURCES_MAX_AGE_HOURS = settings.SOURCES_MAX_AGE_HOURS | {"orders": 0}

    (listed,) = acme.read("/v1/breaches", stale="true")["data"]
    told = acme.read(f"/v1/breaches/{breached['id']}")

    assert (listed["stale"], told["stale"], told["days"][-1]["stale"], told["days"][0]["stale"]) == (True, True, True, False)
    assert acme.read("/v1/breaches", stale="false")["data"] == []


@pytest.mark.parametrize("asked", [{"level": "worse"}, {"acknowledged": "maybe"}, {"stale": "1"}, {"channel": "post"}])
def test_a_question_that_makes_no_sense_is_refused(acme: Client, asked: dict[str, str]) -> None:
    assert acme.get("/v1/breaches", asked).status_code == 400


def test_breaches_of_an_account_that_is_not_theirs_are_not_found(acme: Client, rival: Client, shop: str) -> None:
    assert rival.get("/v1/breaches", {"account": shop}).status_code == 404
    assert acme.get("/v1/breaches", {"account": "acct_unknown"}).status_code == 404


def test_breaches_as_a_spreadsheet_say_who_sees_to_them(acme: Client, breached: dict[str, Any]) -> None:
    act(acme, breached, "assign", to="=mei")

    header, line = acme.get("/v1/breaches", {"format": "csv"}).content.decode().splitlines()

    assert header.endswith("resolved_at,assignee,stale,threshold")
    assert line.endswith(",'=mei,false,")


def test_what_somebody_did_is_never_changed(acme: Client, breached: dict[str, Any]) -> None:
    act(acme, breached, "notes", text="as it was")

    with (
        context.agency(acme.agency.pk),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute("UPDATE metrics_breachaction SET detail = '{}'")


def test_an_action_that_fails_leaves_nothing_behind(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    heal(acme, shop)
    with context.agency(acme.agency.pk):
        breach = Breach.objects.get()
        key = principals.from_key(ApiKey.objects.get(agency=acme.agency))

        with pytest.raises(actions.AlreadyResolved):
            actions.assign(breach=breach, by=key, to="mei", now=timezone.now())

        assert Breach.objects.get().assignee is None
        assert not breach.actions.exists()


def test_an_account_that_is_handed_back_takes_what_people_did_with_it(acme: Client, shop: str, breached: dict[str, Any]) -> None:
    act(acme, breached, "notes", text="Seen")
    acme.put("/v1/thresholds", {"metric": ODR, "account": shop, "warn_at": 0.005}, format="json")
    tasks.follow_thresholds(agency_id=str(acme.agency.pk))
    kept: list[Any] = [Breach, BreachAction, Threshold, AppliedThresholds]
    with context.agency(acme.agency.pk):
        before = [model.objects.exists() for model in kept]

    acme.delete(f"/v1/accounts/{shop}")
    erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now())

    with context.agency(acme.agency.pk):
        assert (before, [model.objects.exists() for model in kept]) == ([True] * 4, [False] * 4)
    assert acme.read("/v1/breaches")["data"] == acme.read("/v1/thresholds")["data"] == []


def test_the_audit_log_says_who_did_what_without_the_words(acme: Client, breached: dict[str, Any]) -> None:
    act(acme, breached, "acknowledge", note="Only for those who see to it")
    act(acme, breached, "assign", to="mei")

    entries = acme.read("/v1/audit-log", about=breached["id"])["data"]

    assert [(each["what"], each["detail"]) for each in entries] == [("breach.assigned", {}), ("breach.acknowledged", {})]
    assert (entries[0]["before"], entries[0]["after"]) == ({"assignee": None}, {"assignee": "mei"})
    assert (entries[1]["before"], set(entries[1]["after"])) == ({"acknowledged_at": None}, {"acknowledged_at"})
