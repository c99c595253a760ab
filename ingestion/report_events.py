"""Publish `report.loaded` and `report.rejected` in the transaction that decides them.

Events carry IDs, counts and types only, nothing from the document's content.
"""

from datetime import datetime
from typing import Any

from accounts.models import SellerAccount
from api import timestamps
from ingestion.models import Report
from ingestion.reports import REPORT_TYPE_BY_NAME
from webhooks.events import publishing


def loaded(*, account: SellerAccount, report: Report, now: datetime) -> None:
    """Publish that the report is in every figure. Requires a transaction."""
    counts = {
        name: getattr(report, f"rows_{name}")
        for name in ("read", "new", "changed", "unchanged", "rejected", "set_apart")
    }
    _publish(account, report, "report.loaded", {"loaded_at": timestamps.text(now), "rows": counts}, now)


def rejected(*, account: SellerAccount, report: Report, now: datetime) -> None:
    """Publish that the report was rejected as a whole. Requires a transaction."""
    # Without the problem's `detail`, which may quote the document. Events go to servers of others.
    _publish(
        account,
        report,
        "report.rejected",
        {"problem": report.problem["type"], "title": report.problem["title"]},
        now,
    )


def _publish(account: SellerAccount, report: Report, type_: str, data: dict[str, Any], now: datetime) -> None:
    common = {
        "report": report.public_id,
        "report_type": report.report_type if report.report_type in REPORT_TYPE_BY_NAME else None,
        "source": report.source,
    }
    publishing.publish(account=account, type_=type_, data=common | data, now=now, key=_key(report, type_))


def _key(report: Report, type_: str) -> str:
    """Return the event's deduplication key: one outcome for each time the document is queued."""
    # A document is queued when it is received, when it is sent again after a rejection (with a new
    # `received_at`), and when its period is added (with the old one). A second worker with the same outcome
    # violates the unique key, so its whole transaction is rolled back.
    queued = f"{report.received_at:%Y%m%dT%H%M%S.%fZ}" + (":whole" if report.period else "")
    return f"{report.public_id}:{type_.partition('.')[2]}:{queued}"
