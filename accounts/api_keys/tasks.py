"""Clock-driven work on API keys."""

from celery import shared_task
from django.utils import timezone

from accounts.api_keys import secrets
from accounts.tenancy import context


@shared_task
def delete_expired_tokens() -> None:
    """Delete expired tokens. API keys stay, also when they are revoked."""
    for agency_id in context.every_agency_id():
        secrets.delete_expired_tokens(agency_id=agency_id, now=timezone.now())
