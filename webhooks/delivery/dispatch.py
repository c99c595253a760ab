"""How each kind of endpoint is told: one line a kind."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial

from webhooks.channels import chat, email, signing
from webhooks.channels.http_client import Answer, Egress
from webhooks.delivery.leases import Parcel
from webhooks.models import Endpoint

HEADERS = {"content-type": "application/json", "user-agent": "Underone-Webhooks/1"}
NO_SECRET = "The endpoint has no secret to sign with."  # noqa: S105  a sentence
POST_OFFICE = ThreadPoolExecutor(max_workers=16, thread_name_prefix="mail")
LATE_MAIL = "The mail server did not answer in time."
NOT_TAKEN = "The chat did not take the message."


async def carry(parcel: Parcel, *, egress: Egress, now: datetime) -> Answer:
    """What came of one try."""
    match Endpoint.Kind(parcel.kind):
        case Endpoint.Kind.WEBHOOK:
            return await _post_signed(parcel, egress, now)
        case Endpoint.Kind.SLACK:
            return await _post_to_chat(parcel, egress)
        case Endpoint.Kind.EMAIL:
            return await _mail(parcel, deadline=egress.deadline)


async def _post_signed(parcel: Parcel, egress: Egress, now: datetime) -> Answer:
    if not parcel.secrets:
        return Answer(error=NO_SECRET)
    timestamp = int(now.timestamp())
    signed = signing.headers(message=parcel.message, timestamp=timestamp, body=parcel.body, secrets=parcel.secrets)
    return await egress.post(parcel.url, body=parcel.body, headers=HEADERS | signed, line=parcel.endpoint_id)


async def _post_to_chat(parcel: Parcel, egress: Egress) -> Answer:
    body = chat.body(parcel.url, parcel.envelope, account_name=parcel.account_name)
    answer = await egress.post(parcel.url, body=body, headers=HEADERS, line=parcel.endpoint_id)
    is_taken = answer.status is not None and chat.accepted(parcel.url, answer.status, answer.body)
    return answer if is_taken or not answer.is_success else replace(answer, error=NOT_TAKEN)


async def _mail(parcel: Parcel, *, deadline: float) -> Answer:
    """A mail server that takes its time step by step is not waited for longer than any other; what still waits is not sent."""
    hand_over = partial(email.send, parcel.url, parcel.envelope, account_name=parcel.account_name)
    handed = asyncio.get_running_loop().run_in_executor(POST_OFFICE, hand_over)
    await asyncio.wait({handed}, timeout=deadline)
    if not handed.done():
        handed.cancel()
        return Answer(error=LATE_MAIL)
    outcome = handed.result()
    return Answer(error=outcome.error, is_taken=outcome.accepted)
