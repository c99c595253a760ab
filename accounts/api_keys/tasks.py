"""Define the scheduled tasks of API keys."""

from celery import shared_task
from django.utils import timezone

from accounts.api_keys import secrets
from accounts.tenancy import context


@shared_task
def delete_expired_tokens() -> None:
    """Delete expired tokens. API keys remain, even after they are revoked."""
    for agency_id in context.open_agency_ids():
        secrets.delete_expired_tokens(agency_id=agency_id, now=timezone.now())
