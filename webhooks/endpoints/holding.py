"""An endpoint as it is now, held: whoever else wants to change it waits."""

from uuid import UUID

from django.db.models import QuerySet

from webhooks.models import Endpoint


class Gone(Exception):
    """It was deleted at this very moment."""


def hold(endpoint_id: UUID) -> Endpoint:
    """The endpoint as it is now, and as it stays until the transaction ends. Raises Gone."""
    mine: QuerySet[Endpoint] = Endpoint.objects.select_for_update(no_key=True)
    held = mine.filter(pk=endpoint_id).first()
    if held is None:
        raise Gone
    return held
