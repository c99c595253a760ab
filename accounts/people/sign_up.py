"""New agencies: a sign-up is an invitation to an agency that does not exist yet.

Nothing of it is kept: its token tells, signed, what will be made, the agency's id among it, so that it can be made once only.
"""

from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Actor, Agency, Member, Role, constraints
from accounts.people import mail, users
from accounts.people.invitations import LASTS
from accounts.people.users import Joined, Self, UnknownToken
from accounts.tenancy import context
from api import identifiers, timestamps

HEAD = "uo_new_"
SALT = "accounts.people.sign_up"
FOUNDER = {"role": Role.ADMIN, "read_only": False, "accounts": None}


def offer(*, agency_name: str, name: str, email: str, now: datetime) -> None:
    """Write to the mailbox how the agency is opened. Whoever it belongs to, and whether somebody, is told to nobody."""
    mailbox = email.lower()
    told = {"agency": identifiers.uuid7().hex, "called": agency_name, "name": name, "email": mailbox}
    token = HEAD + signing.dumps(told, salt=SALT, compress=True)
    places = {"agency": agency_name, "until": timestamps.text(now + LASTS), "token": token}
    mail.post(kind="sign_up", to=mailbox, places=places, keeps_seconds=int(LASTS.total_seconds()))


@transaction.atomic
def accept(*, token: str, self: Self, now: datetime) -> Joined:
    """The agency, and the owner of the mailbox as its first member. Raises UnknownToken, and what joining.join raises."""
    try:
        told = signing.loads(token.removeprefix(HEAD), salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        raise UnknownToken from None
    agency_id = UUID(hex=told["agency"])
    with context.agency(agency_id):
        try:
            with transaction.atomic():
                agency = Agency.objects.create(id=agency_id, name=told["called"], created_at=now)
        except IntegrityError as error:
            if constraints.violated(error) != constraints.AGENCY_KEY:
                raise
            raise UnknownToken from None
        who_it_is = Self(name=self.name or told["name"], password=self.password)
        joined = users.join(agency=agency, email=told["email"], grant=Member(**FOUNDER), self=who_it_is, now=now)
        audit.note(
            agency_id=agency_id,
            who=Actor(joined.member.public_id, joined.person.name),
            what="agency.opened",
            about=agency.public_id,
            after={"name": agency.name},
            now=now,
        )
    return joined
