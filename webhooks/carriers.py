"""How each kind of endpoint is told: one line a kind."""

from datetime import datetime

from webhooks import signing
from webhooks.egress import Answer, Egress
from webhooks.leasing import Parcel
from webhooks.models import Endpoint

HEADERS = {"content-type": "application/json", "user-agent": "Underone-Webhooks/1"}
NO_SECRET = "The endpoint has no secret to sign with."  # noqa: S105  a sentence
NO_CARRIER = "Nothing carries to endpoints of this kind."


async def carry(parcel: Parcel, *, egress: Egress, now: datetime) -> Answer:
    """What came of one try."""
    match parcel.kind:
        case Endpoint.Kind.WEBHOOK:
            return await _post_signed(parcel, egress, now)
        case _:
            return Answer(error=NO_CARRIER, forbidden=True)


async def _post_signed(parcel: Parcel, egress: Egress, now: datetime) -> Answer:
    if not parcel.secrets:
        return Answer(error=NO_SECRET)
    timestamp = int(now.timestamp())
    signed = signing.headers(message=parcel.message, timestamp=timestamp, body=parcel.body, secrets=parcel.secrets)
    return await egress.post(parcel.url, body=parcel.body, headers=HEADERS | signed, line=parcel.endpoint_id)
