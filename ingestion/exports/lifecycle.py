"""Create, build, expire and discard exports.

A request creates an export as queued; a worker claims and builds it. A ready export is deleted after a week,
or when a newer one with the same scope is ready, or when an account in it is erased. While its account is
deleted and not erased, it stays.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Actor, Agency, SellerAccount, constraints
from accounts.tenancy import context, leases
from ingestion.exports import archive
from ingestion.models import Export
from ingestion.models.exports import ONE_IN_PROGRESS

Status = Export.Status
RETENTION = timedelta(days=7)
MAX_ATTEMPTS = 3
MAX_PER_DAY = 20
A_DAY = timedelta(days=1)
IN_PROGRESS = (Status.QUEUED, Status.RUNNING)


class AlreadyInProgress(Exception):
    """Signal that another export of the agency is queued or running."""


class DailyLimitReached(Exception):
    """Signal that the agency created its daily number of exports.

    `wait` is the time in seconds until the next is allowed.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class ClaimLost(Exception):
    """Signal that the export was canceled, expired or claimed by another worker while it was built."""


def create(
    *, agency: Agency, account: SellerAccount | None, with_documents: bool, actor: Actor, now: datetime
) -> Export:
    """Create a queued export and return it. Requires the tenant context's transaction; the insert uses a
    savepoint.

    Raises AlreadyInProgress or DailyLimitReached.
    """
    # Without a lock: if two requests pass at the same time, only one of them can insert its export below.
    _check_daily_limit(agency, now)
    try:
        # The savepoint keeps the request's transaction usable after the unique constraint has refused.
        with transaction.atomic():
            export = Export.objects.create(
                agency=agency,
                account=account,
                with_documents=with_documents,
                created_at=now,
                handed_out_at=now,
            )
    except IntegrityError as error:
        if constraints.violated(error) != ONE_IN_PROGRESS:
            raise
        raise AlreadyInProgress from None
    detail = {"account": account.public_id if account else None, "documents": with_documents}
    _audit(export, "export.requested", actor, now, detail)
    return export


def claim(*, agency_id: UUID, export_id: UUID) -> Export | None:
    """Lease the export and return it, or return None if there is nothing to do or another worker builds it.
    Opens its own transaction.

    After MAX_ATTEMPTS, or if the account is being erased, the export is marked as failed.
    """
    with context.agency(agency_id):
        waiting = abandoned(agency_id).filter(pk=export_id, agency__closed_at=None)
        failed = Q(attempts__gte=MAX_ATTEMPTS) | Q(account__erasure_started_at__isnull=False)
        if waiting.filter(failed).update(status=Status.FAILED):
            return None
        # The attempt is counted before the work, so that an export that kills its
        # worker is given up in the end.
        leased = {"status": Status.RUNNING, "leased_until": Now() + leases.LENGTH}
        if not waiting.update(attempts=F("attempts") + 1, **leased):
            return None
        return Export.objects.select_related("account").get(agency_id=agency_id, pk=export_id)


def abandoned(agency_id: UUID) -> QuerySet[Export]:
    """Return the exports that wait for a worker: queued ones, and those whose lease has ended."""
    running = Q(status=Status.RUNNING) & (Q(leased_until=None) | Q(leased_until__lt=Now()))
    return Export.objects.filter(Q(status=Status.QUEUED) | running, agency_id=agency_id)


def build(*, export: Export, now: datetime) -> None:
    """Build the archive in a temporary file, move it to the storage and mark the export as ready. Opens its
    own transactions. Raises ClaimLost.
    """
    # Only a complete archive reaches the storage. The temporary file disappears with its worker.
    with TemporaryUploadedFile("export", "application/zip", 0, None) as file:
        out = archive.HashedFile(file)
        archive.write(export=export, out=out, now=now)
        # The storage moves the file by its path, so what Python has buffered must be on the disk.
        file.flush()
        file.seek(0)
        # Django's uploaded file states the size that it was given when it was created, which is zero here.
        file.size = out.size
        document = default_storage.save(f"{storage_folder(export.agency_id)}/{export.public_id}", file)
    try:
        _mark_ready(export, document, out, now)
    except BaseException:
        # Without a row that names it, nothing would delete the archive before the agency is erased.
        default_storage.delete(document)
        raise


def remove_account(*, agency_id: UUID, account_id: UUID, now: datetime) -> None:
    """Remove this account from every export. Opens its own transaction.

    1. Queue a running export of the whole agency again. A worker that is about to mark it as ready has done
       so by then, or raises ClaimLost.
    2. Mark queued and running exports of the account as failed.
    3. Expire ready exports that contain the account.
    """
    with context.agency(agency_id):
        exports = Export.objects.filter(Q(account_id=account_id) | Q(account_id=None), agency_id=agency_id)
        # `_mark_ready` locks the export's row and asks for the status `running`, so this update either comes
        # first and the worker discards its archive, or waits and the archive is among the ready ones below.
        exports.filter(account_id=None, status=Status.RUNNING).update(status=Status.QUEUED, handed_out_at=now)
        exports.filter(account_id=account_id, status__in=IN_PROGRESS).update(status=Status.FAILED)
        _expire(agency_id, exports.filter(status=Status.READY), now)


def expire(*, agency_id: UUID, now: datetime) -> int:
    """Delete archives past `expires_at` and return how many. Opens its own transaction.

    Those of a deleted account stay until it is erased: they may be all that its owner can still get.
    """
    with context.agency(agency_id):
        expired = Export.objects.filter(status=Status.READY, expires_at__lte=now)
        return _expire(agency_id, expired.filter(account__deleted_at=None), now)


def record_download(*, export: Export, actor: Actor, now: datetime) -> None:
    """Record in the audit log that the archive was downloaded. Requires a transaction."""
    _audit(export, "export.downloaded", actor, now, {})


def storage_folder(agency_id: UUID) -> str:
    """Return the folder of the agency's archives in the storage."""
    return f"{agency_id.hex}/exports"


def _check_daily_limit(agency: Agency, now: datetime) -> None:
    recent = Export.objects.filter(agency=agency, created_at__gt=now - A_DAY).order_by("-created_at")
    created = recent.values_list("created_at", flat=True)[:MAX_PER_DAY]
    if len(created) == MAX_PER_DAY:
        # The window slides: the next export is allowed as soon as the oldest of them is a day old.
        raise DailyLimitReached((min(created) + A_DAY - now).total_seconds())


def _mark_ready(export: Export, document: str, out: archive.HashedFile, now: datetime) -> None:
    with context.agency(export.agency_id):
        # `attempts` identifies the claim: a later claim by another worker has a higher number.
        claimed = Export.objects.filter(
            agency_id=export.agency_id, pk=export.pk, status=Status.RUNNING, attempts=export.attempts
        )
        present = claimed.filter(agency__closed_at=None, account__erasure_started_at=None)
        # The row's lock makes `remove_account` wait until the archive can be found as a ready one. `of`:
        # PostgreSQL locks no row of an outer join, and an export of the whole agency has no account.
        if present.select_for_update(of=("self",)).first() is None:
            raise ClaimLost
        ready = {"status": Status.READY, "ready_at": now, "expires_at": now + RETENTION}
        claimed.update(document=document, size=out.size, sha256=out.sha256, **ready)
        # Only after the new archive is ready: a build that fails leaves the older archive to download.
        older = Export.objects.filter(agency_id=export.agency_id, status=Status.READY).exclude(pk=export.pk)
        _expire(
            export.agency_id,
            older.filter(account_id=export.account_id, with_documents=export.with_documents),
            now,
        )


def _expire(agency_id: UUID, exports: QuerySet[Export], now: datetime) -> int:
    """Delete the archives, then mark the exports as expired. Requires a transaction. Return how many."""
    locked = list(exports.filter(agency_id=agency_id).select_for_update(of=("self",)))
    for export in locked:
        # Before the row is updated: a process killed here leaves a row that the next run finds again, and a
        # download of it is answered as expired.
        default_storage.delete(export.document)
        _audit(export, "export.expired", audit.UNDERONE, now, {})
    rows = Export.objects.filter(agency_id=agency_id, pk__in=[export.pk for export in locked])
    return rows.update(status=Status.EXPIRED, document="")


def _audit(export: Export, what: str, actor: Actor, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(
        agency_id=export.agency_id, actor=actor, what=what, about=export.public_id, detail=detail, now=now
    )
