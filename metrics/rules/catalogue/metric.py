"""Define what a metric is. Pure."""

from dataclasses import dataclass, field
from typing import NamedTuple

from metrics.rules.catalogue.rows import Rows
from metrics.rules.facts import Channel, DefectKind

MFN = (Channel.MFN,)
BOTH_CHANNELS = (Channel.MFN, Channel.AFN)
NO_CHANNEL = (Channel.ALL,)


class Count(NamedTuple):
    """Name a column of daily counts, and the condition of the rows it counts. `summed` is summed instead."""

    name: str
    where: str
    summed: str = ""

    @property
    def sql(self) -> str:
        """Return the aggregate of the rows of a day."""
        if self.summed:
            return f"coalesce(sum({self.summed}) FILTER (WHERE {self.where}), 0)"
        return f"count(*) FILTER (WHERE {self.where})"


class Ratio(NamedTuple):
    """Name the counts of a metric. `open` counts what the rows leave open, and how much of it is not in the
    denominator."""

    numerator: Count
    denominator: Count
    open: tuple[Count, Count] | None = None

    @property
    def counts(self) -> tuple[Count, ...]:
        return (self.denominator, self.numerator, *(self.open or ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Define a rate by two counts of its rows, or, without them, a figure that only Amazon reports.

    `units` are the counts to use where a rule counts units instead of packages. `day` is the kind of day by
    which things are in the window. `source` is the source whose age makes the metric stale. `parts` are counts
    shown beside the numerator and never summed into it. `settled_by` are the report types that state what is open.
    `own_kinds` are the kinds of defects in its numerator, if its rows have more. `reasons` are the sentences of its
    reasons, by kind and state.
    """

    code: str
    explanation: str
    rows: Rows | None = None
    ratio: Ratio | None = None
    units: Ratio | None = None
    counts_good: bool = False
    unit: str = "orders"
    settled_by: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = MFN
    day: str = "order"
    source: str = "orders"
    parts: tuple[tuple[str, Count], ...] = ()
    own_kinds: tuple[DefectKind, ...] = ()
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_counted(self) -> bool:
        return self.ratio is not None

    @property
    def is_counter(self) -> bool:
        """Return whether it is a number of policy violations, which Amazon counts."""
        return not self.is_counted and self.unit == "violations"

    @property
    def counts(self) -> tuple[Count, ...]:
        """Return all counts of the metric."""
        parts = tuple(count for _, count in self.parts)
        return (
            *(self.ratio.counts if self.ratio else ()),
            *parts,
            *(self.units.counts if self.units else ()),
        )

    def counts_in(self, *, units: bool) -> Ratio:
        """Return the counts of the metric, in units if a rule says so and the metric has such counts.

        Raises ValueError for a metric that only Amazon reports.
        """
        ratio = self.units if units and self.units else self.ratio
        if ratio is None:
            raise ValueError(f"{self.code} is not counted")
        return ratio
