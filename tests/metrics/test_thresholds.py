"""Lines of an agency's own: what may be drawn, since when it holds, what was known of it, and what follows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from metrics.alerts import thresholds
from metrics.alerts.thresholds import Asks, NotALine, Scope
from metrics.models import Breach, Threshold
from metrics.rules.judgement import Comparator, Limit, Status
from metrics.rules.series import Line
from tests.client import Client
from tests.conftest import NOON
from tests.metrics.books import A_MOMENT, ELEVEN, NINE, TEN, TODAY, TWELVE, Books, defect, orders

ODR = "order_defect_rate"
A_DAY = timedelta(days=1)
HALF = Limit(Comparator.LT, 1, 200)


@pytest.fixture
def sold(books: Books) -> Books:
    """Three defects in five hundred orders of the merchant's: 0.6 %, which by default is healthy."""
    books.load(*orders(500), at=NINE)
    books.load(*[defect(number) for number in (1, 2, 3)], at=NINE)
    return books


def line(books: Books, **at: Any) -> Line:
    found = books.value(ODR, **at).line
    assert found is not None
    return found


def drawn(**asked: Any) -> Asks:
    return Asks(**{"warn_at": Decimal("0.005")} | asked)


def put(books: Books, scope: Scope, asks: Asks, at: datetime = TEN) -> tuple[Threshold, bool]:
    return thresholds.put(agency=books.account.agency, scope=scope, asks=asks, now=at)


def test_without_a_threshold_the_usual_line_holds(sold: Books) -> None:
    value = sold.value(ODR)

    assert value.line == Line(limit=Limit(Comparator.LT, 3, 400), clear=Limit(Comparator.LT, 3, 400), source="default")
    assert value.status == Status.HEALTHY


def test_an_own_line_replaces_the_usual_one_and_says_which_it_is(sold: Books) -> None:
    threshold = sold.draw("0.005", clear_at=Decimal("0.0025"), for_days=1, keep_days=2, min_denominator=100, at=TEN)

    value = sold.value(ODR)
    assert value.line == Line(
        limit=HALF,
        clear=Limit(Comparator.LT, 1, 400),
        source="custom",
        threshold=threshold.threshold_id,
        for_days=1,
        keep_days=2,
        min_denominator=100,
    )
    assert (value.status, value.limit, value.limit_source) == (Status.AT_RISK, Limit(Comparator.LT, 1, 100), "default")


def test_too_few_orders_are_not_judged_by_an_own_line_but_by_amazon_s(sold: Books) -> None:
    sold.draw("0.005", min_denominator=501, at=TEN)
    few = sold.value(ODR)
    sold.load(defect(4), defect(5), at=ELEVEN)

    assert (few.meets_line, few.is_clear, few.status) == (None, None, Status.HEALTHY)
    assert sold.value(ODR).status == Status.BREACHED


def test_what_was_known_before_a_line_was_drawn_is_answered_without_it(sold: Books) -> None:
    known_before = sold.account.last_recorded_at
    assert known_before is not None
    sold.draw("0.005", at=TEN)
    known_with_it = sold.account.last_recorded_at
    assert known_with_it is not None
    sold.draw("0.002", at=ELEVEN)

    limits = [line(sold, known_at=moment).limit for moment in (known_before, known_with_it, TWELVE)]
    assert limits == [Limit(Comparator.LT, 3, 400), HALF, Limit(Comparator.LT, 1, 500)]


def test_a_line_is_known_to_an_account_since_it_follows_it_and_not_before(sold: Books) -> None:
    put(sold, Scope(metric=ODR), drawn(), at=TEN)
    asked = [line(sold, known_at=moment).source for moment in (TEN, TWELVE)]
    sold.look(at=ELEVEN)

    assert asked == ["default", "default"]
    assert [line(sold, known_at=moment).source for moment in (TEN, ELEVEN - A_MOMENT, ELEVEN)] == ["default", "default", "custom"]


def test_a_past_day_is_judged_by_the_line_of_that_day(sold: Books) -> None:
    sold.draw("0.005", at=TEN)
    sold.draw("0.002", at=TEN + A_DAY)

    values = sold.values(
        metrics=[ODR], marketplace="US", channel="mfn", since=TODAY - A_DAY, until=TODAY + 2 * A_DAY, known_at=TEN + 3 * A_DAY
    )
    assert [value.warning and value.warning.value for value in values] == [0.0075, 0.005, 0.002, 0.002]


def test_an_own_line_opens_a_warning_and_its_removal_ends_it(sold: Books) -> None:
    threshold = sold.draw("0.005", at=TEN)
    (opened,) = Breach.objects.all()
    sold.take_away(threshold, at=ELEVEN)

    (resolved,) = Breach.objects.all()
    assert (opened.level, opened.status, opened.limit, opened.limit_source) == ("warning", "open", HALF, "custom")
    assert opened.threshold_id == threshold.threshold_id
    assert (resolved.status, resolved.resolved_at, resolved.resolved_because) == ("resolved", ELEVEN, "line_changed")
    assert line(sold).source == "default"


def test_a_warning_whose_metric_has_no_other_line_ends_with_its_threshold_and_says_so(sold: Books) -> None:
    threshold = sold.draw("0.005", metric="a_to_z_claim_rate", at=TEN)
    sold.take_away(threshold, at=ELEVEN)

    told = Breach.objects.values_list("metric", "level", "status", "comparator", "resolved_because").get()
    assert told == ("a_to_z_claim_rate", "warning", "resolved", "lt", "line_removed")


def test_a_laxer_line_of_one_account_goes_before_a_stricter_one_of_all(sold: Books) -> None:
    sold.draw("0.005", at=TEN)
    sold.draw("0.009", account_id=sold.account_id, at=ELEVEN)

    assert line(sold).limit.value == 0.009
    assert [(each.level, each.status) for each in Breach.objects.all()] == [("warning", "resolved")]


def test_another_account_s_line_changes_nothing(sold: Books, acme: Client) -> None:
    other = Books(acme.agency.pk, identifiers.private("acct", acme.take_on(partner="A2")))

    sold.draw("0.005", account_id=other.account_id, at=TEN)

    assert line(sold).source == "default"


def test_the_same_again_is_no_new_version_and_something_else_is_one(sold: Books) -> None:
    scope = Scope(metric=ODR, marketplace="US")

    first, is_new = put(sold, scope, drawn())
    same, is_new_again = put(sold, scope, drawn(warn_at=Decimal("0.0050")), at=ELEVEN)
    other, is_new_at_last = put(sold, scope, drawn(keep_days=1), at=ELEVEN)

    assert (is_new, is_new_again, is_new_at_last) == (True, False, False)
    assert (same, other.threshold_id, other.recorded_at) == (first, first.threshold_id, ELEVEN)
    assert list(thresholds.current(agency=sold.account.agency)) == [other]


def test_versions_of_an_agency_are_later_one_than_the_other_whatever_the_clocks_say(sold: Books) -> None:
    first, _ = put(sold, Scope(metric=ODR), drawn(), at=TEN)
    second, _ = put(sold, Scope(metric="return_rate"), drawn(), at=NINE)

    assert (first.recorded_at, second.recorded_at) == (TEN, TEN + A_MOMENT)


def test_removed_is_removed_once_and_the_next_one_is_another(sold: Books) -> None:
    first, _ = put(sold, Scope(metric=ODR), drawn())
    for at in (ELEVEN, TWELVE):
        thresholds.remove(threshold=first, now=at)
    gone = list(thresholds.current(agency=sold.account.agency))
    second, is_new = put(sold, Scope(metric=ODR), drawn(), at=TWELVE)

    assert (gone, is_new, Threshold.objects.count()) == ([], True, 3)
    assert second.threshold_id != first.threshold_id


def test_a_threshold_of_an_account_that_was_handed_back_is_gone_with_it(sold: Books) -> None:
    put(sold, Scope(metric=ODR, account_id=sold.account_id), drawn())

    agencies.delete_account(account=sold.account, now=ELEVEN)

    assert not thresholds.current(agency=sold.account.agency).exists()


@pytest.mark.parametrize(
    ("scope", "asks", "field"),
    [
        ({}, {"warn_at": "0.0100001"}, "warn_at"),
        ({}, {"warn_at": "0"}, "warn_at"),
        ({}, {"warn_at": "0.005", "clear_at": "0.006"}, "clear_at"),
        ({}, {"warn_at": "0.005", "clear_at": "0"}, "clear_at"),
        ({"channel": "all"}, {}, "channel"),
        ({"metric": "late_shipment_rate_30d", "channel": "afn"}, {}, "channel"),
        ({"metric": "invoice_defect_rate", "marketplace": "US"}, {}, "marketplace"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.9499"}, "warn_at"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "1.01"}, "warn_at"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.97", "clear_at": "0.96"}, "clear_at"),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "0.95"}, "warn_at"),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "1"}, "warn_at"),
        ({"metric": "return_rate"}, {"warn_at": "1.5"}, "warn_at"),
        ({"metric": "listing_policy_violations"}, {"warn_at": "1"}, "warn_at"),
        ({"metric": "account_health_rating"}, {"warn_at": "150"}, "warn_at"),
    ],
)
def test_a_line_that_is_none_is_refused(sold: Books, scope: dict[str, Any], asks: dict[str, str], field: str) -> None:
    asked = {name: Decimal(text) for name, text in asks.items()}

    with pytest.raises(NotALine) as refused:
        put(sold, Scope(**{"metric": ODR} | scope), drawn(**asked))

    assert refused.value.field == field
    assert refused.value.reason.endswith(".")
    assert not Threshold.objects.exists()


@pytest.mark.parametrize(
    ("scope", "asks"),
    [
        ({}, {"warn_at": "0.01"}),
        ({"marketplace": "US", "channel": "afn"}, {"clear_at": "0.005"}),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.95", "clear_at": "1"}),
        ({"metric": "on_time_delivery_rate", "marketplace": "US"}, {"warn_at": "0.9"}),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "0.98"}),
        ({"metric": "invoice_defect_rate", "marketplace": "DE"}, {"warn_at": "0.05"}),
        ({"metric": "return_rate"}, {"warn_at": "0.3"}),
        ({"metric": "account_health_rating", "channel": "all"}, {"warn_at": "250", "clear_at": "300"}),
        ({"metric": "listing_policy_violations"}, {"warn_at": "0"}),
    ],
)
def test_a_line_as_strict_as_amazon_s_is_taken(sold: Books, scope: dict[str, Any], asks: dict[str, str]) -> None:
    asked = {name: Decimal(text) for name, text in asks.items()}

    threshold, is_new = put(sold, Scope(**{"metric": ODR} | scope), drawn(**asked))

    assert is_new
    assert (threshold.warn_at, threshold.clear_at) == (
        float(asked.get("warn_at", Decimal("0.005"))),
        float(asked.get("clear_at", asked.get("warn_at", Decimal("0.005")))),
    )


def test_two_requests_at_once_make_one_threshold(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    together = Barrier(2)

    def draw(percent: str) -> bool:
        try:
            with context.agency(acme.agency.pk):
                together.wait(timeout=60)
                asks = Asks(warn_at=Decimal(percent))
                return thresholds.put(agency=acme.agency, scope=Scope(metric=ODR), asks=asks, now=timezone.now())[1]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        new = list(pool.map(draw, ["0.005", "0.006"]))

    with context.agency(acme.agency.pk):
        assert sorted(new) == [False, True]
        assert thresholds.current(agency=acme.agency).count() == 1
        assert Threshold.objects.values("threshold_id").distinct().count() == 1
