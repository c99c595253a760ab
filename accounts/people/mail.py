"""Send plain-text e-mails to users, with codes, keys and invitations. No other module sends these secrets."""

import json
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import translation

from accounts.encryption import at_rest
from accounts.mailboxes import allowances, caller_text, headers
from api.translation import translate

# Subject, text, and the page of the front end that continues from there. Only the last two have {placeholders}: a
# subject has no text that a caller chose.
Template = tuple[str, str, str]

NOT_YOU = "If you did not request this, you can ignore this e-mail."
NOT_EXPECTED = "If you do not know the sender, you can ignore this e-mail."
# Secrets of a link stand after #: browsers do not send that part to a server, so it is in no log.
TEMPLATES: dict[str, Template] = {
    "login_code": (
        "Your sign-in code",
        f"Your sign-in code is {{code}}. It is valid for ten minutes.\n{NOT_YOU}",
        "/sign-in#session={session}&code={code}",
    ),
    "password_reset_key": (
        "Reset your password",
        f"Use this key to set a new password. It is valid for one hour:\n\n{{key}}\n\n{NOT_YOU}",
        "/reset-password#key={key}",
    ),
    "invitation": (
        "Invitation to an agency",
        "“{by}” invites you to join the agency “{agency}” as {role}.\nUse this token to accept the invitation before "
        f"{{until}}:\n\n{{token}}\n\n{NOT_EXPECTED}",
        "/invitation#token={token}",
    ),
    "sign_up": (
        "Create your agency",
        f"Use this token to create your agency before {{until}}:\n\n{{token}}\n\n{NOT_YOU}",
        "/sign-up#token={token}",
    ),
    "mailbox_confirmation": (
        "Confirm this mailbox",
        "The agency “{agency}” wants to send notifications about Amazon seller accounts to this mailbox.\n"
        f"Use this token to agree before {{until}}:\n\n{{token}}\n\n{NOT_EXPECTED}",
        "/confirm-mailbox#token={token}",
    ),
    "password_changed": (
        "Your password was changed",
        "Your password was changed. If you did not do this, reset it now.",
        "",
    ),
    "password_set": (
        "Your password was set",
        "A password was set for you. If you did not do this, reset it now.",
        "",
    ),
    "password_reset": (
        "Your password was reset",
        "Your password was reset. If you did not do this, reset it again now.",
        "",
    ),
}
NOT_BY_YOU = "If you did not do this, change your password and check your second factors now."
TEMPLATES |= {
    kind: (subject, NOT_BY_YOU, "")
    for kind, subject in {
        "totp_activated": "An authenticator app was added to your account",
        "totp_deactivated": "The authenticator app was removed from your account",
        "webauthn_added": "A passkey was added to your account",
        "webauthn_removed": "A passkey was removed from your account",
        "second_factors_removed": "Your second factors were removed by the operator",
        "recovery_codes_generated": "New recovery codes were created for your account",
    }.items()
}
NO_MAIL_SERVER = "accounts.people.mail.NoMailServer"
TASK = "accounts.people.tasks.send_mail"
# Of e-mails in files. Their codes and tokens have expired by then, and nobody looks for them.
FILES_KEPT = timedelta(days=30)
# As Django's backend names them. The operator may have chosen a folder with other files.
FILE_NAMES = "[0-9]" * 8 + "-" + "[0-9]" * 6 + "-*.log"
# Mails that their readers did not ask for. Anybody who can create an agency can cause them.
UNREQUESTED = frozenset({"invitation", "sign_up", "mailbox_confirmation"})
# What a caller chose, of the values of a template.
CALLER_TEXTS = frozenset({"agency", "by"})


class MailLimitReached(Exception):
    """Raise when the mail may be sent at `free_at` at the earliest."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__(free_at)
        self.free_at = free_at


class NoMailServer(BaseEmailBackend):
    """Refuse every e-mail, because EMAIL_URL is not set. Nothing is lost silently, and no secret is printed."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> NoReturn:
        raise ConnectionRefusedError("EMAIL_URL is not set.")


def is_available() -> bool:
    """Return whether the installation sends e-mails."""
    return bool(settings.EMAIL_BACKEND != NO_MAIL_SERVER)


def queue(
    *,
    kind: str,
    to: str,
    values: dict[str, str],
    expires_in: int,
    language: str | None = None,
    agency_id: UUID | None = None,
) -> None:
    """Queue an e-mail once the transaction commits. A worker drops it after `expires_in` seconds.

    Without a language, the e-mail is in that of the request that causes it. `agency_id` is the agency that sends
    it, if one does.

    A kind without a template is queued at the same cost and not sent.
    """
    fields = {"kind": kind, "to": to, "values": values, "agency": agency_id.hex if agency_id else None}
    content = json.dumps(fields | {"language": language or translation.get_language()}).encode()
    # The broker stores messages, and these contain codes and tokens.
    encrypted = at_rest.encrypt(content, context=TASK).hex()

    def enqueue() -> None:
        current_app.send_task(TASK, kwargs={"encrypted": encrypted}, retry=False, expires=expires_in)

    # robust: a broker that is down must not fail the request, whose transaction is committed by then.
    transaction.on_commit(enqueue, robust=True)


def send(*, encrypted: str, now: datetime) -> None:
    """Send a queued e-mail.

    Raises MailLimitReached, and OSError if the mail server is unavailable or refuses the mail.
    """
    content: dict[str, Any] = json.loads(at_rest.decrypt(bytes.fromhex(encrypted), context=TASK))
    # Requests that need an e-mail are refused without a mail server. What is queued is a notice at most.
    if content["kind"] not in TEMPLATES or not is_available():
        return
    agency = content.pop("agency", None)
    if content["kind"] in UNREQUESTED:
        _reserve(UUID(hex=agency) if agency else None, content["to"], now)
    try:
        build(**content).send()
    except smtplib.SMTPRecipientsRefused:
        # The address does not exist. A retry would not change that.
        return


def delete_old_files(*, now: datetime) -> int:
    """Delete e-mails that `EMAIL_URL=folder:PATH` wrote to files more than FILES_KEPT ago. Return how many."""
    if not settings.EMAIL_FILE_PATH:
        return 0
    oldest = (now - FILES_KEPT).timestamp()
    files = [path for path in Path(settings.EMAIL_FILE_PATH).glob(FILE_NAMES) if path.is_file()]
    old = [path for path in files if path.stat().st_mtime < oldest]
    for path in old:
        # Two schedulers may start the job at the same time.
        path.unlink(missing_ok=True)
    return len(old)


def build(*, kind: str, to: str, values: dict[str, str], language: str | None = None) -> EmailMessage:
    """Build the message in a language."""
    subject, text, page = TEMPLATES[kind]
    values = {
        name: caller_text.name_for_strangers(value) if name in CALLER_TEXTS else value
        for name, value in values.items()
    }
    front_end = f"{settings.PEOPLE_URL}{page.format_map(values)}" if settings.PEOPLE_URL and page else ""
    # A page of this server works without a front end.
    links = [link for link in (values.get("link") or front_end,) if link]
    lines = [translate(line, language) for line in text.format_map(values).split("\n")]
    unsubscribe_url = values.get("unsubscribe", "")
    if unsubscribe_url:
        links.append(translate(f"Refuse such e-mails: {unsubscribe_url}", language))
    return EmailMessage(
        subject=f"[Underone] {translate(subject, language)}",
        body="\n\n".join(["\n".join(lines), *links]) + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers=headers.automatic(unsubscribe_url=unsubscribe_url),
    )


def _reserve(agency_id: UUID | None, mailbox: str, now: datetime) -> None:
    """Count a mail that its reader did not ask for. Raises MailLimitReached."""
    asked = allowances.of_unrequested(agency_id=agency_id, mailbox=mailbox)
    free_at = allowances.reserve(allowances=asked, now=now)
    if free_at:
        raise MailLimitReached(free_at)
