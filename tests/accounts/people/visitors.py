"""Build users and members, send requests as a visitor, and read the mails that were sent."""

import random
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Agency, Member, Person, Role
from accounts.people import mail, tasks, users
from accounts.tenancy import context
from api import identifiers
from tests.client import Handler
from tests.conftest import NOON

MAIL_QUEUE = settings.CELERY_TASK_ROUTES.get(mail.TASK, {"queue": "celery"})["queue"]
PASSWORD = "a quiet orange river"


def address() -> str:
    """Return a new client address, whose attempts are counted separately."""
    return f"198.18.{random.randrange(256)}.{random.randrange(256)}"


def new_email() -> str:
    """Return a new e-mail address, whose attempts are counted separately."""
    return f"mei.{secrets.token_hex(6)}@agency.example"


class Visitor(APIClient):
    """Send requests without a session, or with one after signing in."""

    def __init__(self) -> None:
        super().__init__(REMOTE_ADDR=address())
        self.handler = Handler()

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        if connection.in_atomic_block:
            context.set_agency(None)
        return super().generic(*args, **kwargs)

    def send(self, path: str, **fields: Any) -> Any:
        """Send a JSON body, and return the response."""
        return self.post(path, fields, format="json")

    def carry(self, token: str, *, agency: str = "", header: bool = False) -> Self:
        """Send this session with every request."""
        chosen = {"HTTP_UNDERONE_AGENCY": agency} if agency else {}
        shown = {"HTTP_X_SESSION_TOKEN": token} if header else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        self.credentials(**shown, **chosen)
        return self

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Sign in and go on with that session; the answer."""
        response = self.send("/v1/auth/sign-in", email=email, password=password, **more)
        assert response.status_code == 200, response.content
        self.carry(response.json()["token"])
        return dict(response.json())


@dataclass
class Outbox:
    """Collect the e-mails that a worker sent, through the broker."""

    mails: list[EmailMessage] = field(default_factory=list)

    def collect(self) -> list[EmailMessage]:
        """Do what is in the queue; all letters so far."""
        with current_app.connection_for_read() as broker:
            channel: Any = broker.default_channel
            while message := channel.basic_get(MAIL_QUEUE, no_ack=True):
                if message.headers["task"] == mail.TASK:
                    tasks.send_mail(**message.payload[1])
        self.mails += outbox.outbox
        outbox.outbox.clear()
        return self.mails

    def to(self, email: str) -> list[EmailMessage]:
        """Return the e-mails to one mailbox, oldest first."""
        return [sent for sent in self.collect() if sent.to == [email]]

    def token(self, email: str, *, head: str = "uo_") -> str:
        """Return the token in the newest e-mail to this mailbox."""
        return str(re.findall(rf"^({head}\S+)$", str(self.to(email)[-1].body), flags=re.MULTILINE)[0])


def create_user(
    *, email: str = "", name: str = "Mei Lin", password: str | None = PASSWORD, now: datetime = NOON
) -> Person:
    """Create a user with a new e-mail address."""
    person, _ = users.get_or_create(
        email=email or new_email(), profile=users.Profile(name=name, password=password), now=now
    )
    return person


def create_member(
    agency: Agency,
    person: Person,
    *,
    role: Role = Role.ADMIN,
    read_only: bool = False,
    accounts: list[str] | None = None,
) -> Member:
    """Create a member as accepting an invitation does."""
    limit: list[UUID] | None = (
        None if accounts is None else [identifiers.private("acct", each) for each in accounts]
    )
    with context.agency(agency.pk):
        return Member.objects.create(
            agency=agency, person=person, role=role, read_only=read_only, accounts=limit, created_at=NOON
        )
