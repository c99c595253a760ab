"""Documents come in: kept without what is personal, duplicates recognised, a worker woken."""

import hashlib
import json
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
from ingestion.redaction import storage
from ingestion.reports import REPORT_TYPE_BY_NAME, defect_row, posted_defects

AGAIN = {Report.Status.REJECTED, Report.Status.FAILED}
"""What became of a document is final, but for these: sent again, it is looked at again."""
FOR_ITS_PERIOD = {Report.Status.QUEUED, Report.Status.LOADED}
"""And for these where only now its sender says of which days it is whole, and that means something for it."""


@dataclass(frozen=True, kw_only=True)
class ReceivedDocument:
    """A document as it arrived, and what its sender said of it."""

    content: "File[bytes]"
    sha256: str
    source: Report.Source
    announced_type: str
    marketplace: str
    period: tuple[date, date] | None = None
    """First and last of the days of which it is whole: what it does not name of them was removed."""


def accept(
    *, account: SellerAccount, received: ReceivedDocument, now: datetime, who: Actor = audit.UNDERONE
) -> tuple[Report, bool]:
    """The report of this document, and whether the document had been received before.

    Bytes are kept before the row that names them, so that a row never points to nothing.
    """
    first = _first(account, received)
    if first is None:
        try:
            return _keep(account, received, now, who), False
        except IntegrityError as error:
            if constraints.violated(error) != UNIQUE_DOCUMENT:
                raise
            first = _first(account, received)  # the same bytes came in at the same moment by another door
            if first is None:
                raise
    if first.status in AGAIN:
        _look_again(first, received, now, who)
    elif _tells_a_period(first, received):
        _look_again_for_its_period(first, received, now, who)
    return first, True


def accept_rows(*, account: SellerAccount, rows: list[dict[str, object]], now: datetime, who: Actor = audit.UNDERONE) -> Report:
    """The report of defects posted as JSON. Posted twice they are two statements: the later may take an earlier one back."""
    known = [{name: row[name] for name in defect_row.FIELDS if name in row} for row in rows]  # nothing else is kept
    body = json.dumps({"defects": known}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    received = ReceivedDocument(
        content=ContentFile(body),
        sha256=hashlib.sha256(body).hexdigest(),
        source=Report.Source.JSON,
        announced_type=posted_defects.NAME,
        marketplace=account.home_marketplace,
    )
    return _keep(account, received, now, who)


def _first(account: SellerAccount, received: ReceivedDocument) -> Report | None:
    reports = Report.objects.filter(agency_id=account.agency_id, account=account, sha256=received.sha256)
    return reports.exclude(source=Report.Source.JSON).first()


def _keep(account: SellerAccount, received: ReceivedDocument, now: datetime, who: Actor) -> Report:
    report = Report(
        agency_id=account.agency_id,
        account=account,
        announced_type=received.announced_type,
        report_type=received.announced_type,
        marketplace=received.marketplace,
        source=received.source,
        sha256=received.sha256,
        size=received.content.size,
        received_at=now,
        handed_out_at=now,
        **_days(received),
    )
    _store(report, received)
    try:
        with transaction.atomic():
            report.save(force_insert=True)
            _note(report, "report.received", who, now)
    except BaseException:
        default_storage.delete(report.document)
        raise
    _hand_out(report)
    return report


def _look_again(report: Report, received: ReceivedDocument, now: datetime, who: Actor) -> None:
    """Queue it as if it had come just now."""
    as_announced_now = {
        "announced_type": received.announced_type,
        "report_type": received.announced_type,
        "marketplace": received.marketplace,
        "received_at": now,
    }
    _queue(report, received, now, who, of=AGAIN, changes=as_announced_now)


def _look_again_for_its_period(report: Report, received: ReceivedDocument, now: datetime, who: Actor) -> None:
    """Queue it with its period. It speaks of the moment when it came first, not of now: newer documents stay right."""
    _queue(report, received, now, who, of=FOR_ITS_PERIOD, changes={})


def _tells_a_period(first: Report, received: ReceivedDocument) -> bool:
    """Whether the sender says only now of which days the document is whole, and its kind, if known, makes use of that."""
    kind = REPORT_TYPE_BY_NAME.get(first.report_type)
    is_of_use = kind is None or kind.uses_period
    return first.status in FOR_ITS_PERIOD and first.period is None and received.period is not None and is_of_use


def _queue(
    report: Report, received: ReceivedDocument, now: datetime, who: Actor, *, of: set[Report.Status], changes: dict[str, Any]
) -> None:
    """Queue a report that is still one `of` these, with its document kept anew: as it is announced, and as the agency keeps
    documents, now. Of two who send it at once, one does.
    """
    rows = Report.objects.filter(agency_id=report.agency_id, pk=report.pk)
    waiting = rows.select_for_update(of=("self",)).filter(status__in=of).first()
    if waiting is not None and (of is AGAIN or waiting.period is None):
        default_storage.delete(waiting.document)
        _store(waiting, received)
        fresh: dict[str, Any] = {
            "status": Report.Status.QUEUED,
            "problem": None,
            "warnings": [],
            "attempts": 0,
            "handed_out_at": now,
        }
        counts = dict.fromkeys(("rows_read", "rows_new", "rows_changed", "rows_unchanged", "rows_rejected"), 0)
        document = {name: getattr(waiting, name) for name in ("document", "blanked_columns", "encoding", "encoding_reason")}
        rows.update(**fresh, **counts, **document, **_days(received), **changes, document_deleted_at=None, loaded_at=None)
        RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk).delete()
        _note(report, "report.queued_again", who, now)
        _hand_out(report)
    report.refresh_from_db(from_queryset=rows)


def _days(received: ReceivedDocument) -> dict[str, date | None]:
    period_from, period_to = received.period or (None, None)
    return {"period_from": period_from, "period_to": period_to}


def _store(report: Report, received: ReceivedDocument) -> None:
    """Keep the document in its account's folder, and note in the report where, what was blanked, and what it was written in."""
    kept = storage.keep(
        content=received.content,
        name=f"{report.agency_id.hex}/{report.account_id.hex}/{report.public_id}",
        agency=report.agency,
        announced_type=received.announced_type,
        marketplace=received.marketplace,
    )
    report.document, report.blanked_columns = kept.document, kept.columns
    report.encoding, report.encoding_reason = (kept.encoding.codec, kept.encoding.reason) if kept.encoding else ("", "")


def _note(report: Report, what: str, who: Actor, now: datetime) -> None:
    """Whose it is, where it came from, and the digest that tells it from others; nothing that stands in it."""
    told = {"account": report.account.public_id, "source": report.source, "sha256": report.sha256, "size": report.size}
    audit.record(agency_id=report.agency_id, who=who, what=what, about=report.public_id, detail=told, now=now)


def _hand_out(report: Report) -> None:
    send = partial(tasks.load_report.delay, agency_id=str(report.agency_id), report_id=str(report.pk))
    transaction.on_commit(send, robust=True)  # a broker that is down delays a report; the row is picked up by the clock
