"""Name the constraints that identify integrity errors. The texts of errors are not compared."""

from typing import Final

from django.db import IntegrityError
from psycopg import Error

AGENCY_KEY: Final = "accounts_agency_pkey"
ENDPOINT_MAILBOX: Final = "webhooks_endpoint_unique_mailbox"
INVITATION_EMAIL: Final = "accounts_invitation_unique_email"
PARTNER_OF_AGENCY: Final = "accounts_selleraccount_unique_partner"
PERSON_EMAIL: Final = "accounts_person_email_key"


def violated(error: IntegrityError) -> str | None:
    """Return the name of the constraint that a statement violated."""
    return error.__cause__.diag.constraint_name if isinstance(error.__cause__, Error) else None
