"""Clock-driven work on the numbers."""

from datetime import UTC
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import scoping
from accounts.models import SellerAccount
from metrics import refresh
from metrics.models import CurrentValue


@shared_task
def roll_forward() -> None:
    """Start a day's slide of the windows for every agency that is not there yet."""
    for agency_id in scoping.every_agency_id():
        roll_agency_forward.delay(agency_id=str(agency_id))


@shared_task
def roll_agency_forward(*, agency_id: str) -> None:
    """Slide the windows of the agency's accounts to today; each account on its own, so that one cannot stop the rest."""
    agency = UUID(agency_id)
    with scoping.agency(agency):
        today = timezone.now().astimezone(UTC).date()
        behind = CurrentValue.objects.filter(as_of__lt=today).values_list("account_id", flat=True).distinct()
        accounts = list(SellerAccount.objects.present().filter(pk__in=behind).values_list("pk", flat=True))
    for account_id in accounts:
        with scoping.agency(agency):
            refresh.refresh(account=refresh.hold(account_id), touched=(), now=timezone.now())
