"""Build facts, and record them for one account at chosen times."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics import refresh
from metrics.alerts import thresholds
from metrics.models import Threshold
from metrics.pipeline import feedback_removal, recording, values
from metrics.pipeline.recording import Recorded
from metrics.rules import defects
from metrics.rules.facts import (
    DefectFact,
    DefectKind,
    Fact,
    ListingFact,
    MessageFact,
    OrderFact,
    OrderStatus,
    ReportedFact,
    ReturnFact,
    ShipmentFact,
    SnapshotFact,
)
from metrics.rules.series import Value
from tests import build
from tests.client import Client

NINE, TEN, ELEVEN, TWELVE = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (9, 10, 11, 12))
TODAY = NINE.date()
DAY = date(2026, 10, 1)  # of an order, well inside the window of TODAY
A_MOMENT = timedelta(microseconds=1)


def order(number: int = 1, *, on: date = DAY, **more: Any) -> OrderFact:
    """Build a US order that the merchant shipped on the evening of its day; `more` replaces fields."""
    noon = datetime.combine(on, time(12), UTC)
    usual = OrderFact(
        build.order_id(number), "US", "mfn", OrderStatus.SHIPPED, noon, noon + timedelta(hours=8)
    )
    return usual._replace(**more)


def orders(count: int, *, first: int = 1, on: date = DAY, **more: Any) -> list[OrderFact]:
    return [order(first + n, on=on, **more) for n in range(count)]


def defect(
    number: int = 1,
    *,
    kind: str = DefectKind.A_TO_Z_CLAIM,
    state: str = "granted",
    rating: int | None = None,
    **more: Any,
) -> DefectFact:
    """Build a granted claim on an order. `counts` follows from kind, state and rating."""
    return DefectFact(
        order_id=build.order_id(number),
        kind=kind,
        reference="",
        state=state,
        rating=rating,
        occurred_on=DAY + timedelta(days=7),
        stated_at=None,
        funded_by="",
        counts=defects.ruling(kind=kind, state=state, rating=rating).counts,
    )._replace(**more)


def posted(number: int = 1, *, rating: int = 1, on: date = DAY, **more: Any) -> DefectFact:
    """Build a row of a feedback report, stated at the midnight at which its day began."""
    midnight = datetime.combine(on, time.min, UTC)
    return defect(
        number,
        kind=DefectKind.FEEDBACK,
        state="posted",
        rating=rating,
        occurred_on=on,
        stated_at=midnight,
        **more,
    )


def shipment(number: int = 1, package: str = "", *, on: date = DAY, **more: Any) -> ShipmentFact:
    """Build a package of one unit: shipped on its ship-by day, scanned, delivered a day before the
    promise."""
    return ShipmentFact(
        order_id=build.order_id(number),
        package=package,
        units=1,
        ship_by_on=on,
        shipped_on=on,
        is_late=False,
        is_scanned=True,
        deliver_by_on=on + timedelta(days=5),
        delivered_on=on + timedelta(days=4),
        is_on_time=True,
        is_invoiced_in_time=None,
        cancelled_by="",
        is_business=False,
        stated_at=None,
    )._replace(**more)


def cancelled(number: int = 1, by: str = "seller", **more: Any) -> ShipmentFact:
    """Build the shipment of an order that was cancelled before shipping."""
    nothing: dict[str, Any] = {"ship_by_on": None, "shipped_on": None, "is_late": None, "is_scanned": None}
    unpromised: dict[str, Any] = {"deliver_by_on": None, "delivered_on": None, "is_on_time": None}
    return shipment(number)._replace(**nothing, **unpromised, cancelled_by=by)._replace(**more)


def returned(number: int = 1, reference: str = "R1", *, on: date = DAY, **more: Any) -> ReturnFact:
    """Build a return request that was answered in time."""
    return ReturnFact(build.order_id(number), reference, on, "approved", True, False, "", None)._replace(
        **more
    )


def message(number: int = 1, *, on: date = DAY, **more: Any) -> MessageFact:
    """Build a buyer message in the US that was answered on its day, in time."""
    return MessageFact(f"M{number}", "US", build.order_id(number), on, True, on, True, None)._replace(**more)


def listing(sku: str = "PAD-12", **more: Any) -> ListingFact:
    """Build an active listing in the US, of the report of all listings."""
    return ListingFact(
        marketplace="US",
        sku=sku,
        source="listings",
        channel="mfn",
        asin="B07K1FNN7M",
        title="Pad",
        quantity=7,
        price=Decimal("9.99"),
        status="active",
        stated_at=None,
    )._replace(**more)


def snapshot(
    *, marketplace: str = "US", status: str = "NORMAL", at: datetime = NINE, **document: Any
) -> SnapshotFact:
    """Build the snapshot of a marketplace in Amazon's report of a moment."""
    return SnapshotFact(marketplace, status, at, json.dumps(document))


def reported(
    metric: str = "order_defect_rate", numerator: int | None = 1, denominator: int | None = 100, **more: Any
) -> ReportedFact:
    """Build a figure of Amazon's report of NINE, over the 60 days that end 15 days before, without a
    target."""
    return ReportedFact(
        marketplace="US",
        metric=metric,
        channel="mfn",
        first_on=TODAY - timedelta(days=74),
        last_on=TODAY - timedelta(days=15),
        numerator=numerator,
        denominator=denominator,
        rate=None,
        status="GOOD",
        comparator="",
        limit_numerator=None,
        limit_denominator=None,
        flags="[]",
        reported_at=NINE,
    )._replace(**more)


def counter(metric: str = "listing_policy_violations", count: int | None = 0, **more: Any) -> ReportedFact:
    """Build a count that only Amazon reports, over the last 180 days."""
    days = {"first_on": TODAY - timedelta(days=179), "last_on": TODAY, "channel": "all"}
    return reported(metric, count, None if count is None else 1, **days | more)


@dataclass(frozen=True)
class FactRecorder:
    """Record facts of one account as loading a report does: locked, and later than everything before."""

    agency_id: UUID
    account_id: UUID

    @classmethod
    def for_account(cls, client: Client, account: str) -> "FactRecorder":
        return cls(client.agency.pk, identifiers.private("acct", account))

    @property
    def account(self) -> SellerAccount:
        with context.agency(self.agency_id):
            return SellerAccount.objects.select_related("agency").get(pk=self.account_id)

    def locked(self) -> SellerAccount:
        """Return the account, locked until the transaction ends."""
        return SellerAccount.objects.locked(agency_id=self.agency_id, account_id=self.account_id)

    def record(
        self,
        *facts: Fact,
        at: datetime = NINE,
        received_at: datetime | None = None,
        report_id: UUID | None = None,
        covers: tuple[str, date, date] | None = None,
        with_lines: bool = False,
        nothing_of: type[Fact] | None = None,
    ) -> Recorded:
        """Record facts as one report, one type after the other, without refreshing the account.

        `covers`: the marketplace and days of which the report lists all feedback. `nothing_of`: a type
        without rows.
        """
        with context.agency(self.agency_id):
            account = self.locked()
            report: dict[str, Any] = {
                "account": account,
                "report_id": report_id or identifiers.uuid7(),
                "recorded_at": recording.next_moment(account=account, now=at),
            }
            recorded = []
            for kind in [nothing_of] if nothing_of else dict.fromkeys(type(fact) for fact in facts):
                numbered = enumerate((fact for fact in facts if type(fact) is kind), start=1)
                recording.stage(fact_type=kind, facts=numbered)
                if covers:
                    self._cover(report, covers, received_at or at)
                recorded.append(
                    recording.record(
                        fact_type=kind, received_at=received_at or at, with_lines=with_lines, **report
                    )
                )
            return _together(recorded)

    def load(self, *facts: Fact, at: datetime = NINE, **more: Any) -> Recorded:
        """Record facts as one report and refresh the account."""
        with context.agency(self.agency_id):
            recorded = self.record(*facts, at=at, **more)
            self.refresh(*recorded.touched, at=at)
            return recorded

    def load_amazon_report(self, *figures: ReportedFact, at: datetime = NINE) -> Recorded:
        """Load a report of Amazon's with these figures, of the moment of the first one."""
        stores = dict.fromkeys(figure.marketplace for figure in figures)
        moment = figures[0].reported_at
        return self.load(*[snapshot(marketplace=store, at=moment) for store in stores], *figures, at=at)

    def refresh(self, *days: date, at: datetime) -> None:
        with context.agency(self.agency_id):
            account = self.locked()
            refresh.refresh(account=account, touched=days, now=account.last_recorded_at or at)

    def set_threshold(
        self, warn_at: str, *, at: datetime = NINE, metric: str = "order_defect_rate", **more: Any
    ) -> Threshold:
        """Set a threshold and refresh the account, as the API and its worker do."""
        fields = {"account_id", "marketplace", "channel"}
        scope = thresholds.Scope(metric=metric, **{name: more.pop(name) for name in fields & more.keys()})
        settings = thresholds.ThresholdSettings(warn_at=Decimal(warn_at), **more)
        with context.agency(self.agency_id):
            threshold, _ = thresholds.set_threshold(
                agency=self.account.agency, scope=scope, settings=settings, now=at
            )
            self.run_daily(at=at)
        return threshold

    def delete_threshold(self, threshold: Threshold, *, at: datetime) -> None:
        """Delete a threshold and refresh the account."""
        with context.agency(self.agency_id):
            thresholds.delete(threshold=threshold, now=at)
            self.run_daily(at=at)

    def run_daily(self, *, at: datetime) -> None:
        """Refresh the account without new facts, as the daily run does."""
        with context.agency(self.agency_id):
            account = self.locked()
            refresh.refresh(account=account, touched=(), now=recording.next_moment(account=account, now=at))

    def _cover(self, report: dict[str, Any], covers: tuple[str, date, date], received_at: datetime) -> None:
        marketplace, *period = covers
        feedback_removal.record_coverage(
            marketplace=marketplace, period=(period[0], period[1]), received_at=received_at, **report
        )

    def value(self, metric: str, *, marketplace: str = "US", channel: str = "mfn", **at: Any) -> Value:
        """Return the value of one series on one day."""
        (value,) = self.values(metrics=[metric], marketplaces=[marketplace], channel=channel, **at)
        return value

    def values(
        self, *, since: date = TODAY, until: date | None = None, known_at: datetime = TWELVE, **params: Any
    ) -> list[Value]:
        with context.agency(self.agency_id):
            return values.query(
                account=self.account, days=(since, until or since), known_at=known_at, **params
            )

    def odr(self, *, marketplace: str = "US", channel: str = "mfn", **at: Any) -> list[tuple[int, int]]:
        """Return numerator and denominator of the order defect rate, day by day."""
        series = self.values(metrics=["order_defect_rate"], marketplaces=[marketplace], channel=channel, **at)
        return [(value.numerator, value.denominator) for value in series]


def _together(recorded: list[Recorded]) -> Recorded:
    return Recorded(
        new=sum(each.new for each in recorded),
        changed=sum(each.changed for each in recorded),
        touched=frozenset[date]().union(*(each.touched for each in recorded)),
        new_lines=frozenset[int]().union(*(each.new_lines for each in recorded)),
        changed_lines=frozenset[int]().union(*(each.changed_lines for each in recorded)),
    )
