"""Send a job by the channel of its endpoint: a signed POST, a chat message or an e-mail."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial

from api.translation import translate
from webhooks.channels import chat, email, signing
from webhooks.channels.email import Notification
from webhooks.channels.http_client import HttpClient, SendResult
from webhooks.delivery.jobs import DeliveryJob
from webhooks.endpoints import confirmation
from webhooks.models import Endpoint

HEADERS = {"content-type": "application/json", "user-agent": "Underone-Webhooks/1"}
NO_SECRET = "The endpoint has no signing secret."  # noqa: S105  a sentence
# smtplib blocks its thread. A pool of its own keeps hanging mail servers from the threads of the event loop.
MAIL_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="mail")
MAIL_TIMED_OUT = "The mail server did not respond in time."
CHAT_REFUSED = "The chat did not accept the message."


async def send(jobs: Sequence[DeliveryJob], *, client: HttpClient, now: datetime) -> SendResult:
    """Make one attempt to send the jobs and return its result. Only an e-mail takes several jobs."""
    job = jobs[0]
    match Endpoint.Kind(job.kind):
        case Endpoint.Kind.WEBHOOK:
            return await _post_signed(job, client, now)
        case Endpoint.Kind.SLACK:
            return await _post_to_chat(job, client)
        case Endpoint.Kind.EMAIL:
            return await _send_mail(jobs, deadline=client.deadline)


async def _post_signed(job: DeliveryJob, client: HttpClient, now: datetime) -> SendResult:
    if not job.secrets:
        return SendResult(error=NO_SECRET)
    # The time of this attempt, not of the event: receivers refuse signatures
    # that are older than five minutes.
    timestamp = int(now.timestamp())
    signature = signing.headers(
        message_id=job.message_id, timestamp=timestamp, body=job.body, secrets=job.secrets
    )
    return await client.post(
        job.url, body=job.body, headers=HEADERS | signature, connection_key=job.endpoint_id
    )


async def _post_to_chat(job: DeliveryJob, client: HttpClient) -> SendResult:
    body = chat.build_body(
        job.url,
        job.payload,
        account_name=job.account_name,
        translate=partial(translate, language=job.language),
    )
    result = await client.post(job.url, body=body, headers=HEADERS, connection_key=job.endpoint_id)
    is_accepted = result.status is not None and chat.is_accepted(job.url, result.status, result.body)
    return result if is_accepted or not result.is_success else replace(result, error=CHAT_REFUSED)


async def _send_mail(jobs: Sequence[DeliveryJob], *, deadline: float) -> SendResult:
    """Send in a thread, for at most `deadline` seconds."""
    job = jobs[0]
    send_mail = partial(
        email.send,
        job.url,
        [Notification(each.payload, each.account_name) for each in jobs],
        unsubscribe_url=confirmation.unsubscribe_url(
            agency_id=job.agency_id, endpoint_id=job.endpoint_id, url=job.url
        ),
        translate=partial(translate, language=job.language),
    )
    sending = asyncio.get_running_loop().run_in_executor(MAIL_THREADS, send_mail)
    # Not wait_for: it would wait for the thread, which cannot be cancelled while it talks to the mail server.
    await asyncio.wait({sending}, timeout=deadline)
    if not sending.done():
        # A message that still waits for a thread is not sent any more; one that
        # is being sent cannot be stopped.
        sending.cancel()
        return SendResult(error=MAIL_TIMED_OUT)
    mail = sending.result()
    return SendResult(error=mail.error, accepted=mail.accepted)
