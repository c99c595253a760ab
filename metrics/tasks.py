"""Clock-driven work on the numbers."""

import logging
from datetime import UTC, date
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics import refresh
from metrics.models import CurrentValue
from metrics.pipeline import recording

log = logging.getLogger(__name__)


@shared_task
def roll_forward() -> None:
    """Start a day's slide of the windows for every agency that is not there yet."""
    for agency_id in context.open_agency_ids():
        roll_agency_forward.delay(agency_id=str(agency_id))


@shared_task
def roll_agency_forward(*, agency_id: str) -> None:
    """Slide the windows of the agency's accounts to today."""
    with context.agency(UUID(agency_id)):
        today = timezone.now().astimezone(UTC).date()
        behind = CurrentValue.objects.filter(agency_id=agency_id, as_of__lt=today).values_list("account_id", flat=True).distinct()
        accounts = list(SellerAccount.objects.present().filter(agency_id=agency_id, pk__in=behind).values_list("pk", flat=True))
    _refresh_each(UUID(agency_id), accounts, behind=today)


@shared_task
def follow_denominator(*, agency_id: str) -> None:
    """Count every account of the agency by its present choice of denominator. A lost message is made good by the next report."""
    with context.agency(UUID(agency_id)):
        accounts = list(SellerAccount.objects.present().filter(agency_id=agency_id).values_list("pk", flat=True))
    _refresh_each(UUID(agency_id), accounts)


@shared_task
def follow_thresholds(*, agency_id: str, account_id: str = "", marketplace: str = "") -> None:
    """Judge the accounts that a changed threshold concerns. A lost message is made good by the next report."""
    with context.agency(UUID(agency_id)):
        concerned = SellerAccount.objects.present().filter(agency_id=agency_id)
        if account_id:
            concerned = concerned.filter(pk=account_id)
        if marketplace:
            concerned = concerned.filter(marketplaces__contains=[marketplace])
        accounts = list(concerned.values_list("pk", flat=True))
    _refresh_each(UUID(agency_id), accounts)


def _refresh_each(agency_id: UUID, accounts: list[UUID], *, behind: date | None = None) -> None:
    """Each account in a transaction of its own, so that one cannot hold up or undo the rest.

    With `behind`, only those whose values are of an earlier day still: another worker may have come to them first.
    """
    for account_id in accounts:
        try:
            _refresh(agency_id, account_id, behind=behind)
        except SellerAccount.DoesNotExist:
            continue  # handed back meanwhile
        except SoftTimeLimitExceeded:
            raise  # the rest is still behind, and the clock starts again with it
        except Exception:
            log.exception("account %s could not be refreshed", account_id)


def _refresh(agency_id: UUID, account_id: UUID, *, behind: date | None) -> None:
    with context.agency(agency_id):
        account = SellerAccount.objects.locked(agency_id=agency_id, account_id=account_id)
        if behind and not CurrentValue.objects.filter(agency_id=agency_id, account_id=account_id, as_of__lt=behind).exists():
            return
        moment = recording.next_moment(account=account, now=timezone.now())
        refresh.refresh(account=account, touched=(), now=moment)
