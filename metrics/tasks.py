"""Run the background work of metrics: the daily run, and refreshes after a change of a setting.

Each account is refreshed in its own transaction, so that one account cannot hold up or undo the others.
"""

import logging
from collections.abc import Iterable
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
    """Start `roll_agency_forward` for every agency."""
    for agency_id in context.open_agency_ids():
        # A task for each agency: one with many accounts does not use up the time limit of the others.
        roll_agency_forward.delay(agency_id=str(agency_id))


@shared_task
def roll_agency_forward(*, agency_id: str) -> None:
    """Refresh the accounts of the agency whose values are older than today (UTC)."""
    with context.agency(UUID(agency_id)):
        today = timezone.now().astimezone(UTC).date()
        outdated = (
            CurrentValue.objects.filter(agency_id=agency_id, as_of__lt=today)
            .values_list("account_id", flat=True)
            .distinct()
        )
        accounts = list(
            SellerAccount.objects.present()
            .filter(agency_id=agency_id, pk__in=outdated)
            .values_list("pk", flat=True)
        )
    _refresh_accounts(UUID(agency_id), accounts, only_before=today)


@shared_task
def apply_agency_settings(*, agency_id: str) -> None:
    """Refresh every account of the agency after a change of its denominator or its ignored metrics.

    If the message is lost, each account applies the change with its next report or daily run.
    """
    # Only the IDs: a transaction over all accounts would hold their locks until the last one is done.
    with context.agency(UUID(agency_id)):
        accounts = list(
            SellerAccount.objects.present().filter(agency_id=agency_id).values_list("pk", flat=True)
        )
    _refresh_accounts(UUID(agency_id), accounts)


@shared_task
def apply_thresholds(*, agency_id: str, account_id: str = "", marketplace: str = "") -> None:
    """Refresh the accounts in the scope of a changed threshold.

    If the message is lost, each account applies the change with its next report or daily run.
    """
    with context.agency(UUID(agency_id)):
        in_scope = SellerAccount.objects.present().filter(agency_id=agency_id)
        if account_id:
            in_scope = in_scope.filter(pk=account_id)
        if marketplace:
            in_scope = in_scope.filter(marketplaces__contains=[marketplace])
        accounts = list(in_scope.values_list("pk", flat=True))
    _refresh_accounts(UUID(agency_id), accounts)


@shared_task
def catch_up(*, agency_id: str, account_id: str) -> None:
    """Refresh one account that was restored: settings may have changed and days may have passed.

    If the message is lost, the account catches up with its next report or daily run.
    """
    _refresh_accounts(UUID(agency_id), [UUID(account_id)])


def _refresh_accounts(agency_id: UUID, accounts: Iterable[UUID], *, only_before: date | None = None) -> None:
    for account_id in accounts:
        try:
            _refresh_account(agency_id, account_id, only_before=only_before)
        except SellerAccount.DoesNotExist:
            # Deleted since the list was read.
            continue
        except SoftTimeLimitExceeded:
            # The scheduler starts the task again, and the accounts that are left are still outdated then.
            raise
        except Exception:
            log.exception("account %s could not be refreshed", account_id)


def _refresh_account(agency_id: UUID, account_id: UUID, *, only_before: date | None) -> None:
    """Refresh one account in its own transaction. Raises SellerAccount.DoesNotExist.

    With `only_before`, skip the account if its values are of that day, because another worker may have
    refreshed it first.
    """
    with context.agency(agency_id):
        # The lock before the check: another worker may be refreshing the account at this moment.
        account = SellerAccount.objects.locked(agency_id=agency_id, account_id=account_id)
        values = CurrentValue.objects.filter(agency_id=agency_id, account_id=account_id)
        if only_before and not values.filter(as_of__lt=only_before).exists():
            return
        moment = recording.next_moment(account=account, now=timezone.now())
        refresh.refresh(account=account, touched=(), now=moment)
