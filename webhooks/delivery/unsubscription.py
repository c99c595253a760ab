"""End the mails to a mailbox when its owner says so."""

from datetime import datetime

from webhooks.delivery import results
from webhooks.endpoints import confirmation
from webhooks.endpoints.confirmation import MailboxOfAgency
from webhooks.models import Endpoint


def find(*, token: str) -> MailboxOfAgency:
    """Return what a token that unsubscribes is about. Changes nothing. Raises confirmation.UnknownToken."""
    with confirmation.subscription(token=token) as endpoint:
        return confirmation.describe(endpoint=endpoint)


def unsubscribe(*, token: str, now: datetime) -> MailboxOfAgency:
    """Disable the endpoint of the token and publish `endpoint.disabled`. Enabling it asks the mailbox again.

    Doing it twice changes nothing more. Raises confirmation.UnknownToken. Opens a transaction.
    """
    with confirmation.subscription(token=token) as endpoint:
        if endpoint.disabled_reason != Endpoint.Reason.UNSUBSCRIBED:
            _end(endpoint, now)
        return confirmation.describe(endpoint=endpoint)


def _end(endpoint: Endpoint, now: datetime) -> None:
    reason = Endpoint.Reason.UNSUBSCRIBED
    confirmation.record_refusal(endpoint=endpoint, now=now)
    if endpoint.disabled_at:
        # With the former reason, the agency could enable it without asking.
        endpoint.disabled_reason = reason
        endpoint.save(update_fields=["disabled_reason"])
    else:
        results.disable(
            agency_id=endpoint.agency_id,
            endpoint_id=endpoint.pk,
            reason=reason,
            actor=confirmation.MAILBOX_OWNER,
            now=now,
        )
