"""Sign up new agencies, with an invitation to an agency that does not exist yet.

Nothing is stored. The signed token contains the fields of the agency and its ID, so that it can be used only
once.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Actor, Agency, Member, Role, constraints
from accounts.people import mail, users
from accounts.people.users import Joined, Profile, UnknownToken
from accounts.tenancy import context
from api import identifiers, timestamps

TOKEN_HEAD = "uo_new_"  # noqa: S105  not a secret
SIGN_UP_LIFETIME = timedelta(days=7)
SALT = "accounts.people.sign_up"
FOUNDER = {"role": Role.ADMIN, "read_only": False, "accounts": None}


def send_token(*, agency_name: str, name: str, email: str, now: datetime) -> None:
    """Send an e-mail with a token that creates the agency. Does not reveal whether the address is known."""
    email = email.lower()
    # The agency's ID is in the token: its primary key lets the token create one agency only.
    content = {"agency": identifiers.uuid7().hex, "called": agency_name, "name": name, "email": email}
    token = TOKEN_HEAD + signing.dumps(content, salt=SALT, compress=True)
    values = {"until": timestamps.text(now + SIGN_UP_LIFETIME), "token": token}
    mail.queue(kind="sign_up", to=email, values=values, expires_in=int(SIGN_UP_LIFETIME.total_seconds()))


@transaction.atomic
def accept(*, token: str, profile: Profile, now: datetime) -> Joined:
    """Create the agency of a token, with the owner of the e-mail address as its first member, an admin.

    Raises UnknownToken, also for a used token, and the errors of users.join.
    """
    try:
        content = signing.loads(token.removeprefix(TOKEN_HEAD), salt=SALT, max_age=SIGN_UP_LIFETIME)
    except signing.BadSignature:
        raise UnknownToken from None
    agency_id = UUID(hex=content["agency"])
    with context.agency(agency_id):
        try:
            # A savepoint: after an integrity error PostgreSQL refuses every statement of the transaction.
            with transaction.atomic():
                agency = Agency.objects.create(id=agency_id, name=content["called"], created_at=now)
        except IntegrityError as error:
            # The agency exists: the token was used before.
            if constraints.violated(error) != constraints.AGENCY_KEY:
                raise
            raise UnknownToken from None
        profile = Profile(name=profile.name or content["name"], password=profile.password)
        joined = users.join(
            agency=agency, email=content["email"], grant=Member(**FOUNDER), profile=profile, now=now
        )
        audit.record(
            agency_id=agency_id,
            actor=Actor(joined.member.public_id, joined.person.name),
            what="agency.opened",
            about=agency.public_id,
            after={"name": agency.name},
            now=now,
        )
    return joined
