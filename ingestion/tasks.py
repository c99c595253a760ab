"""What workers do with documents, archives, and what is handed back."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.tenancy import context
from ingestion import erasure, loading, retention
from ingestion.exports import lifecycle as exports
from ingestion.models import Export, Report
from ingestion.parsing.refusals import Refused

log = logging.getLogger(__name__)

HOURS = 4 * 3600  # seconds that a big agency may take
QUEUED_TOO_LONG = timedelta(minutes=2)
HELD_BY_NOBODY = timedelta(seconds=10)


@shared_task
def load_report(*, agency_id: str, report_id: str) -> None:
    """Load one report. Handed out twice, or by two workers at once, it is loaded once."""
    with loading.in_hand(UUID(report_id)) as held:
        report = loading.claim(agency_id=UUID(agency_id), report_id=UUID(report_id)) if held else None
        if report is None:
            return
        try:
            reading = loading.read(report)
        except Refused as refused:
            loading.refuse(report=report, refused=refused, now=timezone.now())
        else:
            loading.commit(report=report, reading=reading, now=timezone.now())


@shared_task
def resume_reports() -> None:
    """Hand out again what a lost message or a killed worker left behind."""
    for agency_id in context.every_agency_id():
        for report_id in _left_behind(agency_id):
            load_report.delay(agency_id=str(agency_id), report_id=str(report_id))


@shared_task
def erase_accounts() -> None:
    """Erase what belongs to accounts that were handed back, also of agencies that were closed since."""
    for agency_id in (*context.every_agency_id(), *context.every_closed_agency_id()):
        erasure.erase(agency_id=agency_id, now=timezone.now())


@shared_task
def erase_agencies() -> None:
    """Erase the closed agencies whose time has come, each by a task of its own."""
    for agency_id in context.every_closed_agency_id():
        erase_agency.delay(agency_id=str(agency_id))


@shared_task(time_limit=HOURS, soft_time_limit=HOURS - 60)
def erase_agency(*, agency_id: str) -> None:
    """Erase one closed agency, if its time has come. Handed out twice, each finds less to do."""
    erasure.erase_agency(agency_id=UUID(agency_id), now=timezone.now())


@shared_task(time_limit=HOURS, soft_time_limit=HOURS - 60)
def make_export(*, agency_id: str, export_id: str) -> None:
    """Make one archive. Handed out twice, or to two workers at once, it is made once."""
    with loading.in_hand(UUID(export_id)) as held:
        export = exports.claim(agency_id=UUID(agency_id), export_id=UUID(export_id)) if held else None
        if export is not None:
            try:
                exports.make(export=export, now=timezone.now())
            except exports.Taken:
                log.info("%s is not kept: an account was erased meanwhile, or it was taken over", export.public_id)


@shared_task
def resume_exports() -> None:
    """Hand out again the archives that a lost message or a killed worker left behind."""
    for agency_id in context.every_agency_id():
        for export_id in _exports_left_behind(agency_id):
            make_export.delay(agency_id=str(agency_id), export_id=str(export_id))


@shared_task
def expire_exports() -> None:
    """Delete the archives whose days are over."""
    for agency_id in (*context.every_agency_id(), *context.every_closed_agency_id()):
        exports.expire(agency_id=agency_id, now=timezone.now())


@shared_task
def delete_old_documents() -> None:
    """Delete the documents that their agencies keep no longer; what they said of orders stays."""
    for agency_id in (*context.every_agency_id(), *context.every_closed_agency_id()):
        retention.delete(agency_id=agency_id, now=timezone.now())
    retention.sweep_uploads(now=timezone.now())


def _left_behind(agency_id: UUID) -> list[UUID]:
    now = timezone.now()
    with context.agency(agency_id):
        open_reports = Report.objects.filter(account__deleted_at=None)
        waiting = open_reports.filter(status=Report.Status.QUEUED, handed_out_at__lt=now - QUEUED_TOO_LONG)
        begun = open_reports.filter(status=Report.Status.PROCESSING, handed_out_at__lt=now - HELD_BY_NOBODY)
        left = list(waiting.values_list("pk", flat=True)) + [pk for pk in begun.values_list("pk", flat=True) if _is_free(pk)]
        Report.objects.filter(pk__in=left).update(handed_out_at=now)
    return left


def _exports_left_behind(agency_id: UUID) -> list[UUID]:
    now = timezone.now()
    with context.agency(agency_id):
        under_way = Export.objects.filter(status__in=exports.UNDER_WAY, handed_out_at__lt=now - QUEUED_TOO_LONG)
        left = [pk for pk in under_way.values_list("pk", flat=True) if _is_free(pk)]
        Export.objects.filter(pk__in=left).update(handed_out_at=now)
    return left


def _is_free(thing_id: UUID) -> bool:
    with loading.in_hand(thing_id) as held:
        return held
