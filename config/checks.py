"""Check for `manage.py check --database default` that the settings fit the installation."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.storage import default_storage
from django.db import DatabaseError, connections
from django.utils.module_loading import import_string

from config import pooling
from config.documents import marker

NO_MAIL_SERVER = "accounts.people.mail.NoMailServer"
MAIL_HINT = "Set EMAIL_URL to your mail server: smtp+tls://user:password@host:587."
ROLE = """
SELECT rolsuper OR rolbypassrls, EXISTS (
    SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user AND tablename LIKE 'accounts%%')
FROM pg_roles WHERE rolname = current_user
"""
INACCESSIBLE = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s) AND NOT (
    has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
    AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
ORDER BY relname
"""


@register(Tags.database)
def check_row_level_security(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error if DATABASE_URL's role is a superuser, has BYPASSRLS or owns the tables."""
    errors: list[CheckMessage] = []
    for name in databases or ():
        with connections[name].cursor() as cursor:
            cursor.execute(ROLE)
            bypasses, owns_tables = cursor.fetchone()
        if bypasses or owns_tables:
            errors.append(
                Error(
                    "The role in DATABASE_URL is not bound by row-level security.",
                    hint=(
                        "Use the application role for all processes, and the owner role for `manage.py "
                        "migrate` only."
                    ),
                    id="underone.E001",
                )
            )
    return errors


@register(Tags.database)
def check_table_privileges(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error if DATABASE_URL's role cannot read and write every table.

    Without the check, processes start, and every request fails.
    """
    return [
        Error(
            f"The role in DATABASE_URL cannot read and write {len(tables)} tables. The first: {tables[0]}.",
            hint=(
                "Grant the rights of docker/roles.sh. They apply to new tables only, so also run, in the "
                "database and as the owner of its tables: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN "
                "SCHEMA public TO underone_app; GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "
                "underone_app;"
            ),
            id="underone.E007",
        )
        for tables in map(_inaccessible_tables, databases or ())
        if tables
    ]


def _inaccessible_tables(database: str) -> list[str]:
    """Return the existing tables of the product that the role cannot read and write."""
    with connections[database].cursor() as cursor:
        cursor.execute(INACCESSIBLE, [connections[database].introspection.django_table_names()])
        return [name for (name,) in cursor.fetchall()]


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error for each key that encrypts stored secrets and is missing or wrong in SECRETS_KEYS.

    Without the check, deliveries would fail later, one by one.
    """
    # Tables that cannot be read are the error of check_table_privileges.
    if "default" not in (databases or ()) or _inaccessible_tables("default"):
        return []
    # Checks are registered before the models are loaded, so this module cannot import them.
    missing = import_string("config.encrypted_tables.missing_key_ids")
    hint = "Add the key at the end of SECRETS_KEYS. After `manage.py rotate_secrets` you can remove it."
    absent = [
        Error(
            f"Stored secrets are encrypted with key {key_id}, which is missing in SECRETS_KEYS.",
            hint=hint,
            id="underone.E002",
        )
        for key_id in missing()
    ]
    return [*absent, *_wrong_keys()]


def _wrong_keys() -> list[Error]:
    wrong = import_string("config.encryption.keys.wrong_key_ids")()
    describe = import_string("config.encryption.keys.describe_wrong")
    hint = "Set SECRETS_KEYS to the keys with which this database, or its backup, was written."
    return [Error(f"SECRETS_KEYS: {describe(key_id)}.", hint=hint, id="underone.E004") for key_id in wrong]


@register()
def check_mail_sender(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return a warning if e-mail has no sender, because mail servers reject it or treat it as spam."""
    if settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL == settings.DEFAULT_SENDER:
        hint = "Set EMAIL_FROM to an address for which the server of EMAIL_URL may send."
        return [checks.Warning("EMAIL_URL is set, but EMAIL_FROM is not.", hint=hint, id="underone.W001")]
    return []


@register()
def check_sign_up(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return an error if sign-up is on and no e-mail can be sent."""
    if settings.SIGN_UP and settings.MAIL_SERVER["backend"] == NO_MAIL_SERVER:
        message = "SIGN_UP is on and EMAIL_URL is not set, so nobody can sign up."
        return [Error(message, hint=MAIL_HINT, id="underone.E010")]
    return []


# With `check --deploy`, and not with every command.
@register(deploy=True)
def check_mail_server(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return a warning if no e-mail can be sent."""
    if settings.MAIL_SERVER["backend"] == NO_MAIL_SERVER:
        message = (
            "EMAIL_URL is not set: invitations, sign-in codes, password resets and notifications are refused."
        )
        return [checks.Warning(message, hint=MAIL_HINT, id="underone.W010")]
    return []


@register()
def check_public_url(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return a warning if e-mails cannot link to this server, because they need a link to unsubscribe."""
    if settings.EMAIL_HOST and not settings.PUBLIC_URL:
        hint = "Set PUBLIC_URL to the URL under which others reach this server, such as https://api.agency.example."
        return [checks.Warning("EMAIL_URL is set, but PUBLIC_URL is not.", hint=hint, id="underone.W002")]
    return []


@register()
def check_rate_limit_store(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return an error if there is no store for rate limits, because RabbitMQ cannot count."""
    if not settings.CACHE_URL:
        hint = "Set CACHE_URL to a Valkey or Redis server: redis://:password@host:6379/0."
        return [
            Error(
                "BROKER_URL is RabbitMQ and CACHE_URL is not set, so rate limits cannot be counted.",
                hint=hint,
                id="underone.E003",
            )
        ]
    return []


@register(Tags.database)
def check_pooler(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error if a pooler in front of the database cannot be worked with."""
    problem = pooling.find_problem() if "default" in (databases or ()) else ""
    return [Error(problem, id="underone.E005")] if problem else []


@register(Tags.database)
def check_document_storage(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error if the storage of documents is not that of this installation, or cannot be reached."""
    if "default" not in (databases or ()):
        return []
    try:
        problem = marker.claim(default_storage)
    except OSError as error:
        problem = f"{marker.place(default_storage)} cannot be used as the storage of documents: {error}"
    except DatabaseError:
        # A check may run before the migration that creates the table.
        problem = ""
    return [Error(problem, id="underone.E006")] if problem else []


@register()
def check_metrics_token(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return a warning if nobody can read metrics, because HTTPS closes them without a token."""
    if settings.HTTPS and not settings.METRICS_TOKEN:
        hint = "Set METRICS_TOKEN to a long random text, and give it to Prometheus: openssl rand -hex 32."
        return [
            checks.Warning(
                "HTTPS is on and METRICS_TOKEN is not set, so /metrics answers 401.",
                hint=hint,
                id="underone.W003",
            )
        ]
    return []
