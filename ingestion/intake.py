"""Receive documents: store them, recognize duplicates, and queue them for a worker.

`receive` handles uploads in this order:

1. Look for a report of the account with the same SHA-256 and marketplace.
2. If there is none, store the original, then insert its report. The file comes first, so that no report ever
   points to a missing file.
3. If there is one that was rejected or failed, or that only now gets a period, store the original again and
   queue the report again.
4. After the commit, wake a worker. It redacts the document before it reads it (redaction/originals.py).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Actor, SellerAccount, constraints
from ingestion import tasks
from ingestion.models import RejectedRow, Report
from ingestion.models.reports import UNIQUE_DOCUMENT
from ingestion.redaction import originals
from ingestion.reports import REPORT_TYPE_BY_NAME, defect_row, posted_defects, posted_facts

RELOADABLE = {Report.Status.REJECTED, Report.Status.FAILED}
"""The statuses in which a document is loaded again when it is sent again. All other statuses are final."""
PERIOD_ADDABLE = {Report.Status.QUEUED, Report.Status.LOADED}
"""The statuses in which a document is loaded again when it is sent again with a period, if its report type
uses periods."""


@dataclass(frozen=True, kw_only=True)
class ReceivedDocument:
    """Store a document as it was received, with what its sender stated about it."""

    content: "File[bytes]"
    sha256: str
    source: Report.Source
    announced_type: str
    marketplace: str
    is_marketplace_stated: bool = True
    """Whether the sender stated the marketplace. Otherwise it is the account's home marketplace."""
    period: tuple[date, date] | None = None
    """First and last day for which the report is complete.

    Feedback of these days that it does not list was removed.
    """


def receive(
    *, account: SellerAccount, received: ReceivedDocument, now: datetime, actor: Actor = audit.UNDERONE
) -> tuple[Report, bool]:
    """Return the report of this document, and whether the document is a duplicate.

    Requires the tenant context's transaction. Inserting the report uses a savepoint.
    """
    first = _find_duplicate(account, received)
    if first is None:
        try:
            return _create_report(account, received, now, actor), False
        except IntegrityError as error:
            if constraints.violated(error) != UNIQUE_DOCUMENT:
                raise
            # Another request committed the same bytes since the look-up above.
            first = _find_duplicate(account, received)
            if first is None:
                raise
    if first.status in RELOADABLE:
        _queue_again(first, received, now, actor)
    elif _adds_period(first, received):
        _queue_with_period(first, received, now, actor)
    return first, True


def receive_rows(
    *, account: SellerAccount, rows: list[dict[str, object]], now: datetime, actor: Actor = audit.UNDERONE
) -> Report:
    """Return a new report of defects posted as JSON.

    Identical rows posted twice are two reports: the second may restore a state that was changed in between.
    Requires the tenant context's transaction.
    """
    # Only documented fields are stored.
    defects = [{name: row[name] for name in defect_row.FIELDS if name in row} for row in rows]
    return _receive_json(account, {"defects": defects}, posted_defects.NAME, now, actor)


def receive_facts(
    *, account: SellerAccount, body: Mapping[str, Any], now: datetime, actor: Actor = audit.UNDERONE
) -> Report:
    """Return a new report of facts posted as JSON. The body must be valid.

    As with defects, the same body posted twice is two reports. Requires the tenant context's transaction.
    """
    return _receive_json(account, posted_facts.select_documented(body), posted_facts.NAME, now, actor)


def _receive_json(
    account: SellerAccount, document: Mapping[str, object], report_type: str, now: datetime, actor: Actor
) -> Report:
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    received = ReceivedDocument(
        content=ContentFile(body),
        sha256=hashlib.sha256(body).hexdigest(),
        source=Report.Source.JSON,
        announced_type=report_type,
        marketplace=account.home_marketplace,
    )
    return _create_report(account, received, now, actor)


def has_reports(account: SellerAccount) -> bool:
    """Return whether a report of the account was loaded or is going to be."""
    reports = Report.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    return reports.exclude(status__in=(Report.Status.REJECTED, Report.Status.FAILED)).exists()


def _find_duplicate(account: SellerAccount, received: ReceivedDocument) -> Report | None:
    reports = Report.objects.filter(agency_id=account.agency_id, account=account, sha256=received.sha256)
    # The unique constraint excludes them as well: rows posted twice are two reports.
    reports = reports.exclude(source=Report.Source.JSON)
    # For another marketplace the same bytes are another report, unless nothing of the first was used.
    return (
        reports.filter(marketplace=received.marketplace).first()
        or reports.filter(status__in=RELOADABLE).first()
    )


def _create_report(account: SellerAccount, received: ReceivedDocument, now: datetime, actor: Actor) -> Report:
    report = Report(
        agency_id=account.agency_id,
        account=account,
        announced_type=received.announced_type,
        report_type=received.announced_type,
        marketplace=received.marketplace,
        is_marketplace_stated=received.is_marketplace_stated,
        source=received.source,
        sha256=received.sha256,
        size=received.content.size,
        received_at=now,
        handed_out_at=now,
        **_period_fields(received),
    )
    # The file comes before the row: a killed process leaves a file without a row, which the sweep finds, and
    # never a row without its file.
    _store(report, received)
    try:
        # In a savepoint, because `receive` continues in this transaction after a duplicate.
        with transaction.atomic():
            report.save(force_insert=True)
            _record_audit(report, "report.received", actor, now)
    except BaseException:
        # The storage knows no transaction: without its row, the file would stay until the account is erased.
        default_storage.delete(report.original or report.document)
        raise
    _wake_worker()
    return report


def _queue_again(report: Report, received: ReceivedDocument, now: datetime, actor: Actor) -> None:
    """Queue a rejected or failed report as if it were received now, with the type and marketplace stated
    now.
    """
    # Nothing of the report was recorded so far, so its facts may take the precedence of today.
    changes = {
        "announced_type": received.announced_type,
        "report_type": received.announced_type,
        "marketplace": received.marketplace,
        "is_marketplace_stated": received.is_marketplace_stated,
        "received_at": now,
    }
    _queue(report, received, now, actor, statuses=RELOADABLE, changes=changes)


def _queue_with_period(report: Report, received: ReceivedDocument, now: datetime, actor: Actor) -> None:
    """Queue a report again with its period."""
    # `received_at` stays the moment of the first upload: the bytes are that old, and reports received since
    # then keep precedence.
    _queue(report, received, now, actor, statuses=PERIOD_ADDABLE, changes={})


def _adds_period(first: Report, received: ReceivedDocument) -> bool:
    """Return whether the duplicate states a period that the first upload did not, and its report type, if
    known, uses it.
    """
    report_type = REPORT_TYPE_BY_NAME.get(first.report_type)
    uses_period = report_type is None or report_type.uses_period
    return (
        first.status in PERIOD_ADDABLE
        and first.period is None
        and received.period is not None
        and uses_period
    )


COUNT_FIELDS = (
    "rows_read",
    "rows_new",
    "rows_changed",
    "rows_unchanged",
    "rows_rejected",
    "rows_set_apart",
)
UNREAD: dict[str, Any] = dict.fromkeys(COUNT_FIELDS, 0) | {
    "status": Report.Status.QUEUED,
    "problem": None,
    "warnings": [],
    "document": "",
    "blanked_columns": [],
    "encoding": "",
    "encoding_reason": "",
    "missing_orders": None,
    "attempts": 0,
    "claimed_at": None,
    "leased_until": None,
    "document_deleted_at": None,
    "loaded_at": None,
}
"""The fields of a report that is to be read again."""


def _queue(
    report: Report,
    received: ReceivedDocument,
    now: datetime,
    actor: Actor,
    *,
    statuses: set[Report.Status],
    changes: dict[str, Any],
) -> None:
    """Store the document again and queue its report, if the report still has one of `statuses`."""
    rows = Report.objects.filter(agency_id=report.agency_id, pk=report.pk)
    # The status is checked again under the row's lock, because two requests may send the same bytes at the
    # same time and only one of them may queue the report.
    waiting = rows.select_for_update(of=("self",)).filter(status__in=statuses).first()
    if waiting is not None and (statuses is RELOADABLE or waiting.period is None):
        # The stored document may have been redacted for another report type, or by a setting
        # that the agency has changed since. It is deleted once no row refers to it.
        for name in filter(None, (waiting.document, waiting.original)):
            transaction.on_commit(partial(originals.delete, name), robust=True)
        originals.store(waiting, received.content)
        changes |= {"original": waiting.original, "handed_out_at": now}
        rows.update(**UNREAD, **_period_fields(received), **changes)
        # They are rows of the earlier attempt and would be read as those of the attempt that waits now.
        RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk).delete()
        _record_audit(report, "report.queued_again", actor, now)
        _wake_worker()
    report.refresh_from_db(from_queryset=rows)


def _period_fields(received: ReceivedDocument) -> dict[str, date | None]:
    period_from, period_to = received.period or (None, None)
    return {"period_from": period_from, "period_to": period_to}


def _store(report: Report, received: ReceivedDocument) -> None:
    if received.source != Report.Source.JSON:
        originals.store(report, received.content)
        return
    # Only documented fields were posted, so there is nothing to redact.
    folder = f"{report.agency_id.hex}/{report.account_id.hex}"
    report.document = default_storage.save(f"{folder}/{report.public_id}", received.content)


def _record_audit(report: Report, what: str, actor: Actor, now: datetime) -> None:
    """Record the account, source, digest and size. Nothing from the document's content."""
    detail = {
        "account": report.account.public_id,
        "source": report.source,
        "sha256": report.sha256,
        "size": report.size,
    }
    audit.record(
        agency_id=report.agency_id, actor=actor, what=what, about=report.public_id, detail=detail, now=now
    )


def _wake_worker() -> None:
    # robust: while the broker is down the report stays queued, and the scheduler wakes a worker later.
    transaction.on_commit(tasks.load_report.delay, robust=True)
