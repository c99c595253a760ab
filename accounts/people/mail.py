"""What is written to people: codes, keys and invitations, in plain text. The only place where their secrets go."""

import json
import smtplib
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from accounts.encryption import at_rest

Letter = tuple[str, str, str]
"""Subject, text with {places}, and the page of the front end that takes it from there with {places}."""

NOT_YOU = "If you did not request this, you can ignore this e-mail."
LETTERS: dict[str, Letter] = {
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
        "{by} invites you to join {agency} as {role}.\nUse this token to accept the invitation before {until}:\n\n{token}",
        "/invitation#token={token}",
    ),
    "sign_up": (
        "Create {agency}",
        f"Use this token to create the agency {{agency}} before {{until}}:\n\n{{token}}\n\n{NOT_YOU}",
        "/sign-up#token={token}",
    ),
    "password_changed": ("Your password was changed", "Your password was changed. If you did not do this, reset it now.", ""),
    "password_set": ("Your password was set", "A password was set for you. If you did not do this, reset it now.", ""),
    "password_reset": ("Your password was reset", "Your password was reset. If you did not do this, reset it again now.", ""),
}
TASK = "accounts.people.tasks.write_to_people"


def post(*, kind: str, to: str, places: dict[str, str], keeps_seconds: int) -> None:
    """Have a worker write to a mailbox once the transaction is through, unless it comes to it too late.

    A kind that has no letter costs the same and writes nothing. What a mail says is sealed on its way through the broker.
    """
    said = json.dumps({"kind": kind, "to": to, "places": places}).encode()
    sealed = at_rest.seal(said, context=TASK).hex()

    def hand_over() -> None:
        current_app.send_task(TASK, kwargs={"sealed": sealed}, retry=False, expires=keeps_seconds)

    transaction.on_commit(hand_over, robust=True)


def send(*, sealed: str) -> None:
    """Write what was posted. Raises OSError where the mail server is not there or does not take it."""
    posted: dict[str, Any] = json.loads(at_rest.open_sealed(bytes.fromhex(sealed), context=TASK))
    if posted["kind"] not in LETTERS:
        return
    try:
        written(kind=posted["kind"], to=posted["to"], places=posted["places"]).send()
    except smtplib.SMTPRecipientsRefused:
        return  # there is no such mailbox: asking again changes nothing


def written(*, kind: str, to: str, places: dict[str, str]) -> EmailMessage:
    """The message."""
    subject, text, page = LETTERS[kind]
    link = f"\n\n{settings.PEOPLE_URL}{page.format_map(places)}" if settings.PEOPLE_URL and page else ""
    return EmailMessage(
        subject=" ".join(f"[Underone] {subject.format_map(places)}".split()),
        body=f"{text.format_map(places)}{link}\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no replies
    )
