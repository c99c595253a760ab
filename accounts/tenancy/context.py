"""The tenant wall, one door: the only way from a request or a task to an agency's rows.

The agency is set for one transaction (`SET LOCAL`): a setting of the session would leak to the next user of a pooled
connection. Row-level security then shows that agency's rows and no others; without it, none. So are the accounts that a
limited bearer sees.
"""

from collections.abc import Collection, Iterable, Iterator
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

DIGITS = "0123456789abcdef"
SETTINGS = ("agency", "accounts", *(f"accounts_{digit}" for digit in DIGITS))

Row = TypeVar("Row", bound=Model)


def enter(agency_id: UUID | None, *, accounts: Collection[UUID] | None = None) -> None:
    """Let the rest of this transaction see one agency, or none; of what belongs to accounts, these alone or all (None)."""
    set_local(agency=str(agency_id or ""), **_account_limit(accounts))


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
        before = _settings()
        enter(agency_id, accounts=accounts)
        yield
        set_local(**before)


def _settings() -> dict[str, str]:
    """Return what this transaction sees, for `set_local` to restore."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('underone.{name}', true)" for name in SETTINGS))
        return {name: value or "" for name, value in zip(SETTINGS, cursor.fetchone(), strict=True)}


def _account_limit(accounts: Collection[UUID] | None) -> dict[str, str]:
    """Return the settings of a limit to these accounts: each account's id is in the list of its last digit.

    A policy looks into one list only, which is a sixteenth of all ids.
    """
    if accounts is None:
        return {"accounts": ""}
    ids = [str(each) for each in accounts]
    return {"accounts": "some"} | {f"accounts_{digit}": " ".join(each for each in ids if each[-1] == digit) for digit in DIGITS}


def set_local(**settings: str) -> None:
    """Set `underone.<name>` for the rest of this transaction, in one statement.

    With literals and never with set_config: a distributed database hands only the utility statement on to its workers.
    """
    statement = sql.SQL("; ").join(
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier("underone", name), sql.Literal(value))
        for name, value in settings.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string())


def array(ids: Iterable[UUID]) -> str:
    """Return ids as PostgreSQL writes an array."""
    return f"{{{','.join(map(str, ids))}}}"


def current() -> UUID | None:
    """The agency that this transaction sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('underone.agency', true), '')::uuid")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def every_agency_id() -> list[UUID]:
    """The ids of all agencies that are open and nothing else of them, for clock-driven jobs that then enter each one."""
    return _ids("SELECT open_agency_ids()")


def every_closed_agency_id() -> list[UUID]:
    """The ids of all agencies that were closed and are not erased yet."""
    return _ids("SELECT closed_agency_ids()")


def _ids(question: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return [row[0] for row in cursor.fetchall()]


def some_agency_allows_origin(origin: str) -> bool:
    """Whether web pages of this origin may ask at all, and nothing of which agency says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin_is_allowed(%s)", [origin])
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
