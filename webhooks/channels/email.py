"""An event as an e-mail to the mailbox of an endpoint (`mailto:…`), through Django's e-mail backend."""

import hashlib
import smtplib
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from webhooks.channels import message_text

LONGEST_SUBJECT = 200
GOODBYE = (
    "You receive this e-mail because a webhook endpoint of your agency in Underone uses this address. An admin can delete it."
)


class NoMailbox(Exception):
    """The URL must contain exactly one e-mail address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the mail server took it; if not, why."""

    accepted: bool
    error: str = ""


def send(endpoint_url: str, envelope: dict[str, Any], *, account_name: str = "") -> Outcome:
    """Hand the event over to the mail server. What goes wrong on the way is in the outcome; it may be tried again."""
    try:
        written(endpoint_url, envelope, account_name=account_name).send()
    except NoMailbox as error:
        return Outcome(accepted=False, error=str(error))
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = next(iter(error.recipients.values()))
        return Outcome(accepted=False, error=f"The mail server refused the recipient ({code}).")
    except smtplib.SMTPResponseException as error:
        return Outcome(accepted=False, error=f"The mail server refused the message ({error.smtp_code}).")
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(accepted=False, error=f"The mail server could not be reached ({type(error).__name__}).")
    return Outcome(accepted=True)


def written(endpoint_url: str, envelope: dict[str, Any], *, account_name: str = "") -> EmailMessage:
    """The message, in plain text. Sent twice it has the same Message-ID: a mail program shows it once. Raises NoMailbox."""
    mailbox = mailbox_of(endpoint_url)
    words = message_text.of(envelope, account_name=account_name)
    headers = {"Message-ID": _message_id(mailbox, envelope["id"]), "Auto-Submitted": "auto-generated"}  # RFC 3834: no replies
    return EmailMessage(
        subject=f"[Underone] {words.title}"[:LONGEST_SUBJECT],
        body="\n".join([words.title, "", *words.lines, "", "-- ", GOODBYE, ""]),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mailbox],
        headers=headers,
    )


def mailbox_of(endpoint_url: str) -> str:
    """The one mailbox of a `mailto:` URL. Copies, subjects and bodies that it may ask for are not heeded. Raises NoMailbox."""
    parts = urlsplit(endpoint_url)
    mailbox = unquote(parts.path)
    try:
        validate_email(mailbox)
    except ValidationError:
        raise NoMailbox("The URL must contain exactly one e-mail address.") from None
    if parts.scheme != "mailto" or parts.netloc:
        raise NoMailbox("The URL must contain exactly one e-mail address.")
    return mailbox


def _message_id(mailbox: str, event: str) -> str:
    """Of this event to this mailbox, at the domain that sends. Neither is told by it."""
    of_both = hashlib.sha256(f"{event} {mailbox}".encode()).hexdigest()[:32]
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{of_both}@{domain}>"
