"""Load a report: parse its document into facts, record them and refresh every figure they change.

The task `load_report` runs these steps:

1. `leases.lease_report`: lease the next report, mark it as processing and count the attempt. A thread extends
   the lease until the work is done; the report of a killed worker is free again when its lease ends.
2. `begin`: give up a report that was tried too often or that took too long, or return it.
3. `load`: replace the original by the redacted document. Then, in one transaction, `stage` parses the document
   and copies its facts into temporary tables, and `record` locks the account, records the staged facts,
   refreshes the account's figures, sets the report's counts and publishes `report.loaded`.
4. Or `reject`, if step 3 raised RejectedDocument: set the problem, delete an original that was not redacted,
   and publish `report.rejected`.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from accounts.models import SellerAccount
from accounts.tenancy import context
from ingestion import readings, report_events
from ingestion.documents import stored_documents
from ingestion.leases import LeasedReport
from ingestion.models import RejectedRow, Report
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument, RejectedLine
from ingestion.redaction import originals
from ingestion.reports.documents import MAX_REASON_LENGTH, DocumentReader
from ingestion.reports.report_type import ParseContext
from metrics import refresh
from metrics.drilldown import missing_orders
from metrics.pipeline import (
    feedback_dates,
    feedback_removal,
    incomplete_keys,
    recording,
)
from metrics.rules.facts import OrderFact

log = logging.getLogger(__name__)

# A worker is killed at CELERY_TASK_TIME_LIMIT. Its lease was extended until a few seconds before.
TIME_LIMIT = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
# A broken connection or a deployment may interrupt an honest report a few times. One that kills its worker
# each time would do so forever.
MAX_ATTEMPTS = 5
LOADING_FAILED = {
    "type": "/problems/loading-failed",
    "title": "Loading failed",
    "detail": f"Loading failed {MAX_ATTEMPTS} times because of an internal error. No row was counted. Upload "
    "the document "
    "again later.",
}

LOADING_TIMED_OUT = {
    "type": "/problems/loading-timed-out",
    "title": "Loading timed out",
    "detail": "Loading took too long and was stopped. No row was counted. Split the document by date and upload "
    "the parts.",
}
FURTHER_REASONS = "Further reasons are not shown."
PERIOD_INCOMPLETE = (
    "The period was ignored and no feedback was marked as removed. A report is complete for a period only if "
    "it has rows, "
    "no row was rejected, and every row is within the period."
)


def begin(leased: LeasedReport, *, now: datetime) -> Report | None:
    """Return the leased report, or None if it is given up: it took too long, or was tried MAX_ATTEMPTS times.

    Opens its own transaction.
    """
    with context.agency(leased.agency_id):
        report = _locked(leased.agency_id, leased.report_id, leased.attempt)
        # The worker before was killed at its time limit. Another attempt would take as long.
        if leased.held >= TIME_LIMIT:
            _fail(report, LOADING_TIMED_OUT, now)
            return None
        # The attempt is counted before the work, so that a document that kills its worker is given up in the
        # end.
        if leased.attempt > MAX_ATTEMPTS:
            _fail(report, LOADING_FAILED, now)
            return None
        return report


def load(*, report: Report, clock: Callable[[], datetime]) -> None:
    """Load a report that this worker has leased, or reject it. Opens its own transactions."""
    try:
        if not originals.redact(report):
            return
        # Staging needs the transaction that records: behind a pooler of transactions, temporary tables of the
        # session would be in the session of somebody else.
        with context.agency(report.agency_id):
            reader = stage(report)
            record(report=report, reader=reader, now=clock())
    except RejectedDocument as rejection:
        reject(report=report, rejection=rejection, now=clock())


def give_up(report: Report, *, now: datetime) -> None:
    """Mark a report that reached the time limit as failed. Opens a transaction."""
    with context.agency(report.agency_id):
        _fail(_locked(report.agency_id, report.pk, report.attempts), LOADING_TIMED_OUT, now)


def stage(report: Report) -> DocumentReader:
    """Parse the report's document and copy its facts into temporary tables. Return the reader.

    Requires the transaction that records the facts. Raises RejectedDocument.
    """
    zone = settings.MARKETPLACE_ZONES.get(report.marketplace, "UTC")
    parse_context = ParseContext(
        marketplace=report.marketplace,
        received_at=report.received_at,
        zone=ZoneInfo(zone),
        period=report.period,
        is_marketplace_stated=report.is_marketplace_stated,
    )
    reader = DocumentReader(
        partial(stored_documents.open_to_load, report),
        announced_type=report.announced_type,
        parse_context=parse_context,
        max_bytes=settings.REPORT_MAX_BYTES,
        max_cpu_seconds=settings.REPORT_MAX_CPU_SECONDS,
        encoding=Encoding(report.encoding, report.encoding_reason) if report.encoding else None,
    )
    # All types are staged before the first is recorded: a document that turns out to be unreadable at
    # its last line changes nothing.
    staged = {
        fact_type: recording.stage(fact_type=fact_type, facts=reader.facts_of_type(fact_type))
        for fact_type in reader.report_type.fact_types
    }
    # Only now: each pass over the document collects the rejected rows anew.
    for fact_type, reason in reader.report_type.tell_apart.items():
        for line in incomplete_keys.remove_indistinct(fact_type=fact_type):
            reader.reject(RejectedLine(line, reason))
    if not reader.report_type.has_all_types:
        reader.fact_types = tuple(fact_type for fact_type, rows in staged.items() if rows)
        for fact_type in staged.keys() - set(reader.fact_types):
            recording.drop_staged(fact_type=fact_type)
    return reader


def record(*, report: Report, reader: DocumentReader, now: datetime) -> None:
    """Record the staged facts and refresh every figure they change.

    1. Lock the account, then the report.
    2. Return if the lease was lost: another worker loads the report, or has loaded it.
    3. Read the dates of feedback by the orders that are loaded.
    4. Record the period for which the report is complete.
    5. Look for orders that the account does not have.
    6. Record the facts, the later fact types of the report type first.
    7. Read the dates of feedback by the orders just recorded.
    8. Refresh daily counts, values and alerts for the days touched.
    9. Set the report's counts and rejected rows.
    10. Publish `report.loaded`.

    Requires the transaction of `stage`. Raises RejectedDocument if step 3 leaves no row.
    """
    try:
        # Reports of one account are recorded one after the other: two at once would each compute figures
        # without the facts of the other.
        account = SellerAccount.objects.locked(agency_id=report.agency_id, account_id=report.account_id)
    except SellerAccount.DoesNotExist:
        # The account was deleted or the agency closed since the report was leased.
        return
    # Until this transaction ends, no other worker can lease the report, even if the lease ends before.
    if _locked(report.agency_id, report.pk, report.attempts) is None:
        log.info("%s is loaded by another worker", report.public_id)
        return
    # Not the moment at which this function was called: while it waited for the lock, another
    # report may have taken a later one.
    moment = recording.next_moment(account=account, now=now)
    recorded, touched = _record_staged(account, report, reader, moment)
    # In the same transaction as the facts, so that no reader sees a fact that
    # the figures do not contain yet.
    refresh.refresh(account=account, touched=touched, now=moment)
    _record_loaded(report, reader, recorded, moment)
    # Last, because the event states the counts.
    report_events.loaded(account=account, report=report, now=moment)


def _record_staged(
    account: SellerAccount, report: Report, reader: DocumentReader, moment: datetime
) -> tuple[list[recording.Recorded], frozenset[date]]:
    """Take the steps 3 to 7 of `record`. Return what was recorded, and the days whose counts it can change."""
    others = readings.find_other_readings(report)
    # All before the facts are recorded: they read their staging table, and recording drops that table.
    readings.settle_dates(account=account, report=report, reader=reader)
    _cover_period(account, report, reader, others, moment)
    missing = missing_orders.query(account=account, fact_types=reader.fact_types)
    report.missing_orders = asdict(missing) if missing else None
    recorded = _record_facts(account, report, reader, others, moment)
    settled = _settle_feedback(account, report, reader, moment)
    return recorded, settled.union(*(each.touched for each in recorded))


def _settle_feedback(
    account: SellerAccount, report: Report, reader: DocumentReader, moment: datetime
) -> frozenset[date]:
    """Read the dates of loaded feedback by the orders of this report. Return the days of these orders."""
    if OrderFact not in reader.fact_types:
        return frozenset()
    days, contradicting = feedback_dates.settle_recorded(
        account=account, report_id=report.pk, recorded_at=moment
    )
    if contradicting:
        warning = readings.ORDERS_AFTER_FEEDBACK.format(number=contradicting)
        reader.parse_context.warnings.append(warning)
    return days


def _record_facts(
    account: SellerAccount,
    report: Report,
    reader: DocumentReader,
    others: recording.OtherReadings,
    moment: datetime,
) -> list[recording.Recorded]:
    return [
        recording.record(
            account=account,
            fact_type=fact_type,
            report_id=report.pk,
            received_at=report.received_at,
            recorded_at=moment,
            with_lines=len(reader.report_type.fact_types) > 1,
            readings=others,
        )
        # Figures refer to the snapshot of their report, so the snapshots have to exist first.
        for fact_type in reversed(reader.fact_types)
    ]


def reject(*, report: Report, rejection: RejectedDocument, now: datetime) -> None:
    """Mark the report as rejected, with its problem and rejected rows, and publish `report.rejected`.

    An original that was too large to be redacted is deleted. Opens a transaction.
    """
    with context.agency(report.agency_id):
        # Without the lock of `record`: a rejection changes no fact and no figure of the account.
        accounts = SellerAccount.objects.present().filter(agency_id=report.agency_id, agency__closed_at=None)
        account = accounts.filter(pk=report.account_id).first()
        if account is None:
            # The account was deleted or the agency closed since the report was leased.
            return
        if _locked(report.agency_id, report.pk, report.attempts) is None:
            return
        report.status = Report.Status.REJECTED
        report.leased_until = None
        report.problem = rejection.problem()
        report.rows_read = report.rows_rejected = len(rejection.rejected)
        _delete_original(report, now)
        report.save()
        _store_rejected_rows(report, rejection.rejected)
        report_events.rejected(account=account, report=report, now=now)


def _cover_period(
    account: SellerAccount,
    report: Report,
    reader: DocumentReader,
    others: recording.OtherReadings,
    moment: datetime,
) -> None:
    """Record the period for which the report lists all feedback, or add a warning.

    It does only if it has rows, every row was usable and every row is within the period. Requires a
    transaction.
    """
    readings.forget_coverage(account=account, earlier=others.earlier)
    period = reader.parse_context.period
    if others.later or period is None or not reader.report_type.uses_period:
        return
    is_complete = not reader.rejected and feedback_removal.record_coverage(
        account=account,
        marketplace=report.marketplace,
        period=period,
        received_at=report.received_at,
        recorded_at=moment,
        report_id=report.pk,
    )
    if not is_complete:
        reader.parse_context.warnings.append(PERIOD_INCOMPLETE)


def _record_loaded(
    report: Report, reader: DocumentReader, recorded: list[recording.Recorded], moment: datetime
) -> None:
    used = reader.read - len(reader.rejected) - reader.set_apart
    new, changed = _count_rows(recorded)
    report.status = Report.Status.LOADED
    report.leased_until = None
    report.loaded_at = moment
    report.problem = None
    report.report_type = reader.type_name
    report.encoding = reader.encoding.codec
    report.encoding_reason = reader.encoding.reason
    report.warnings = reader.parse_context.warnings
    report.rows_read = reader.read
    report.rows_rejected = len(reader.rejected)
    report.rows_set_apart = reader.set_apart
    report.rows_new = new
    report.rows_changed = changed
    report.rows_unchanged = used - new - changed
    report.save()
    _store_rejected_rows(report, tuple(reader.rejected))


def _count_rows(recorded: list[recording.Recorded]) -> tuple[int, int]:
    """Return how many rows were new, and how many others changed something.

    A row with several facts counts once.
    """
    if len(recorded) == 1:
        return recorded[0].new, recorded[0].changed
    new = frozenset[int]().union(*(each.new_lines for each in recorded))
    changed = frozenset[int]().union(*(each.changed_lines for each in recorded))
    return len(new), len(changed - new)


def _locked(agency_id: UUID, report_id: UUID, attempt: int) -> Report | None:
    """Lock the report if it is still leased for this attempt, and return it. Requires a transaction."""
    leased = Report.objects.select_related("agency").filter(
        agency_id=agency_id, pk=report_id, status=Report.Status.PROCESSING, attempts=attempt
    )
    return leased.select_for_update(no_key=True, of=("self",)).first()


def _fail(report: Report | None, problem: dict[str, str], now: datetime) -> None:
    """Mark the locked report as failed, if there is one. Requires a transaction.

    An original that was not redacted is deleted with it.
    """
    if report is None:
        return
    report.status, report.problem, report.leased_until = Report.Status.FAILED, problem, None
    _delete_original(report, now)
    report.save()


def _delete_original(report: Report, now: datetime) -> None:
    """Delete the original of a report, if it has one, after the commit. Does not save the report."""
    if report.original:
        transaction.on_commit(partial(originals.delete, report.original), robust=True)
        report.original, report.document_deleted_at = "", now


def _store_rejected_rows(report: Report, rejected: tuple[RejectedLine, ...]) -> None:
    # Figures of one element are on one line.
    reasons: dict[int, list[str]] = {}
    for row in rejected:
        reasons.setdefault(row.line, []).append(row.reason)
    RejectedRow.objects.bulk_create(
        [
            RejectedRow(
                agency_id=report.agency_id,
                account_id=report.account_id,
                report_id=report.pk,
                line=line,
                reason=_join_reasons(texts),
            )
            for line, texts in reasons.items()
        ],
        batch_size=5000,
    )


def _join_reasons(reasons: list[str]) -> str:
    """Return the reasons of a line as one text: whole ones, as many as fit."""
    # A reason that is cut would stay in English: its template is recognized by its end as well.
    text, room = reasons[0], MAX_REASON_LENGTH - len(FURTHER_REASONS) - 1
    for number, reason in enumerate(reasons[1:], start=2):
        longer = f"{text} {reason}"
        if len(longer) > (MAX_REASON_LENGTH if number == len(reasons) else room):
            return f"{text} {FURTHER_REASONS}" if len(text) <= room else text
        text = longer
    return text
