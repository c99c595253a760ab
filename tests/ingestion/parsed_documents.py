"""Parse documents without a server: bytes in, facts and rejected rows out."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone

from ingestion.parsing.encodings import Encoding
from ingestion.reports.documents import DocumentReader
from ingestion.reports.report_type import ParseContext
from metrics.rules.facts import (
    DefectFact,
    Fact,
    ListingFact,
    MessageFact,
    OrderFact,
    ReportedFact,
    ReturnFact,
    ShipmentFact,
    SnapshotFact,
)

TODAY = date(2026, 11, 22)
MAX_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class ParsedDocument:
    """Hold the facts of a document and its reader."""

    lines: list[tuple[int, Fact]]
    reader: DocumentReader

    @property
    def orders(self) -> list[OrderFact]:
        return [fact for _, fact in self.lines if isinstance(fact, OrderFact)]

    @property
    def defects(self) -> list[DefectFact]:
        return [fact for _, fact in self.lines if isinstance(fact, DefectFact)]

    @property
    def reported(self) -> list[ReportedFact]:
        return [fact for _, fact in self.lines if isinstance(fact, ReportedFact)]

    @property
    def snapshots(self) -> list[SnapshotFact]:
        return [fact for _, fact in self.lines if isinstance(fact, SnapshotFact)]

    @property
    def shipments(self) -> list[ShipmentFact]:
        return [fact for _, fact in self.lines if isinstance(fact, ShipmentFact)]

    @property
    def returns(self) -> list[ReturnFact]:
        return [fact for _, fact in self.lines if isinstance(fact, ReturnFact)]

    @property
    def listings(self) -> list[ListingFact]:
        return [fact for _, fact in self.lines if isinstance(fact, ListingFact)]

    @property
    def messages(self) -> list[MessageFact]:
        return [fact for _, fact in self.lines if isinstance(fact, MessageFact)]

    @property
    def rejected(self) -> dict[int, str]:
        """Return the reasons by line."""
        return {row.line: row.reason for row in self.reader.rejected}

    @property
    def warnings(self) -> list[str]:
        return self.reader.parse_context.warnings


def parse_document(
    document: bytes,
    *,
    announced: str = "",
    marketplace: str = "US",
    zone: str = "UTC",
    today: date | None = None,
    most: int = MAX_BYTES,
    encoding: Encoding | None = None,
) -> ParsedDocument:
    """Parse a document received at noon of `today`, or now. Raises RejectedDocument."""
    received_at = datetime.combine(today, time(12), UTC) if today else timezone.now()
    parse_context = ParseContext(marketplace=marketplace, received_at=received_at, zone=ZoneInfo(zone))
    reader = DocumentReader(
        lambda: io.BytesIO(document),
        announced_type=announced,
        parse_context=parse_context,
        max_bytes=most,
        encoding=encoding,
    )
    return ParsedDocument(list(reader.facts()), reader)
