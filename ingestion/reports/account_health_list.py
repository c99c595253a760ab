"""Read Account Health's downloads of what missed a metric: each row names an order, and some a package.

Such a file lists only what is bad. Its rows are defects, which make a package or order miss the metric if it
is in the denominator already, and are unmatched until then. They are never taken for shipments: two late
deliveries alone would be "0 of 2 on time".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports import cells, listed_days
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser, parse_order_id
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind, Fact

REFERENCE = "account-health"
"""The reference of a row that names no package. No package has this name."""
MARKS, NO_MARKS = ("x", "✓", "✔"), ("", "-", "n/a", "none")
ORDER_ID = Column(name="Order ID", meaning="Amazon's order ID", needed=True)
TRACKING_ID = Column(
    name="Tracking ID",
    meaning="the package; if the account has no package of the order with this tracking number, all packages "
    "of the order are meant",
)
Judge = Callable[[cells.Texts, date | None, date | None], bool]
"""Return whether a row is a defect, from its cells, the day it happened and the day by which it was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """Declare one download.

    - `kinds`: how to judge whether a row has a defect of each kind.
    - `spellings`: other spellings of the columns, lower-case letters only.
    - `matched_by`: groups of columns; the header has at least one of each.
    - `happened`, `due`: the columns of the day a defect happened and of the day it was due, the best first.
    - `warning`: what to tell the sender of every such file.
    """

    name: str
    title: str
    about: str
    kinds: dict[DefectKind, Judge]
    columns: tuple[Column, ...]
    spellings: dict[str, str]
    matched_by: tuple[tuple[str, ...], ...]
    happened: tuple[str, ...]
    due: tuple[str, ...] = ()
    warning: str = ""
    example: str
    source: str

    def report_type(self) -> ReportType:
        """Return the report type of this download."""
        return ReportType(
            names=(self.name,),
            title=self.title,
            fact_types=(DefectFact,),
            dialect="tsv_or_csv",
            matches=self._matches,
            build_parser=self._build_parser,
            about=self.about,
            columns=self.columns,
            example=self.example,
            source=self.source,
        )

    def _standard_names(self, header: Sequence[str]) -> list[str]:
        known = {_letters(column.name): column.name for column in self.columns} | self.spellings
        return [known.get(_letters(cell), cell) for cell in header]

    def _matches(self, header: Sequence[str], _first_row: Sequence[str]) -> bool:
        names = {*self._standard_names(header)}
        return ORDER_ID.name in names and all(not names.isdisjoint(group) for group in self.matched_by)

    def _build_parser(self, header: Sequence[str], parse_context: ParseContext) -> RowParser:
        if not self._matches(header, ()):
            needed = [ORDER_ID.name, *(" or ".join(group) for group in self.matched_by)]
            raise RejectedDocument(
                "columns-missing",
                "Columns are missing",
                f"A {self.name} report needs the columns {', '.join(needed)}.",
            )
        read = cells.build_reader(self._standard_names(header), self.columns, report_type=self.name)
        if self.warning:
            parse_context.warnings.append(self.warning)

        def parse(row: list[str]) -> list[Fact]:
            texts = read(row)
            order = parse_order_id(texts[ORDER_ID.name], column=ORDER_ID.name)
            happened = self._day(texts, self.happened, parse_context)
            due = self._day(texts, self.due, parse_context)
            kinds = [kind for kind, is_defect in self.kinds.items() if is_defect(texts, happened, due)]
            reference = cells.build_reference(texts.get(TRACKING_ID.name, ""), column=TRACKING_ID.name)
            return [_listed(order, kind, reference, happened or due) for kind in kinds]

        return parse

    def _day(self, texts: cells.Texts, names: Sequence[str], parse_context: ParseContext) -> date | None:
        """Return the day of the first of the columns that is filled, if it reads in exactly one way."""
        name = next((name for name in names if texts.get(name)), None)
        if name is None:
            return None
        day = listed_days.parse(texts[name], parse_context=parse_context)
        warning = (
            f"`{name}`: days that read in more than one way were left out; the orders count all the same."
        )
        if day is None and warning not in parse_context.warnings:
            parse_context.warnings.append(warning)
        return day


def is_marked(column: str) -> Judge:
    """Return a judge that asks whether the column has a mark."""

    def judge(texts: cells.Texts, _happened: date | None, _due: date | None) -> bool:
        text = texts.get(column, "")
        word = text.lower()
        if word in NO_MARKS or word in cells.NO:
            return False
        if word in MARKS or word in cells.YES:
            return True
        raise InvalidRow(
            f"`{column}`: {quote_value(text)} is not valid; expected x or yes, or no or an empty cell."
        )

    return judge


def is_after_due(_texts: cells.Texts, happened: date | None, due: date | None) -> bool:
    """Return whether the row may have missed its day. On the same day, the hour decides, which Amazon knows."""
    return happened is None or due is None or happened >= due


def _letters(cell: str) -> str:
    return re.sub("[^a-z]", "", cell.lower())


def _listed(order: str, kind: DefectKind, reference: str, on: date | None) -> DefectFact:
    return DefectFact(
        order_id=order,
        kind=kind,
        reference=REFERENCE if kind is DefectKind.CANCELLATION or not reference else reference,
        state=defects.LISTED,
        rating=None,
        occurred_on=on,
        stated_at=None,
        funded_by="",
        counts=defects.ruling(kind=kind, state=defects.LISTED, rating=None).counts,
    )
