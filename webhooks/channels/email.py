"""Send an event as an e-mail to the mailbox of an endpoint (`mailto:…`), through Django's e-mail backend."""

import hashlib
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from webhooks.channels import message_text

MAX_SUBJECT_LENGTH = 200
FOOTER = (
    "You receive this e-mail because a webhook endpoint of your agency in Underone uses this address. "
    "An admin or a manager of the agency can delete the endpoint."
)


class InvalidMailbox(Exception):
    """Raise when a URL does not contain exactly one e-mail address."""


@dataclass(frozen=True, slots=True)
class MailResult:
    """Store whether the mail server accepted a message, and the reason if it did not."""

    accepted: bool
    error: str = ""


def send(
    endpoint_url: str,
    payload: dict[str, Any],
    *,
    account_name: str = "",
    translate: Callable[[str], str] = str,
) -> MailResult:
    """Send an event's payload to the endpoint's mailbox. Errors of the mail server are returned; a retry may
    succeed."""

    try:
        build_message(endpoint_url, payload, account_name=account_name, translate=translate).send()
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
    payload: dict[str, Any],
    *,
    account_name: str = "",
    translate: Callable[[str], str] = str,
) -> EmailMessage:
    """Return the message in plain text. Raises InvalidMailbox."""
    mailbox = parse_mailbox(endpoint_url)
    text = message_text.build(payload, account_name=account_name, translate=translate)
    # The Message-ID is the same at every attempt, so that a mail program shows a message that was sent twice
    # only once. RFC 3834: no automatic replies to this message.
    headers = {"Message-ID": _message_id(mailbox, payload["id"]), "Auto-Submitted": "auto-generated"}
    return EmailMessage(
        subject=f"[Underone] {text.title}"[:MAX_SUBJECT_LENGTH],
        body="\n".join([text.title, "", *text.lines, "", "-- ", translate(FOOTER), ""]),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mailbox],
        headers=headers,
    )


def parse_mailbox(endpoint_url: str) -> str:
    """Return the e-mail address of a `mailto:` URL.

    Copies, subject and body in the URL are ignored. Raises InvalidMailbox.
    """

    # Only the path: `?cc=` and `?subject=` of a mailto URL would add recipients and headers.
    parts = urlsplit(endpoint_url)
    mailbox = unquote(parts.path)
    try:
        validate_email(mailbox)
    except ValidationError:
        raise InvalidMailbox("The URL must contain exactly one e-mail address.") from None
    if parts.scheme != "mailto" or parts.netloc:
        raise InvalidMailbox("The URL must contain exactly one e-mail address.")
    return mailbox


def _message_id(mailbox: str, event_id: str) -> str:
    """Return the message ID of an event to a mailbox, at the sender's domain.

    The ID is a digest that reveals neither.
    """
    digest = hashlib.sha256(f"{event_id} {mailbox}".encode()).hexdigest()[:32]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{digest}@{domain}>"
