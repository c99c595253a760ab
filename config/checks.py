"""What `manage.py check --database default` says when the installation contradicts itself."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.utils.module_loading import import_string

BOUND = """
SELECT rolsuper OR rolbypassrls, EXISTS (
    SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user AND tablename LIKE 'accounts%%')
FROM pg_roles WHERE rolname = current_user
"""


@register(Tags.database)
def the_wall_binds_us(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Web and workers must be a role that row-level security binds: no superuser, no BYPASSRLS, not the tables' owner."""
    found: list[CheckMessage] = []
    for name in databases or ():
        with connections[name].cursor() as cursor:
            cursor.execute(BOUND)
            above, owner = cursor.fetchone()
        if above or owner:
            found.append(
                Error(
                    "DATABASE_URL names a role that row-level security does not bind.",
                    hint="Give web, worker and beat the application's role, and the owner's to `manage.py migrate` alone.",
                    id="underone.E001",
                )
            )
    return found


@register(Tags.database)
def every_secret_opens(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A key that is in use and not in SECRETS_KEYS makes deliveries fail, at some time, one by one: better to know now."""
    if "default" not in (databases or ()):
        return []
    missing = import_string("config.encrypted_tables.missing_key_ids")  # checks are there before the models are
    hint = "Name it behind the others in SECRETS_KEYS; `manage.py rotate_secrets` makes it superfluous."
    return [
        Error(f"Secrets are sealed with key {key_id}, which SECRETS_KEYS does not have.", hint=hint, id="underone.E002")
        for key_id in missing()
    ]


@register()
def mail_has_a_sender(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Mail servers refuse, or bin, what comes from nowhere."""
    if settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL == settings.NOWHERE:
        hint = "Set EMAIL_FROM to a mailbox that the server of EMAIL_URL may send for."
        return [checks.Warning("E-mail is sent by a server, and from nowhere.", hint=hint, id="underone.W001")]
    return []


@register()
def processes_share_a_store(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """RabbitMQ counts nothing: without a store beside it no request is limited."""
    if not settings.CACHE_URL:
        hint = "Set CACHE_URL to a Valkey or Redis server: redis://:password@host:6379/0."
        return [
            Error(
                "Requests are counted nowhere: BROKER_URL is RabbitMQ's, and there is no CACHE_URL.",
                hint=hint,
                id="underone.E003",
            )
        ]
    return []
