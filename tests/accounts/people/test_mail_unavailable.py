"""Test an installation without a mail server."""

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage

from accounts.models import Person
from accounts.people import mail
from tests.accounts.people.visitors import Outbox, Visitor, new_email
from tests.client import Client


@pytest.fixture
def no_mail_server(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = mail.NO_MAIL_SERVER
    settings.SIGN_UP = True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("code", {}),
        ("password/forgotten", {}),
        ("sign-up", {"agency_name": "Nordwind", "name": "Mei"}),
    ],
)
def test_what_needs_mail_is_refused_whoever_asks(
    visitor: Visitor, mei: Person, no_mail_server: None, path: str, body: dict[str, str]
) -> None:
    responses = [visitor.send(f"/v1/auth/{path}", email=each, **body) for each in (mei.email, new_email())]

    assert [(each.status_code, each.json()["type"]) for each in responses] == [
        (503, "/problems/mail-unavailable")
    ] * 2


def test_invitation_is_refused(acme: Client, no_mail_server: None) -> None:
    refused = acme.post("/v1/invitations", {"email": new_email(), "role": "viewer"}, format="json")

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/mail-unavailable")
    assert acme.read("/v1/invitations")["data"] == []


def test_password_is_changed_without_notice(
    visitor: Visitor, post: Outbox, mei: Person, no_mail_server: None, capfd: pytest.CaptureFixture[str]
) -> None:
    token = visitor.sign_in(mei.email)["token"]

    changed = visitor.send(
        "/v1/auth/password", current_password="a quiet orange river", password="seven green windows"
    )

    assert changed.status_code == 200
    assert post.to(mei.email) == []
    assert token not in "".join(capfd.readouterr())


def test_mail_is_never_lost_silently(no_mail_server: None) -> None:
    with pytest.raises(ConnectionRefusedError, match="EMAIL_URL is not set"):
        EmailMessage(subject="A breach", body="", to=["mei@agency.example"]).send()
