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
        name: getattr(report, f"rows_{name}") for name in ("read", "new", "changed", "unchanged", "rejected")
    }
    _publish(account, report, "report.loaded", {"loaded_at": timestamps.text(now), "rows": counts}, now)


def rejected(*, account: SellerAccount, report: Report, now: datetime) -> None:
    """Publish that the report was rejected as a whole. Requires a transaction.

    The problem's `detail` is left out because it may quote the document.
    """
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
    """Return the event's deduplication key: one outcome for each time the document is queued.

    A document is queued when it is received, when it is sent again after a rejection, and when its period is
    added.
    """
    queued = f"{report.received_at:%Y%m%dT%H%M%S.%fZ}" + (":whole" if report.period else "")
    return f"{report.public_id}:{type_.partition('.')[2]}:{queued}"
