"""What became of a document, told as an event in the transaction that decides it. Ids, counts and kinds only: nothing it says."""

from datetime import datetime
from typing import Any

from accounts.models import SellerAccount
from api import timestamps
from ingestion.models import Report
from ingestion.reports import REPORT_TYPE_BY_NAME
from webhooks.events import publishing


def loaded(*, account: SellerAccount, report: Report, now: datetime) -> None:
    """The report is in every number."""
    counts = {name: getattr(report, f"rows_{name}") for name in ("read", "new", "changed", "unchanged", "rejected")}
    _publish(account, report, "report.loaded", {"loaded_at": timestamps.text(now), "rows": counts}, now)


def rejected(*, account: SellerAccount, report: Report, now: datetime) -> None:
    """The document was refused whole. Its `detail` is not told: it may quote the document."""
    _publish(account, report, "report.rejected", {"problem": report.problem["type"], "title": report.problem["title"]}, now)


def _publish(account: SellerAccount, report: Report, type_: str, data: dict[str, Any], now: datetime) -> None:
    known = {
        "report": report.public_id,
        "report_type": report.report_type if report.report_type in REPORT_TYPE_BY_NAME else None,
        "source": report.source,
    }
    publishing.publish(account=account, type_=type_, data=known | data, now=now, key=_key(report, type_))


def _key(report: Report, type_: str) -> str:
    """One outcome each time that the document is handed in: first, again after it was no use, or with its period."""
    handed_in = f"{report.received_at:%Y%m%dT%H%M%S.%fZ}" + (":whole" if report.period else "")
    return f"{report.public_id}:{type_.partition('.')[2]}:{handed_in}"
