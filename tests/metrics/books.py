"""The books of one account: facts recorded at moments that a test chooses."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from accounts import identifiers, scoping
from accounts.models import SellerAccount
from metrics import defects, recording, refresh, values
from metrics.facts import DefectFact, DefectKind, Fact, OrderFact, OrderStatus
from metrics.recording import Recorded
from metrics.values import Value
from tests import build

NINE, TEN, ELEVEN, TWELVE = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (9, 10, 11, 12))
TODAY = NINE.date()
DAY = date(2026, 10, 1)  # of an order, well inside the window of TODAY
A_MOMENT = timedelta(microseconds=1)


def order(number: int = 1, *, on: date = DAY, **more: Any) -> OrderFact:
    """A US order that the merchant shipped in the evening of its day; name the fields that differ."""
    noon = datetime.combine(on, time(12), UTC)
    usual = OrderFact(build.order_id(number), "US", "mfn", OrderStatus.SHIPPED, noon, noon + timedelta(hours=8))
    return usual._replace(**more)


def orders(count: int, *, first: int = 1, on: date = DAY, **more: Any) -> list[OrderFact]:
    return [order(first + n, on=on, **more) for n in range(count)]


def defect(
    number: int = 1, *, kind: str = DefectKind.A_TO_Z_CLAIM, state: str = "granted", rating: int | None = None, **more: Any
) -> DefectFact:
    """A granted claim on an order; whether another kind or state counts is ruled as everywhere."""
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


@dataclass(frozen=True)
class Books:
    """One account, written to as a loaded report writes: held, recorded at a later moment than all before."""

    agency_id: UUID
    account_id: UUID

    @property
    def account(self) -> SellerAccount:
        with scoping.agency(self.agency_id):
            return SellerAccount.objects.select_related("agency").get(pk=self.account_id)

    def record(
        self, *facts: Fact, at: datetime = NINE, received_at: datetime | None = None, report_id: UUID | None = None
    ) -> Recorded:
        """Record facts of one kind as one report, and nothing that follows from them."""
        with scoping.agency(self.agency_id):
            held = refresh.hold(self.account_id)
            recording.stage(fact_type=type(facts[0]), facts=enumerate(facts, start=1))
            return recording.record(
                account=held,
                fact_type=type(facts[0]),
                report_id=report_id or identifiers.uuid7(),
                received_at=received_at or at,
                recorded_at=recording.next_moment(account=held, now=at),
            )

    def load(self, *facts: Fact, at: datetime = NINE, received_at: datetime | None = None) -> Recorded:
        """Record facts of one kind, and everything that follows from them."""
        with scoping.agency(self.agency_id):
            recorded = self.record(*facts, at=at, received_at=received_at)
            held = refresh.hold(self.account_id)
            refresh.refresh(account=held, touched=recorded.touched, now=held.last_recorded_at or at)
            return recorded

    def values(self, *, since: date = TODAY, until: date | None = None, known_at: datetime = TWELVE, **asked: Any) -> list[Value]:
        with scoping.agency(self.agency_id):
            return values.over(account=self.account, since=since, until=until or since, known_at=known_at, **asked)

    def odr(self, *, marketplace: str = "US", channel: str = "mfn", **at: Any) -> list[tuple[int, int]]:
        """Numerator and denominator of the order defect rate, day by day."""
        series = self.values(metrics=["order_defect_rate"], marketplace=marketplace, channel=channel, **at)
        return [(value.numerator, value.denominator) for value in series]
