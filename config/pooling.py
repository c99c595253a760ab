"""Find out whether the server at DATABASE_URL, or the pooler in front of it, can be worked with.

Transactions must stay on one connection, and their settings must end with them. PgBouncer with `pool_mode =
transaction` or `session` does both, with `pool_mode = statement` neither. Pgpool and proxies that send reads to
replicas do not either.
"""

import logging
from uuid import uuid4

from django.db import DatabaseError, connection, connections, transaction

SETTING = "underone.agency"
STATEMENTS = "DATABASE_URL is a pooler of statements, and transactions need one connection until they end."
LEAKS = "The pooler at DATABASE_URL shows settings of one transaction in another."
REPLICA = "DATABASE_URL is a replica that cannot be written."
STARTUP = "The pooler at DATABASE_URL refuses the parameters of the connection"
REMEDY = "Use PgBouncer with pool_mode = transaction or session, or connect to PostgreSQL directly."
logger = logging.getLogger(__name__)


class UnusablePooler(SystemExit):
    """Raise when the product cannot work with the database connection."""


def verify_at_start() -> None:
    """Raise UnusablePooler if the connection cannot be worked with. If nobody answers, the process starts."""
    try:
        if problem := find_problem():
            raise UnusablePooler(problem)
    except DatabaseError:
        logger.warning("The database connection could not be examined: the database does not answer")
    finally:
        # Processes are forked after this, and a connection must not be shared.
        connections.close_all()


def find_problem() -> str:
    """Return why the connection cannot be worked with, or an empty text. Raises DatabaseError if nobody
    answers."""
    try:
        return _try_transactions()
    except DatabaseError as error:
        text = str(error).lower()
        if "statement pooling" in text:
            return f"{STATEMENTS} {REMEDY}"
        if "unsupported startup parameter" in text:
            # PgBouncer names the parameter. The message has no password.
            return (
                f"{STARTUP}: {str(error).strip().splitlines()[-1]}. Remove it from the query of DATABASE_URL."
            )
        raise


def _try_transactions() -> str:
    """Run two transactions and compare what they see."""
    value = str(uuid4())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {SETTING} = '{value}'")
        first = _look(cursor)
        second = _look(cursor)
        cursor.execute("SELECT pg_is_in_recovery()")
        is_replica = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        after = _look(cursor)
    if first != second or first[1] != value:
        return f"{STATEMENTS} {REMEDY}"
    if after[1]:
        return f"{LEAKS} {REMEDY}"
    return f"{REPLICA} {REMEDY}" if is_replica else ""


def _look(cursor: object) -> tuple[int, str]:
    """Return the process of the server, and the value of the setting there."""
    cursor.execute(f"SELECT pg_backend_pid(), coalesce(current_setting('{SETTING}', true), '')")  # type: ignore[attr-defined]
    return cursor.fetchone()  # type: ignore[attr-defined,no-any-return]
