"""The tenant wall, one door: the only way from a request or a task to an agency's rows.

The agency is set for one transaction (`SET LOCAL`): a setting of the session would leak to the next user of a pooled
connection. Row-level security then shows that agency's rows and no others; without it, none. So are the accounts that a
limited bearer sees.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from psycopg import sql
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.models import Agency, SellerAccount, SellerAccountQuerySet
from accounts.tenancy.principals import Bearer
from api import identifiers

Row = TypeVar("Row", bound=Model)


def enter(agency_id: UUID | None, *, accounts: Collection[UUID] | None = None) -> None:
    """Let the rest of this transaction see one agency, or none; of what belongs to accounts, these alone or all (None)."""
    _set(agency=str(agency_id or ""), accounts="" if accounts is None else f"{{{','.join(map(str, accounts))}}}")


@contextmanager
def agency(agency_id: UUID) -> Iterator[None]:
    """A transaction that sees one agency, all of it: for what is done for the agency, whoever asked. Nested, what was seen
    before is back afterwards."""
    with _scope(agency_id, None):
        yield


@contextmanager
def of(request: Request) -> Iterator[None]:
    """A transaction that sees what the bearer of the request may see: the one way for a view to open a transaction."""
    who = bearer(request)
    with _scope(who.agency_id, who.accounts):
        yield


@contextmanager
def _scope(agency_id: UUID, accounts: Collection[UUID] | None) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('underone.agency', true), current_setting('underone.accounts', true)")
            before = cursor.fetchone()
        enter(agency_id, accounts=accounts)
        yield
        _set(agency=before[0] or "", accounts=before[1] or "")


def _set(*, agency: str, accounts: str) -> None:
    # Literals, not parameters: Citus hands only the utility statement on to its workers.
    statement = sql.SQL("SET LOCAL underone.agency = {}; SET LOCAL underone.accounts = {}")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(sql.Literal(agency), sql.Literal(accounts)).as_string())


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


def some_agency_allows_origin(origin: str) -> bool:
    """Whether web pages of this origin may ask at all, and nothing of which agency says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT some_agency_allows_origin(%s)", [origin])
        return bool(cursor.fetchone()[0])


def bearer(request: Request) -> Bearer:
    """Who sent the request."""
    return cast("Bearer", request.auth)


def agency_of(request: Request) -> Agency:
    """The agency for which the request is sent."""
    return bearer(request).agency


def accounts_of(request: Request) -> SellerAccountQuerySet:
    """The accounts that the bearer of the request may see."""
    who = bearer(request)
    mine = SellerAccount.objects.present().filter(agency_id=who.agency_id)
    return mine if who.accounts is None else mine.filter(pk__in=who.accounts)


def account_of(request: Request, public_id: str) -> SellerAccount:
    """The account with this public id. Raises NotFound for a stranger's account as for none at all."""
    return one(accounts_of(request), kind="acct", public_id=public_id, called="account")


def one(rows: QuerySet[Row], *, kind: str, public_id: str, called: str) -> Row:
    """The row with this public id among those that the bearer may see. Raises NotFound, the same for a stranger's as for none."""
    row = rows.filter(pk=identifiers.private(kind, public_id)).first()
    if row is None:
        raise NotFound(f"No {called} with this id.")
    return row
