"""Recompute daily counts from the facts and print how many changed. Consistent data does not change."""

from argparse import ArgumentTypeError
from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import audit
from accounts.models import SellerAccount, public_account_id
from accounts.tenancy import context
from api import identifiers
from metrics import refresh
from metrics.models import DailyCounts
from metrics.pipeline import recording


def day(text: str) -> date:
    """Parse an argument. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day; expected YYYY-MM-DD.") from None


class Command(BaseCommand):
    help = "Recompute the daily counts of a range of order days from the facts, for all accounts or one."

    def add_arguments(self, parser: CommandParser) -> None:
        today = timezone.now().astimezone(UTC).date()
        parser.add_argument("--from", type=day, dest="first", default=today - timedelta(days=3 * 365))
        parser.add_argument("--to", type=day, dest="last", default=today)
        parser.add_argument("--account", help="the ID of an account, acct_…; default: all accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        days = _days(options["first"], options["last"])
        only = identifiers.private("acct", options["account"]) if options["account"] else None
        if only == identifiers.NO_ID:
            raise CommandError(f"{options['account']!r} is not an account ID.")
        recomputed = changed = 0
        for agency_id in context.open_agency_ids():
            changes = {
                account_id: _recompute(agency_id, account_id, days)
                for account_id in _accounts(agency_id, only)
            }
            recomputed, changed = recomputed + len(changes), changed + sum(changes.values())
            _record(agency_id, changes, days)
        if only and not recomputed:
            raise CommandError(f"No account has the ID {options['account']}.")
        self.stdout.write(f"{recomputed} accounts, {len(days)} days: {changed} daily counts changed")


def _days(first: date, last: date) -> list[date]:
    if last < first:
        raise CommandError("--to is before --from.")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _accounts(agency_id: UUID, only: UUID | None) -> list[UUID]:
    with context.agency(agency_id):
        accounts = SellerAccount.objects.present().filter(agency_id=agency_id)
        return list((accounts.filter(pk=only) if only else accounts).values_list("pk", flat=True))


def _recompute(agency_id: UUID, account_id: UUID, days: list[date]) -> int:
    """Refresh one account in a transaction of its own. Return how many daily counts changed."""
    with context.agency(agency_id):
        try:
            account = SellerAccount.objects.locked(agency_id=agency_id, account_id=account_id)
        except SellerAccount.DoesNotExist:
            # Deleted since the list was read.
            return 0
        moment = recording.next_moment(account=account, now=timezone.now())
        refresh.refresh(account=account, touched=days, now=moment)
        return DailyCounts.objects.filter(
            agency_id=agency_id, account_id=account_id, recorded_at=moment
        ).count()


def _record(agency_id: UUID, changes: dict[UUID, int], days: list[date]) -> None:
    """Record each account whose counts changed in the agency's audit log."""
    span = {"from": days[0].isoformat(), "to": days[-1].isoformat()}
    with context.agency(agency_id):
        for account_id, changed in changes.items():
            if changed:
                audit.record(
                    agency_id=agency_id,
                    actor=audit.UNDERONE,
                    what="account.recounted",
                    about=public_account_id(account_id),
                    detail=span | {"changed": changed},
                    now=timezone.now(),
                )
