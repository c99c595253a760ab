"""Archives are asked for, made by a worker, kept until there is a newer one of the same, a week at most, and deleted."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from accounts import audit
from accounts.models import Actor, Agency, SellerAccount, constraints
from accounts.tenancy import context
from ingestion.exports import archive
from ingestion.models import Export
from ingestion.models.exports import ONE_IN_PROGRESS

Status = Export.Status
KEPT = timedelta(days=7)
MAX_ATTEMPTS = 3
MAX_PER_DAY = 20
A_DAY = timedelta(days=1)
UNDER_WAY = (Status.QUEUED, Status.RUNNING)


class UnderWay(Exception):
    """The agency has an archive made at this moment."""


class TooMany(Exception):
    """The agency asked for as many archives as it may in a day; in so many seconds for another one."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class Taken(Exception):
    """The archive is no longer this worker's to make."""


def ask(*, agency: Agency, account: SellerAccount | None, with_documents: bool, who: Actor, now: datetime) -> Export:
    """An archive that is going to be made. Raises UnderWay while there is another one, TooMany after twenty in a day."""
    _refuse_more(agency, now)
    try:
        with transaction.atomic():
            export = Export.objects.create(
                agency=agency, account=account, with_documents=with_documents, created_at=now, handed_out_at=now
            )
    except IntegrityError as error:
        if constraints.violated(error) != ONE_IN_PROGRESS:
            raise
        raise UnderWay from None
    detail = {"account": account.public_id if account else None, "documents": with_documents}
    _note(export, "export.asked", who, now, detail)
    return export


def claim(*, agency_id: UUID, export_id: UUID) -> Export | None:
    """The archive, marked as being made; None when nothing is left to do for it. Attempts are counted before the work."""
    with context.agency(agency_id):
        waiting = Export.objects.filter(agency_id=agency_id, pk=export_id, status__in=UNDER_WAY, agency__closed_at=None)
        in_vain = Q(attempts__gte=MAX_ATTEMPTS) | Q(account__deleted_at__isnull=False)
        if waiting.filter(in_vain).update(status=Status.FAILED):
            return None
        if not waiting.update(status=Status.RUNNING, attempts=F("attempts") + 1):
            return None
        return Export.objects.select_related("account").get(agency_id=agency_id, pk=export_id)


def make(*, export: Export, now: datetime) -> None:
    """Write the archive to a file of its own, and then to the storage, where nobody sees it by half. Raises Taken."""
    with TemporaryUploadedFile("export", "application/zip", 0, None) as file:
        out = archive.Digested(file)
        archive.write(export=export, out=out, now=now)
        file.flush()
        file.seek(0)
        file.size = out.size
        kept = default_storage.save(f"{folder(export.agency_id)}/{export.public_id}", file)
    try:
        _keep(export, kept, out, now)
    except BaseException:
        default_storage.delete(kept)
        raise


def forget(*, agency_id: UUID, account_id: UUID, now: datetime) -> None:
    """No archive holds this account any more: what was made goes, what is being made of all is begun anew, of it given up."""
    with context.agency(agency_id):
        holding = Export.objects.filter(Q(account_id=account_id) | Q(account_id=None), agency_id=agency_id)
        # First what is under way: who is about to keep one has done so, or finds it taken.
        holding.filter(account_id=None, status=Status.RUNNING).update(status=Status.QUEUED, handed_out_at=now)
        holding.filter(account_id=account_id, status__in=UNDER_WAY).update(status=Status.FAILED)
        _expire(agency_id, holding.filter(status=Status.READY), now)


def expire(*, agency_id: UUID, now: datetime) -> int:
    """Delete the archives whose days are over; returns how many. Interrupted, the next run finishes."""
    with context.agency(agency_id):
        return _expire(agency_id, Export.objects.filter(status=Status.READY, expires_at__lte=now), now)


def downloaded(*, export: Export, who: Actor, now: datetime) -> None:
    """Somebody takes the archive away, with all that is in it."""
    _note(export, "export.downloaded", who, now, {})


def folder(agency_id: UUID) -> str:
    """Where an agency's archives are in the storage."""
    return f"{agency_id.hex}/exports"


def _refuse_more(agency: Agency, now: datetime) -> None:
    asked = Export.objects.filter(agency=agency, created_at__gt=now - A_DAY).order_by("-created_at")
    moments = asked.values_list("created_at", flat=True)[:MAX_PER_DAY]
    if len(moments) == MAX_PER_DAY:
        raise TooMany((min(moments) + A_DAY - now).total_seconds())


def _keep(export: Export, kept: str, out: archive.Digested, now: datetime) -> None:
    with context.agency(export.agency_id):
        mine = Export.objects.filter(agency_id=export.agency_id, pk=export.pk, status=Status.RUNNING, attempts=export.attempts)
        wanted = mine.filter(agency__closed_at=None, account__deleted_at=None)
        if wanted.select_for_update(of=("self",)).first() is None:
            raise Taken
        ready = {"status": Status.READY, "ready_at": now, "expires_at": now + KEPT}
        mine.update(document=kept, size=out.size, sha256=out.sha256, **ready)
        before = Export.objects.filter(agency_id=export.agency_id, status=Status.READY).exclude(pk=export.pk)
        _expire(export.agency_id, before.filter(account_id=export.account_id, with_documents=export.with_documents), now)


def _expire(agency_id: UUID, exports: QuerySet[Export], now: datetime) -> int:
    """The file goes before its row says so."""
    expired = list(exports.filter(agency_id=agency_id).select_for_update(of=("self",)))
    for export in expired:
        default_storage.delete(export.document)
        _note(export, "export.expired", audit.UNDERONE, now, {})
    rows = Export.objects.filter(agency_id=agency_id, pk__in=[export.pk for export in expired])
    return rows.update(status=Status.EXPIRED, document="")


def _note(export: Export, what: str, who: Actor, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(agency_id=export.agency_id, who=who, what=what, about=export.public_id, detail=detail, now=now)
