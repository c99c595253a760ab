"""Send one or several events as an e-mail to the mailbox of an endpoint (`mailto:…`), through Django's e-mail backend."""

import hashlib
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from accounts.mailboxes import addresses, headers
from webhooks.channels import message_text
from webhooks.channels.message_text import MessageText

MAX_SUBJECT_LENGTH = 200
FOOTER = (
    "You receive this e-mail because a webhook endpoint of your agency in Underone uses this address. "
    "An admin or a manager of the agency can delete the endpoint."
)
DIGEST = (
    "These events were collected for one e-mail, because this mailbox or your agency received as many "
    "e-mails as are allowed."
)


class InvalidMailbox(Exception):
    """Raise when a URL does not contain exactly one e-mail address."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Store the payload of an event, and the agency's name of its account."""

    payload: dict[str, Any]
    account_name: str = ""


@dataclass(frozen=True, slots=True)
class MailResult:
    """Store whether the mail server accepted a message, and the reason if it did not."""

    accepted: bool
    error: str = ""


def send(
    endpoint_url: str,
    notifications: Sequence[Notification],
    *,
    unsubscribe_url: str = "",
    translate: Callable[[str], str] = str,
) -> MailResult:
    """Send one e-mail with these events to the endpoint's mailbox. Errors of the mail server are returned; a retry
    may succeed."""

    try:
        build_message(
            endpoint_url, notifications, unsubscribe_url=unsubscribe_url, translate=translate
        ).send()
    except InvalidMailbox as error:
        return MailResult(accepted=False, error=str(error))
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = next(iter(error.recipients.values()))
        return MailResult(accepted=False, error=f"The mail server refused the recipient ({code}).")
    except smtplib.SMTPResponseException as error:
        return MailResult(accepted=False, error=f"The mail server refused the message ({error.smtp_code}).")
    except (smtplib.SMTPException, OSError) as error:
        return MailResult(
            accepted=False, error=f"The mail server could not be reached ({type(error).__name__})."
        )
    return MailResult(accepted=True)


def build_message(
    endpoint_url: str,
    notifications: Sequence[Notification],
    *,
    unsubscribe_url: str = "",
    translate: Callable[[str], str] = str,
) -> EmailMessage:
    """Return the message in plain text: one event, or a digest of several. Raises InvalidMailbox."""
    mailbox = parse_mailbox(endpoint_url)
    texts = [
        message_text.build(each.payload, account_name=each.account_name, translate=translate)
        for each in notifications
    ]
    subject, lines = _build_text(texts, translate)
    footer = [translate(FOOTER), *([translate(f"Unsubscribe: {unsubscribe_url}")] if unsubscribe_url else [])]
    event_ids = [each.payload["id"] for each in notifications]
    # The Message-ID is the same at every attempt, so that a mail program shows a message that was sent twice
    # only once.
    message_id = {"Message-ID": _message_id(mailbox, event_ids)}
    return EmailMessage(
        subject=f"[Underone] {subject}"[:MAX_SUBJECT_LENGTH],
        body="\n".join([*lines, "", "-- ", *footer, ""]),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mailbox],
        headers=message_id | headers.automatic(unsubscribe_url=unsubscribe_url),
    )


def _build_text(texts: Sequence[MessageText], translate: Callable[[str], str]) -> tuple[str, list[str]]:
    """Return the subject and the lines of a message."""
    if len(texts) == 1:
        return texts[0].subject, [texts[0].title, "", *texts[0].lines]
    count = translate(f"{len(texts)} notifications")
    lines = [count, "", translate(DIGEST)]
    for text in texts:
        lines += ["", text.title, *(f"  {line}" for line in text.lines)]
    return count, lines


def parse_mailbox(endpoint_url: str) -> str:
    """Return the e-mail address of a `mailto:` URL.

    Copies, subject and body in the URL are ignored. Raises InvalidMailbox.
    """

    # Only the path: `?cc=` and `?subject=` of a mailto URL would add recipients and headers.
    parts = urlsplit(endpoint_url)
    mailbox = unquote(parts.path)
    # Again at each attempt: the installation may have had other rules when the endpoint was created.
    try:
        addresses.check(mailbox)
    except addresses.InvalidMailbox:
        raise InvalidMailbox("The URL must contain exactly one e-mail address.") from None
    if parts.scheme != "mailto" or parts.netloc:
        raise InvalidMailbox("The URL must contain exactly one e-mail address.")
    return mailbox


def _message_id(mailbox: str, event_ids: Sequence[str]) -> str:
    """Return the message ID of events to a mailbox, at the sender's domain.

    The ID is a digest that reveals neither.
    """
    digest = hashlib.sha256(f"{' '.join(event_ids)} {mailbox}".encode()).hexdigest()[:32]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{digest}@{domain}>"
