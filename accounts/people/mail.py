"""Send plain-text e-mails to users, with codes, keys and invitations. No other module sends these secrets."""

import json
import smtplib
from collections.abc import Sequence
from typing import Any, NoReturn

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import translation

from accounts.encryption import at_rest
from api.translation import translate

# Subject, text, and the page of the front end that continues from there, each with {placeholders}.
Template = tuple[str, str, str]

NOT_YOU = "If you did not request this, you can ignore this e-mail."
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
        "Invitation to {agency}",
        "{by} invites you to join {agency} as {role}.\nUse this token to accept the invitation before "
        "{until}:\n\n{token}",
        "/invitation#token={token}",
    ),
    "sign_up": (
        "Create the agency {agency}",
        f"Use this token to create the agency {{agency}} before {{until}}:\n\n{{token}}\n\n{NOT_YOU}",
        "/sign-up#token={token}",
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


class NoMailServer(BaseEmailBackend):
    """Refuse every e-mail, because EMAIL_URL is not set. Nothing is lost silently, and no secret is printed."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> NoReturn:
        raise ConnectionRefusedError("EMAIL_URL is not set.")


def is_available() -> bool:
    """Return whether the installation sends e-mails."""
    return bool(settings.EMAIL_BACKEND != NO_MAIL_SERVER)


def queue(
    *, kind: str, to: str, values: dict[str, str], expires_in: int, language: str | None = None
) -> None:
    """Queue an e-mail once the transaction commits. A worker drops it after `expires_in` seconds.

    Without a language, the e-mail is in that of the request that causes it.

    A kind without a template is queued at the same cost and not sent.
    """
    content = json.dumps(
        {"kind": kind, "to": to, "values": values, "language": language or translation.get_language()}
    ).encode()
    # The broker stores messages, and these contain codes and tokens.
    encrypted = at_rest.encrypt(content, context=TASK).hex()

    def enqueue() -> None:
        current_app.send_task(TASK, kwargs={"encrypted": encrypted}, retry=False, expires=expires_in)

    # robust: a broker that is down must not fail the request, whose transaction is committed by then.
    transaction.on_commit(enqueue, robust=True)


def send(*, encrypted: str) -> None:
    """Send a queued e-mail. Raises OSError if the mail server is unavailable or refuses it."""
    content: dict[str, Any] = json.loads(at_rest.decrypt(bytes.fromhex(encrypted), context=TASK))
    # Requests that need an e-mail are refused without a mail server. What is queued is a notice at most.
    if content["kind"] not in TEMPLATES or not is_available():
        return
    try:
        build(**content).send()
    except smtplib.SMTPRecipientsRefused:
        # The address does not exist. A retry would not change that.
        return


def build(*, kind: str, to: str, values: dict[str, str], language: str | None = None) -> EmailMessage:
    """Build the message in a language."""
    subject, text, page = TEMPLATES[kind]
    link = f"\n\n{settings.PEOPLE_URL}{page.format_map(values)}" if settings.PEOPLE_URL and page else ""
    lines = [translate(line, language) for line in text.format_map(values).split("\n")]
    return EmailMessage(
        # The name of an agency may contain line breaks, which Django refuses in a header.
        subject=" ".join(f"[Underone] {translate(subject.format_map(values), language)}".split()),
        body="\n".join(lines) + f"{link}\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        # RFC 3834: automatic responders must not reply.
        headers={"Auto-Submitted": "auto-generated"},
    )
