"""Test e-mails to users: content, broker, and an SMTP server."""

import json
import os
import re
import smtplib
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.conf import LazySettings
from django.core import mail as outbox
from django.db import transaction
from django.utils import translation

from accounts.encryption import at_rest
from accounts.people import mail, tasks
from tests.accounts.people.visitors import MAIL_QUEUE, Outbox
from tests.client import Client
from tests.clock import NOW
from tests.fakes.mail_server import Server
from tests.webhooks.channels.test_email import server

__all__ = ["server"]  # a fixture

PLACES = {
    "agency": "Acme",
    "by": "Mei Lin",
    "code": "BCDF-GHJK",
    "key": "3x8kq2-d1a2b3",
    "role": "viewer",
    "session": "uo_ses_0",
    "token": "uo_inv_secret",
    "until": "2026-11-29T09:00:00Z",
}
HAN = re.compile("[\u4e00-\u9fff]")
SECRETS = ("BCDF-GHJK", "3x8kq2-d1a2b3", "uo_ses_0", "uo_inv_secret", "mei@agency.example")
TO = "mei@agency.example"


def deliver_mail(kind: str = "invitation") -> None:
    mail.queue(kind=kind, to=TO, values=PLACES, expires_in=60)


def queued() -> list[Any]:
    """Take the messages from the broker."""
    with current_app.connection_for_read() as broker:
        channel: Any = broker.default_channel
        return list(iter(lambda: channel.basic_get(MAIL_QUEUE, no_ack=True), None))


def encrypt_mail(**fields: Any) -> str:
    """Return the task argument of an e-mail."""
    payload = {"kind": "invitation", "to": TO, "values": PLACES} | fields
    return at_rest.encrypt(json.dumps(payload).encode(), context=mail.TASK).hex()


@pytest.mark.parametrize("kind", mail.TEMPLATES)
@pytest.mark.parametrize("front_end", ["", "https://app.agency.example"])
def test_mail_is_plain_text_without_open_placeholders(
    kind: str, front_end: str, settings: LazySettings
) -> None:
    settings.PEOPLE_URL = front_end

    message = mail.build(kind=kind, to=TO, values=PLACES)

    assert (message.to, message.content_subtype, message.extra_headers) == (
        [TO],
        "plain",
        {"Auto-Submitted": "auto-generated"},
    )
    assert message.subject.startswith("[Underone] ")
    assert not re.search(r"[{}]", f"{message.subject}{message.body}")
    assert ("https://" in str(message.body)) is bool(front_end and mail.TEMPLATES[kind][2])


@pytest.mark.parametrize("kind", mail.TEMPLATES)
def test_mail_is_in_the_language_of_its_cause(kind: str, db: None, post: Outbox) -> None:
    with translation.override("zh-hans"):
        deliver_mail(kind)
    (message,) = post.collect()

    # What the templates write, without the values of their placeholders.
    text = f"{message.subject}\n{message.body}".replace("[Underone]", "")
    for value in PLACES.values():
        text = text.replace(value, "")
    assert HAN.search(str(message.subject))
    assert HAN.search(str(message.body))
    assert not re.search("[A-Za-z]", text)


def test_invitation_is_in_the_language_of_the_agency(acme: Client, post: Outbox) -> None:
    acme.patch("/v1/agency", {"language": "zh-hans"}, format="json")
    acme.post("/v1/invitations", {"email": TO, "role": "viewer"}, format="json")

    (message,) = post.collect()

    assert HAN.search(str(message.subject))
    assert "邀请您" in str(message.body)


HOSTILE_NAMES = (
    "Acme\r\nBcc: x@evil.example",
    "Acme\nX: y",
    "{token}",
    "\u2028Acme",
    "A" * 200,
    "Your account is closed. See http://evil.example/login",
    "www.evil.example",
    "evil．example",
    "mailto:x@evil.example",
    "Call +1 (800) 555-0199",
    "\u202egnp.elpmaxe.live//:ptth",
)
# What mail programs turn into links, and numbers that phones offer to call.
LINK = re.compile(r"://|www\.|\w\.(?:example|elpmaxe)|mailto:|[\d()+ -]{8,}")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", sorted(mail.UNREQUESTED))
def test_mail_with_hostile_names_has_no_link_of_the_caller(kind: str, name: str) -> None:
    built = mail.build(kind=kind, to=TO, values=PLACES | {"agency": name, "by": name, "until": "then"})

    message = built.message()

    assert built.subject == mail.build(kind=kind, to=TO, values=PLACES).subject
    assert message["Bcc"] is None
    assert not LINK.search(str(built.body))
    assert max(map(len, str(built.body).splitlines())) < 250


def test_mail_is_encrypted_in_the_broker(db: None, post: Outbox) -> None:
    deliver_mail()

    (message,) = queued()
    carried = json.dumps([message.payload, message.headers], default=str)
    assert [word for word in SECRETS if word in carried] == []

    tasks.send_mail(**message.payload[1])
    assert "uo_inv_secret" in str(outbox.outbox[0].body)


def test_mail_encrypted_for_other_context_is_not_sent(db: None) -> None:
    other = at_rest.encrypt(
        json.dumps({"kind": "invitation", "to": TO, "values": PLACES}).encode(), context="webhooks"
    ).hex()

    with pytest.raises(at_rest.WrongContext):
        mail.send(encrypted=other, now=NOW)

    assert outbox.outbox == []


def test_mail_of_rolled_back_transaction_is_not_queued(db: None, post: Outbox) -> None:
    with transaction.atomic():
        deliver_mail()
        transaction.set_rollback(True)

    assert queued() == []


def test_mail_without_template_is_queued_and_not_sent(db: None, post: Outbox) -> None:
    deliver_mail(kind="unknown_account")

    assert len(post.collect()) == 0


def test_mail_reaches_real_server(db: None, server: Server) -> None:
    mail.send(encrypted=encrypt_mail(), now=NOW)

    ((to, data),) = server.got
    got = message_from_bytes(data, policy=policy.default)
    assert to == [TO]
    assert got["Subject"] == "[Underone] Invitation to an agency"
    assert "“Mei Lin” invites you to join the agency “Acme” as viewer." in got.get_content()


def test_mail_to_unknown_recipient_is_not_retried(db: None, server: Server) -> None:
    server.answers["RCPT"] = b"550 no such mailbox"

    mail.send(encrypted=encrypt_mail(), now=NOW)

    assert server.got == []


@pytest.mark.parametrize("command", ["CONNECT", "MAIL", "END"])
def test_mail_refused_by_server_is_retried(db: None, server: Server, command: str) -> None:
    server.answers[command] = b"451 later"

    with pytest.raises(OSError, match="later") as error:
        mail.send(encrypted=encrypt_mail(), now=NOW)

    assert isinstance(error.value, smtplib.SMTPException)
    del server.answers[command]
    server.got.clear()
    mail.send(encrypted=encrypt_mail(), now=NOW)
    assert len(server.got) == 1


@pytest.mark.parametrize("kind", ["sign_up", "invitation"])
def test_mail_over_the_limit_of_a_mailbox_waits_in_the_queue(db: None, post: Outbox, kind: str) -> None:
    to = f"victim.{kind}@agency.example"
    for n in range(12):
        spelling = to.replace("@", f"+{n}@")
        mail.queue(kind=kind, to=spelling, values=PLACES, expires_in=60, agency_id=uuid4())

    for message in queued():
        tasks.send_mail(**message.payload[1])

    waiting = [datetime.fromisoformat(message.headers["eta"]) - datetime.now(UTC) for message in queued()]
    assert len(outbox.outbox) == 10
    assert len(waiting) == 2
    assert all(timedelta(minutes=9) < wait <= timedelta(minutes=10) for wait in waiting)


def test_sign_in_mails_are_not_held_back_by_others(db: None, post: Outbox) -> None:
    for kind in ["sign_up"] * 11 + ["login_code", "password_reset_key"]:
        deliver_mail(kind)

    for message in queued():
        tasks.send_mail(**message.payload[1])

    subjects = [message.subject for message in outbox.outbox]
    assert subjects.count("[Underone] Create your agency") == 10
    assert subjects[-2:] == ["[Underone] Your sign-in code", "[Underone] Reset your password"]
    queued()


def test_mails_in_files_are_deleted_after_thirty_days(settings: LazySettings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    for _ in range(2):
        outbox.EmailMessage(subject="Your sign-in code", body="BCDF-GHJK", to=[TO]).send()
    old, recent = sorted(tmp_path.iterdir())
    other = tmp_path / "web.log"
    other.write_text("of another program")
    for path, days in ((old, 31), (recent, 29), (other, 400)):
        os.utime(path, times=((NOW - timedelta(days=days)).timestamp(),) * 2)

    deleted = mail.delete_old_files(now=NOW)

    assert deleted == 1
    assert sorted(tmp_path.iterdir()) == sorted([recent, other])


@pytest.mark.parametrize("folder", [None, "missing"])
def test_deletion_of_old_mails_needs_no_folder(
    settings: LazySettings, tmp_path: Path, folder: str | None
) -> None:
    settings.EMAIL_FILE_PATH = folder and str(tmp_path / folder)

    tasks.delete_old_mails()
