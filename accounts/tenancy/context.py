"""Set the tenant context: the agency and the accounts whose rows a transaction can read and write.

Row-level security shows only the rows of that agency, and no rows without a context. The settings last for
one transaction (`SET LOCAL`), because settings of a session would leak to the next user of a pooled
connection.
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
from accounts.tenancy.principals import Principal
from api import identifiers

DIGITS = "0123456789abcdef"
ACCOUNT_LISTS = tuple(f"accounts_{digit}" for digit in DIGITS)

Row = TypeVar("Row", bound=Model)


def set_agency(agency_id: UUID | None, *, accounts: Collection[UUID] | None = None) -> None:
    """Set the tenant context for the rest of this transaction.

    `accounts` limits it to some accounts. None means no limit.
    """
    set_local(agency=str(agency_id or ""), **_account_limit(accounts))


@contextmanager
def agency(agency_id: UUID) -> Iterator[None]:
    """Open a transaction in the tenant context of a whole agency, for work outside requests.

    Inside another transaction, it opens a savepoint and restores the outer context afterwards.
    """
    with _scope(agency_id, None):
        yield


@contextmanager
def for_request(request: Request) -> Iterator[None]:
    """Open a transaction in the tenant context of the request's principal.

    Views use no other way to open a transaction.
    """
    caller = principal(request)
    with _scope(caller.agency_id, caller.accounts):
        yield


@contextmanager
def _scope(agency_id: UUID, accounts: Collection[UUID] | None) -> Iterator[None]:
    # The settings end with the transaction, but not with a savepoint that is released.
    outer = _settings() if connection.in_atomic_block else {}
    with transaction.atomic():
        set_agency(agency_id, accounts=accounts)
        yield
        if outer:
            set_local(**outer)


def _settings() -> dict[str, str]:
    """Return the tenant context of this transaction, for `set_local` to restore."""
    settings = _read("agency", "accounts")
    return settings | _read(*ACCOUNT_LISTS) if settings["accounts"] else settings


def _read(*names: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('underone.{name}', true)" for name in names))
        return {name: value or "" for name, value in zip(names, cursor.fetchone(), strict=True)}


def _account_limit(accounts: Collection[UUID] | None) -> dict[str, str]:
    """Return the settings for an account limit. Each account's ID is in the list of its last digit.

    A policy searches only one list, which contains a sixteenth of all IDs.
    """
    # The sixteen lists may keep old values: policies read them only while `accounts` is not empty.
    if accounts is None:
        return {"accounts": ""}
    ids = [str(each) for each in accounts]
    return {"accounts": "some"} | {
        f"accounts_{digit}": " ".join(each for each in ids if each[-1] == digit) for digit in DIGITS
    }


def set_local(**settings: str) -> None:
    """Set `underone.<name>` for the rest of this transaction, in one statement."""
    # SET LOCAL with literals instead of set_config, because a distributed database passes only utility
    # statements on to its workers.
    statement = sql.SQL("; ").join(
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier("underone", name), sql.Literal(value))
        for name, value in settings.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string())


def array(ids: Iterable[UUID]) -> str:
    """Return the IDs as the text of a PostgreSQL array."""
    return f"{{{','.join(map(str, ids))}}}"


def current_agency_id() -> UUID | None:
    """Return the agency of this transaction's tenant context, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('underone.agency', true), '')::uuid")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def open_agency_ids() -> list[UUID]:
    """Return the IDs of all open agencies, for scheduled jobs that then set the context of each.

    Needs no context.
    """
    return _ids("SELECT open_agency_ids()")


def closed_agency_ids() -> list[UUID]:
    """Return the IDs of all agencies that are closed and not erased yet. Needs no context."""
    return _ids("SELECT closed_agency_ids()")


def _ids(statement: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def origin_is_allowed(origin: str) -> bool:
    """Return whether any agency allows web pages of this origin. Needs no context."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin_is_allowed(%s)", [origin])
        return bool(cursor.fetchone()[0])


def principal(request: Request) -> Principal:
    """Return the caller of a request."""
    return cast("Principal", request.auth)


def agency_of(request: Request) -> Agency:
    """Return the agency of a request's principal."""
    return principal(request).agency


def visible_accounts(request: Request) -> SellerAccountQuerySet:
    """Return the accounts that a request's principal can see.

    This is the Python side of account limits. The database enforces them with the policy `account_limit`
    (row_level_security.limit_to_accounts), whatever a view selects.
    """
    return stored_accounts(request).present()


def stored_accounts(request: Request) -> SellerAccountQuerySet:
    """Return the accounts that a request's principal can see, and those of them that are deleted and not
    erased."""
    caller = principal(request)
    accounts = SellerAccount.objects.filter(agency_id=caller.agency_id)
    return accounts if caller.accounts is None else accounts.filter(pk__in=caller.accounts)


def visible_account(request: Request, public_id: str) -> SellerAccount:
    """Return the account with this ID. Raises NotFound, also for an account that the principal cannot see."""
    return get_or_404(visible_accounts(request), kind="acct", public_id=public_id, name="account")


def get_or_404(rows: QuerySet[Row], *, kind: str, public_id: str, name: str) -> Row:
    """Return the row with this public ID. `name` is the kind of object in the message. Raises NotFound."""
    row = rows.filter(pk=identifiers.private(kind, public_id)).first()
    if row is None:
        raise NotFound(f"No {name} has this ID.")
    return row
