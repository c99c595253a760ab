"""List the environment variables of the product, and find those that are misspelt. Pure.

docker/env.example explains them.
"""

from collections.abc import Iterable

NAMES = frozenset(
    {
        "UNDERONE_HOME",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "SECRETS_KEYS",
        "DEBUG",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "DATABASE_BACKUP_URL",
        "DATABASE_CONNECTION_SECONDS",
        "STATIC_ROOT",
        "HTTPS",
        "PEOPLE_URL",
        "SIGN_UP",
        "STAFF_ADMIN",
        "DOCUMENTS_URL",
        "UPLOAD_FOLDER",
        "REPORT_MAX_BYTES",
        "REPORT_MAX_CPU_SECONDS",
        "REPORTS_AT_ONCE",
        "REPORTS_MAX_WAITING",
        "DOCUMENTS_MAX_BYTES",
        "DISK_RESERVE_BYTES",
        "MARKETPLACE_ZONES",
        "ORDERS_MAX_AGE_HOURS",
        "SHIPMENTS_MAX_AGE_HOURS",
        "MESSAGES_MAX_AGE_HOURS",
        "RETURNS_MAX_AGE_HOURS",
        "REPORTED_MAX_AGE_HOURS",
        "CLOSED_AGENCY_DAYS",
        "DELETED_ACCOUNT_DAYS",
        "SP_API_RETENTION_MONTHS",
        "WEBHOOK_ALLOWED_NETWORKS",
        "WEBHOOK_CA_FILE",
        "WEBHOOK_COURIERS",
        "DELIVERIES_KEPT_DAYS",
        "SECURITY_CONTACT",
        "EMAIL_URL",
        "EMAIL_FROM",
        "PUBLIC_URL",
        "MAIL_LIMIT_MAILBOX",
        "MAIL_LIMIT_AGENCY",
        "MAIL_LOCAL_DOMAINS",
        "BROKER_URL",
        "CACHE_URL",
        "RATE_LIMIT_BEARER",
        "RATE_LIMIT_AGENCY",
        "RATE_LIMIT_FAILURES",
        "TRUSTED_PROXIES",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "METRICS_TOKEN",
        "SENTRY_DSN",
        "SENTRY_ENVIRONMENT",
        "SENTRY_TRACES_SAMPLE_RATE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SERVICE_NAME",
        "PORT",
        "WEB_WORKERS",
        "WEB_THREADS",
        "WORKER_PROCESSES",
        "POSTGRES_PASSWORD",
        "OWNER_PASSWORD",
        "APPLICATION_PASSWORD",
        "BACKUP_PASSWORD",
        "BROKER_PASSWORD",
    }
)

PASSWORDS = frozenset(
    {"POSTGRES_PASSWORD", "OWNER_PASSWORD", "APPLICATION_PASSWORD", "BACKUP_PASSWORD", "BROKER_PASSWORD"}
)
"""Variables of docker/compose.yaml alone."""
OF_AMAZON = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CA_BUNDLE",
    }
)
"""Variables that boto3 reads, if DOCUMENTS_URL is set."""


def misspelling(names: Iterable[str]) -> str | None:
    """Return a message about the first name that is one letter from a variable of the product, or None.

    Other programs have variables too, so names that are like none of ours are not looked at.
    """
    for name in sorted(set(names) - NAMES):
        for known in sorted(NAMES):
            if is_one_letter_off(name, known):
                return (
                    f"{name} is not a variable of Underone. Did you mean {known}? Rename or remove it; "
                    "docker/env.example lists all variables."
                )
    return None


def is_one_letter_off(text: str, other: str) -> bool:
    """Return whether one letter is added, missing, replaced, or swapped with the next."""
    shorter, longer = sorted((text, other), key=len)
    if len(longer) - len(shorter) > 1 or text == other:
        return False
    # Where both begin to differ.
    at = next((n for n, letter in enumerate(shorter) if letter != longer[n]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[at:] == longer[at + 1 :]
    is_swapped = shorter[at : at + 2] == longer[at : at + 2][::-1] and shorter[at + 2 :] == longer[at + 2 :]
    return is_swapped or shorter[at + 1 :] == longer[at + 1 :]
