"""Test events as e-mail: content, recipient, and an SMTP server that accepts or refuses them."""

import re
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage as Letter
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail as outbox

from tests.fakes.mail_server import Server
from tests.webhooks.channels.test_message_text import render
from webhooks.channels import email, message_text
from webhooks.channels.email import InvalidMailbox, MailResult, Notification
from webhooks.events.catalogue import EVENT_TYPES, EventType

OPS = "mailto:ops@agency.example"


def build_mail(url: str = OPS, **changes: Any) -> Letter:
    """Build the e-mail as the server receives it."""
    sent = (
        email.build_message(url, [Notification(render("account.status_changed", **changes))])
        .message()
        .as_bytes()
    )
    return message_from_bytes(sent, policy=policy.default)


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_email_of_every_event_is_plain_text(kind: EventType) -> None:
    envelope = render(kind.type)

    assert email.send(OPS, [Notification(envelope)]) == MailResult(accepted=True)

    (sent,) = outbox.outbox
    words = message_text.build(envelope)
    assert (sent.to, sent.cc, sent.bcc, sent.content_subtype, sent.attachments) == (
        ["ops@agency.example"],
        [],
        [],
        "plain",
        [],
    )
    assert sent.subject == f"[Underone] {words.subject}"
    assert sent.body.splitlines()[:2] == [words.title, ""]
    assert set(words.lines) <= set(sent.body.splitlines())


def test_email_is_marked_automatic_with_sender(settings: LazySettings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Underone <alerts@agency.example>"

    headers = build_mail()

    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["From"] == "Underone <alerts@agency.example>"
    assert headers["To"] == "ops@agency.example"
    assert re.fullmatch("<[0-9a-f]{32}@agency[.]example>", headers["Message-ID"])
    assert headers["Date"]
    assert headers.get_content_type() == "text/plain"


def test_email_id_is_equal_for_retries_and_differs_by_mailbox() -> None:
    ids = [build_mail(url)["Message-ID"] for url in (OPS, OPS, "mailto:boss@agency.example")]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    "text",
    ["\r\nBcc: x@evil.example", "\nX: y", "\r", "\u2028", "\0", "x" * 5000, "\ud800"],
    ids=lambda text: ascii(text[:20]),
)
def test_email_headers_cannot_be_injected(text: str) -> None:
    headers = build_mail(current=f"BAD{text}")

    assert headers["Subject"] == "[Underone] Amazon's status in DE changed"
    assert {name.lower() for name in headers.keys()} == {  # noqa: SIM118  a letter is no dict
        *("content-type", "mime-version", "content-transfer-encoding", "subject", "from", "to", "date"),
        *("message-id", "auto-submitted"),
    }


def test_email_has_a_link_to_unsubscribe() -> None:
    url = "https://api.agency.example/mailboxes/unsubscribe?token=uo_end_" + "x" * 300

    message = email.build_message(OPS, [Notification(render("endpoint.test"))], unsubscribe_url=url)

    sent = message_from_bytes(message.message().as_bytes(), policy=policy.default)
    assert sent["List-Unsubscribe"].strip() == f"<{url}>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Encoded words in this header are not read by mail providers.
    assert b"=?" not in message.message().as_bytes().partition(b"\n\n")[0]
    assert str(message.body).splitlines()[-1] == f"Unsubscribe: {url}"


def test_mail_provider_is_not_asked_to_post_without_https() -> None:
    message = email.build_message(
        OPS, [Notification(render("endpoint.test"))], unsubscribe_url="http://localhost/x"
    )

    assert message.extra_headers["List-Unsubscribe"] == "<http://localhost/x>"
    assert "List-Unsubscribe-Post" not in message.extra_headers


NAMES = ("http://evil.example", "www.evil.example", "A" * 200, "Acme\r\nBcc: x@evil.example")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_subject_has_no_text_of_the_agency(kind: EventType, name: str) -> None:
    built = email.build_message(OPS, [Notification(render(kind.type), account_name=name)])

    assert built.subject == email.build_message(OPS, [Notification(render(kind.type))]).subject
    assert "evil.example" not in str(built.body)
    assert "://" not in str(built.body)


def test_digest_has_every_event_and_no_text_of_the_agency_in_its_subject() -> None:
    events = [Notification(render(kind.type), account_name="http://evil.example") for kind in EVENT_TYPES]

    digest = email.build_message(OPS, events)

    assert digest.subject == f"[Underone] {len(EVENT_TYPES)} notifications"
    for event in events:
        text = message_text.build(event.payload, account_name=event.account_name)
        assert {text.title, *(f"  {line}" for line in text.lines)} <= set(str(digest.body).splitlines())
    assert "evil.example" not in str(digest.body)
    assert digest.extra_headers["Message-ID"] == email.build_message(OPS, events).extra_headers["Message-ID"]


@pytest.mark.parametrize(
    ("url", "mailbox"),
    [
        (OPS, "ops@agency.example"),
        ("mailto:ops%2Balerts@agency.example", "ops+alerts@agency.example"),
        ("MAILTO:ops@agency.example", "ops@agency.example"),
        (
            "mailto:ops@agency.example?subject=Hi&cc=x@evil.example&bcc=y@evil.example&body=z",
            "ops@agency.example",
        ),
        ("mailto:ops@agency.example#x", "ops@agency.example"),
    ],
)
def test_recipient_is_the_mailbox_of_the_url(url: str, mailbox: str) -> None:
    written = email.build_message(url, [Notification(render("endpoint.test"))])

    assert written.recipients() == [mailbox]
    assert written.subject == "[Underone] Test notification"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mailto:",
        "mailto:ops",
        "mailto:root@localhost",
        "mailto:ops@[127.0.0.1]",
        "mailto:ops@db.internal",
        "mailto:a@b.example,c@d.example",
        "mailto:a@b.example%2Cc@d.example",
        "mailto:Ops%20%3Cops@agency.example%3E",
        "mailto:ops@agency.example%0d%0aBcc:x@evil.example",
        "mailto:ops@agency.example%00",
        "mailto://ops@agency.example",
        "https://ops@agency.example",
        "ops@agency.example",
        "mailto:?to=ops@agency.example",
    ],
)
def test_url_without_mailbox_is_not_sent(url: str) -> None:
    with pytest.raises(InvalidMailbox):
        email.build_message(url, [Notification(render("endpoint.test"))])

    assert email.send(url, [Notification(render("endpoint.test"))]) == MailResult(
        accepted=False, error="The URL must contain exactly one e-mail address."
    )
    assert outbox.outbox == []


@pytest.fixture
def server(settings: LazySettings) -> Iterator[Server]:
    """Start a mail server, and configure the product to use it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with Server() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.server_address[:2]
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def test_email_is_sent_to_smtp_server(server: Server) -> None:
    envelope = render("breach.opened")

    assert email.send(OPS, [Notification(envelope)]) == MailResult(accepted=True)

    ((to, data),) = server.got
    got = message_from_bytes(data, policy=policy.default)
    assert to == ["ops@agency.example"]
    assert got["Subject"] == "[Underone] Order defect rate, DE, mfn: target missed"
    assert got.get_content().splitlines()[0] == message_text.build(envelope).title


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("CONNECT", b"554 go away", "The mail server refused the message (554)."),
        ("MAIL", b"550 who are you", "The mail server refused the message (550)."),
        ("RCPT", b"550 no such mailbox", "The mail server refused the recipient (550)."),
        ("RCPT", b"451 later", "The mail server refused the recipient (451)."),
        ("DATA", b"452 full", "The mail server refused the message (452)."),
        ("END", b"554 spam", "The mail server refused the message (554)."),
        ("MAIL", b"", "The mail server could not be reached (SMTPServerDisconnected)."),
    ],
)
def test_refusal_of_smtp_server_is_reported(server: Server, command: str, answer: bytes, error: str) -> None:
    server.answers[command] = answer

    assert email.send(OPS, [Notification(render("breach.opened"))]) == MailResult(accepted=False, error=error)


def test_unreachable_smtp_server_is_reported(server: Server, settings: LazySettings) -> None:
    server.shutdown()
    server.server_close()

    assert (
        email.send(OPS, [Notification(render("breach.opened"))]).error
        == "The mail server could not be reached (ConnectionRefusedError)."
    )


def test_hanging_smtp_server_times_out(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 0.2

    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        error = email.send(OPS, [Notification(render("breach.opened"))]).error

    assert error == "The mail server could not be reached (SMTPServerDisconnected)."
