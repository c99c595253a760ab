"""Documents come in: bytes kept, duplicates recognised, a worker woken."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts import identifiers
from accounts.models import SellerAccount
from ingestion import tasks
from ingestion.models import RejectedRow, Report
from ingestion.reports import defect_row, posted_defects

AGAIN = {Report.Status.REJECTED, Report.Status.FAILED}
"""What became of a document is final, but for these: sent again, it is looked at again."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A document as it arrived, and what its sender said of it."""

    content: "File[bytes]"
    sha256: str
    source: Report.Source
    announced_type: str
    marketplace: str


def accept(*, account: SellerAccount, arrival: Arrival, now: datetime) -> tuple[Report, bool]:
    """The report of this document, and whether the document had been received before.

    Bytes are kept before the row that names them, so that a row never points to nothing.
    """
    first = _first(account, arrival)
    if first is None:
        try:
            return _keep(account, arrival, now), False
        except IntegrityError as error:
            if "a_document_once" not in str(error):
                raise
            first = _first(account, arrival)  # the same bytes came in at the same moment by another door
            if first is None:
                raise
    if first.status in AGAIN:
        _look_again(first, arrival, now)
    return first, True


def accept_rows(*, account: SellerAccount, rows: list[dict[str, object]], now: datetime) -> Report:
    """The report of defects posted as JSON. Posted twice they are two statements: the later may take an earlier one back."""
    known = [{name: row[name] for name in defect_row.FIELDS if name in row} for row in rows]  # nothing else is kept
    body = json.dumps({"defects": known}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    arrival = Arrival(
        content=ContentFile(body),
        sha256=hashlib.sha256(body).hexdigest(),
        source=Report.Source.JSON,
        announced_type=posted_defects.REPORT_TYPE,
        marketplace=account.home_marketplace,
    )
    return _keep(account, arrival, now)


def _first(account: SellerAccount, arrival: Arrival) -> Report | None:
    received = Report.objects.filter(agency_id=account.agency_id, account=account, sha256=arrival.sha256)
    return received.exclude(source=Report.Source.JSON).first()


def _keep(account: SellerAccount, arrival: Arrival, now: datetime) -> Report:
    report = Report(
        agency_id=account.agency_id,
        account=account,
        announced_type=arrival.announced_type,
        report_type=arrival.announced_type,
        marketplace=arrival.marketplace,
        source=arrival.source,
        sha256=arrival.sha256,
        size=arrival.content.size,
        received_at=now,
        handed_out_at=now,
    )
    name = f"{account.agency_id.hex}/{account.pk.hex}/{identifiers.public('rpt', report.pk)}"
    report.document = default_storage.save(name, arrival.content)
    try:
        with transaction.atomic():
            report.save(force_insert=True)
    except BaseException:
        default_storage.delete(report.document)
        raise
    _hand_out(report)
    return report


def _look_again(report: Report, arrival: Arrival, now: datetime) -> None:
    """Queue it as if it had come just now. Of two who send it at once, one does."""
    again = Report.objects.filter(pk=report.pk, status__in=AGAIN).update(
        announced_type=arrival.announced_type,
        report_type=arrival.announced_type,
        marketplace=arrival.marketplace,
        status=Report.Status.QUEUED,
        problem=None,
        attempts=0,
        rows_read=0,
        rows_rejected=0,
        received_at=now,
        handed_out_at=now,
    )
    report.refresh_from_db()
    if again:
        RejectedRow.objects.filter(agency_id=report.agency_id, report_id=report.pk).delete()
        _hand_out(report)


def _hand_out(report: Report) -> None:
    send = partial(tasks.load_report.delay, agency_id=str(report.agency_id), report_id=str(report.pk))
    transaction.on_commit(send, robust=True)  # a broker that is down delays a report; the row is picked up by the clock
