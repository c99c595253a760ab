"""A series on a day: its counts over a window, and how they stand against the limit in force. Pure."""

from dataclasses import dataclass
from datetime import date

from metrics import judgement
from metrics.judgement import Budget, Limit, Status


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a value covers, both included."""

    first: date
    last: date
    days: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Numerator and denominator of one series over one window, with the rule in force on its day."""

    metric: str
    marketplace: str
    channel: str
    as_of: date
    window: Window
    numerator: int
    denominator: int
    limit: Limit | None
    limit_source: str
    warning: Limit | None
    name: str
    enforced: bool
    counts_units: bool = False
    parts: dict[str, int] | None = None
    unexplained: int | None = None

    @property
    def rate(self) -> float | None:
        return judgement.rate(self.numerator, self.denominator)

    @property
    def meets_target(self) -> bool | None:
        return judgement.meets(self.numerator, self.denominator, self.limit) if self.limit else None

    @property
    def status(self) -> Status:
        return judgement.status(self.numerator, self.denominator, self.limit, self.warning)

    @property
    def budget(self) -> Budget | None:
        if self.limit is None or self.limit.is_of_a_score:
            return None
        return judgement.budget(self.numerator, self.denominator, self.limit)

    @property
    def series(self) -> tuple[str, str, str]:
        return (self.metric, self.marketplace, self.channel)
