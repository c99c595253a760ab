"""The tenant wall, one door: the only way from a request or a task to an agency's rows.

The agency is set for one transaction (`SET LOCAL`): a setting of the session would leak to the next user of a pooled
connection. Row-level security then shows that agency's rows and no others; without it, none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from django.db import connection, transaction
from psycopg import sql
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts import identifiers
from accounts.bearers import Bearer
from accounts.models import Agency, SellerAccount, SellerAccountQuerySet


def enter(agency_id: UUID | None) -> None:
    """Let the rest of this transaction see one agency, or none."""
    # A literal, not a parameter: Citus hands only the utility statement on to its workers.
    value = sql.Literal(str(agency_id or ""))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL underone.agency = {}").format(value).as_string())


@contextmanager
def agency(agency_id: UUID) -> Iterator[None]:
    """A transaction that sees one agency. Nested, the outer agency is back afterwards."""
    with transaction.atomic():
        before = current()
        enter(agency_id)
        yield
        enter(before)


def current() -> UUID | None:
    """The agency that this transaction sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('underone.agency', true), '')::uuid")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def every_agency_id() -> list[UUID]:
    """The ids of all agencies that are open and nothing else of them, for clock-driven jobs that then enter each one."""
    return _ids("SELECT every_agency_id()")


def every_closed_agency_id() -> list[UUID]:
    """The ids of all agencies that were closed and are not erased yet."""
    return _ids("SELECT every_closed_agency_id()")


def _ids(question: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return [row[0] for row in cursor.fetchall()]


def bearer(request: Request) -> Bearer:
    """Who sent the request."""
    return cast("Bearer", request.auth)


def agency_of(request: Request) -> Agency:
    """The agency for which the request is sent."""
    return bearer(request).agency


def accounts_of(request: Request) -> SellerAccountQuerySet:
    """The accounts that the bearer of the request may see."""
    return SellerAccount.objects.present().filter(agency_id=bearer(request).agency_id)


def account_of(request: Request, public_id: str) -> SellerAccount:
    """The account with this public id. Raises NotFound for a stranger's account as for none at all."""
    account = accounts_of(request).filter(pk=identifiers.private("acct", public_id)).first()
    if account is None:
        raise NotFound("No account with this id.")
    return account
