"""One report becomes facts and numbers: read first, outside any transaction; then everything of it commits at once.

A session-level lock marks the report as being in a worker's hands. It goes with the worker's connection, so a killed
worker's report is free again as soon as PostgreSQL notices.
"""

from datetime import date, datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import F

from accounts.models import SellerAccount
from accounts.tenancy import context
from ingestion import report_events
from ingestion.models import RejectedRow, Report
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument, RejectedLine
from ingestion.reports.documents import DocumentReader
from ingestion.reports.report_type import ParseContext
from metrics import refresh
from metrics.pipeline import feedback_removal, recording

MAX_ATTEMPTS = 5
UNDER_WAY = (Report.Status.QUEUED, Report.Status.PROCESSING)
OUR_FAULT = {
    "type": "/problems/loading-failed",
    "title": "We could not load this document",
    "detail": f"Loading broke {MAX_ATTEMPTS} times. The fault is ours; nothing of it was counted. Send it again later.",
}

NOT_WHOLE = (
    "The period was not used, and nothing is taken as removed: a report names all feedback of a period only if it has rows, "
    "none was rejected, and none is of another day."
)


def claim(*, agency_id: UUID, report_id: UUID) -> Report | None:
    """The report, marked as being processed; None when nothing is left to do for it.

    Attempts are counted before the work: what kills its worker every time is given up, not handed out for ever.
    """
    with context.agency(agency_id):
        theirs = Report.objects.filter(agency_id=agency_id, account__deleted_at=None, agency__closed_at=None)
        waiting = theirs.filter(pk=report_id, status__in=UNDER_WAY)
        if waiting.filter(attempts__gte=MAX_ATTEMPTS).update(status=Report.Status.FAILED, problem=OUR_FAULT):
            return None
        if not waiting.update(status=Report.Status.PROCESSING, attempts=F("attempts") + 1):
            return None
        return Report.objects.get(agency_id=agency_id, pk=report_id)


def read(report: Report) -> DocumentReader:
    """Stage the facts of the report's document in this session. Raises Refused."""
    zone = settings.MARKETPLACE_ZONES.get(report.marketplace, "UTC")
    parse_context = ParseContext(
        marketplace=report.marketplace, received_at=report.received_at, zone=ZoneInfo(zone), period=report.period
    )
    reader = DocumentReader(
        partial(default_storage.open, report.document),
        announced_type=report.announced_type,
        parse_context=parse_context,
        max_bytes=settings.REPORT_MAX_BYTES,
        encoding=Encoding(report.encoding, report.encoding_reason) if report.encoding else None,
    )
    for fact_type in reader.report_type.fact_types:
        recording.stage(fact_type=fact_type, facts=reader.facts_of_type(fact_type))
    return reader


def commit(*, report: Report, reader: DocumentReader, now: datetime) -> None:
    """Record the staged facts and everything that follows from them, or nothing. A second time it changes nothing."""
    with context.agency(report.agency_id):
        try:
            account = SellerAccount.objects.locked(agency_id=report.agency_id, account_id=report.account_id)
        except SellerAccount.DoesNotExist:
            return  # handed back meanwhile, or the agency was closed
        if Report.objects.get(agency_id=report.agency_id, pk=report.pk).status == Report.Status.LOADED:
            return
        moment = recording.next_moment(account=account, now=now)
        _cover_period(account, report, reader, moment)
        recorded = [
            recording.record(
                account=account,
                fact_type=fact_type,
                report_id=report.pk,
                received_at=report.received_at,
                recorded_at=moment,
                with_lines=len(reader.report_type.fact_types) > 1,
            )
            for fact_type in reversed(reader.report_type.fact_types)
        ]
        touched = frozenset[date]().union(*(each.touched for each in recorded))
        refresh.refresh(account=account, touched=touched, now=moment)
        _note_loaded(report, reader, recorded, moment)
        report_events.loaded(account=account, report=report, now=moment)


def refuse(*, report: Report, refused: RejectedDocument, now: datetime) -> None:
    """The document was no use whole: say why, change nothing else."""
    with context.agency(report.agency_id):
        accounts = SellerAccount.objects.present().filter(agency_id=report.agency_id, agency__closed_at=None)
        account = accounts.filter(pk=report.account_id).first()
        if account is None:
            return  # handed back meanwhile, or the agency was closed
        report.status = Report.Status.REJECTED
        report.problem = refused.problem()
        report.rows_read = report.rows_rejected = len(refused.rejected)
        report.save()
        _keep_rejected(report, refused.rejected)
        report_events.rejected(account=account, report=report, now=now)


def _cover_period(account: SellerAccount, report: Report, reader: DocumentReader, moment: datetime) -> None:
    """Note the period of which the report names all feedback, or warn.

    It names all of it only if every row could be used and is of the period. A report without rows says nothing.
    """
    period = reader.parse_context.period
    if period is None or not reader.report_type.uses_period:
        return
    is_whole = not reader.rejected and feedback_removal.cover(
        account=account,
        marketplace=report.marketplace,
        period=period,
        received_at=report.received_at,
        recorded_at=moment,
        report_id=report.pk,
    )
    if not is_whole:
        reader.parse_context.warnings.append(NOT_WHOLE)


def _note_loaded(report: Report, reader: DocumentReader, recorded: list[recording.Recorded], moment: datetime) -> None:
    used = reader.read - len(reader.rejected)
    new, changed = _rows(recorded)
    report.status = Report.Status.LOADED
    report.loaded_at = moment
    report.problem = None
    report.report_type = reader.type_name
    report.encoding = reader.encoding.codec
    report.encoding_reason = reader.encoding.reason
    report.warnings = reader.parse_context.warnings
    report.rows_read = reader.read
    report.rows_rejected = len(reader.rejected)
    report.rows_new = new
    report.rows_changed = changed
    report.rows_unchanged = used - new - changed
    report.save()
    _keep_rejected(report, tuple(reader.rejected))


def _rows(recorded: list[recording.Recorded]) -> tuple[int, int]:
    """How many rows told something new, and how many others changed something: a row of several facts is one."""
    if len(recorded) == 1:
        return recorded[0].new, recorded[0].changed
    new = frozenset[int]().union(*(each.new_lines for each in recorded))
    changed = frozenset[int]().union(*(each.changed_lines for each in recorded))
    return len(new), len(changed - new)


def _keep_rejected(report: Report, rejected: tuple[RejectedLine, ...]) -> None:
    RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk).delete()
    RejectedRow.objects.bulk_create(
        [
            RejectedRow(
                agency_id=report.agency_id,
                account_id=report.account_id,
                report_id=report.pk,
                line=row.line,
                reason=row.reason,
            )
            for row in rejected
        ],
        batch_size=5000,
    )
