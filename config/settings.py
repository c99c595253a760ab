"""Define all settings. Those that differ between installations come from the environment (config/env.py)."""

from pathlib import Path

from accounts.marketplaces import CODES
from config import api_texts, broker, document_url, env, sign_in
from config.observability import logs

# Before anything is read: a misspelt name explains why another one is missing.
env.check_names()

DEFAULT_SENDER = "Underone <underone@localhost>"
BASE_DIR = Path(__file__).resolve().parent.parent
UNDERONE_HOME = env.folder("UNDERONE_HOME", default=BASE_DIR / ".underone")

# The web server and its keys
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
SECRETS_KEYS = env.keys("SECRETS_KEYS")
DEBUG = env.boolean("DEBUG", default=False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# Only `Accept-Language` decides, as `Vary` states.
LANGUAGE_COOKIE_NAME = None
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
APPEND_SLASH = False

# PostgreSQL. Web processes and workers connect as a role that is subject to row-level security. `manage.py
# migrate` uses the owner's URL.
DATABASES = {
    "default": env.database("DATABASE_URL")
    | {
        # One transaction a request: the tenant context and an idempotency record last as long as its writes.
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": env.integer("DATABASE_CONNECTION_SECONDS", default=60),
        # A connection that the server has closed is replaced before a request uses it.
        "CONN_HEALTH_CHECKS": True,
        # Behind a pooler of transactions, a cursor would outlive its connection.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    # Without autodiscovery: config/staff/site.py registers what staff may see.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "config",
    "accounts",
    "webhooks",
    "metrics",
    "ingestion",
]
MIDDLEWARE = [
    # The outermost first. Every response gets an ID and a line in the log, those of the other middleware too.
    "api.problems.RequestIdMiddleware",
    "config.observability.request_log.RequestLogMiddleware",
    # Outside of what may answer by itself: web pages must be able to read refusals as well.
    "config.web.cors.AgencyCorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.web.content_security_policy.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # ETags describe the bytes before compression, so they are set and compared further in.
    "api.compression.CompressionMiddleware",
    "config.web.response_headers.ResponseHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
# Where the image collects static files. Without it they are served from their packages.
STATIC_ROOT = env.text("STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

# HTTPS, ended by a proxy that sets X-Forwarded-Proto. Only the pages of /staff/ use cookies.
HTTPS = env.boolean("HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Load balancers and scrapers request these from behind the proxy, over http.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_NAME = "underone_staff"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/staff/"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"

# Users sign in through allauth's headless API. Its own paths are not routed.
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = sign_in.PASSWORD_VALIDATORS
PASSWORD_RESET_TIMEOUT = 3600
SESSION_ENGINE = "accounts.people.session_store"
SESSION_COOKIE_AGE = 14 * 86400
PEOPLE_URL = env.origin("PEOPLE_URL")
SIGN_UP = env.boolean("SIGN_UP", default=False)
STAFF_ADMIN = env.boolean("STAFF_ADMIN", default=False)
ACCOUNT_ADAPTER = "accounts.people.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Sign-up itself verifies the e-mail address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
# Seconds that a sign-in waits for its next step.
ACCOUNT_LOGIN_TIMEOUT = 900
ACCOUNT_RATE_LIMITS = sign_in.LIMITS
MFA_ADAPTER = "accounts.people.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Underone"
# One step of thirty seconds before and after, for clocks that are wrong.
MFA_TOTP_TOLERANCE = 1
# The views require a recent sign-in themselves, also of users without a password (sessions.RECENT).
MFA_REAUTHENTICATION_REQUIRED = False
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "accounts.people.sessions.SignedTokens"  # noqa: S105  a class
# Required by allauth. The product's e-mails have links of their own.
HEADLESS_FRONTEND_URLS = {"account_signup": "/"}

# Documents and uploads
MEDIA_ROOT = UNDERONE_HOME / "documents"
STORAGES = {
    "default": document_url.storage(env.text("DOCUMENTS_URL", default="")),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_TEMP_DIR = env.folder("UPLOAD_FOLDER", default=UNDERONE_HOME / "uploads")
FILE_UPLOAD_HANDLERS = ["ingestion.api.uploads.DocumentUploadHandler"]
REPORT_MAX_BYTES = env.integer("REPORT_MAX_BYTES", default=1024**3, least=1)
# At or above CELERY_TASK_SOFT_TIME_LIMIT it has no effect: that limit of elapsed time ends the task first.
REPORT_MAX_CPU_SECONDS = env.integer("REPORT_MAX_CPU_SECONDS", default=600, least=1)
DEFECTS_MAX_ROWS = 10_000
# Of all lists together. An order counts as one row for each of its items.
FACTS_MAX_ROWS = 10_000
# Of one agency.
REPORTS_MAX_WAITING = env.integer("REPORTS_MAX_WAITING", default=1000, least=1)
DOCUMENTS_MAX_BYTES = env.integer("DOCUMENTS_MAX_BYTES", default=100 * 1024**3, least=1)
# Uploads are refused before the disk is full, so that PostgreSQL can still write.
DISK_RESERVE_BYTES = env.integer("DISK_RESERVE_BYTES", default=1024**3)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024**2

# Metrics
MARKETPLACE_ZONES = env.zones("MARKETPLACE_ZONES", places=CODES)
SOURCES_MAX_AGE_HOURS = {
    "orders": env.integer("ORDERS_MAX_AGE_HOURS", default=72, least=1),
    "shipments": env.integer("SHIPMENTS_MAX_AGE_HOURS", default=72, least=1),
    "messages": env.integer("MESSAGES_MAX_AGE_HOURS", default=72, least=1),
    "returns": env.integer("RETURNS_MAX_AGE_HOURS", default=168, least=1),
    "reported": env.integer("REPORTED_MAX_AGE_HOURS", default=72, least=1),
}

# Retention
CLOSED_AGENCY_DAYS = env.integer("CLOSED_AGENCY_DAYS", default=7, least=1)
DELETED_ACCOUNT_DAYS = env.integer("DELETED_ACCOUNT_DAYS", default=7)
# Amazon's Data Protection Policy: data at most 18 months, logs about it at least 12.
SP_API_RETENTION_MONTHS = env.integer("SP_API_RETENTION_MONTHS", default=18, least=13, most=18)

# Webhooks
WEBHOOK_ALLOWED_NETWORKS = env.networks("WEBHOOK_ALLOWED_NETWORKS")
WEBHOOK_CA_FILE = env.certificates("WEBHOOK_CA_FILE")
WEBHOOK_COURIERS = env.integer("WEBHOOK_COURIERS", default=1, least=1)
# Recovery goes back at most 30 days. It must find what was delivered, or it would send that again.
DELIVERIES_KEPT_DAYS = env.integer("DELIVERIES_KEPT_DAYS", default=90, least=31)

# The contact for vulnerabilities in /.well-known/security.txt
SECURITY_CONTACT = env.contact("SECURITY_CONTACT")

# Browsers: agencies choose the allowed origins (config/web/cors.py). There are no cookies, and so no CORS
# credentials.
CORS_URLS_REGEX = r"/(v1/|docs$)"
CORS_ALLOW_HEADERS = (
    *(
        "accept",
        "accept-language",
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
    ),
    *("x-request-id", "x-session-token", "underone-agency"),
)
CORS_EXPOSE_HEADERS = (
    *(
        "X-Request-Id",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "ETag",
        "Link",
        "Location",
        "Content-Disposition",
    ),
    *("Deprecation", "Sunset", "Idempotency-Replayed", "Content-Language"),
)
CORS_PREFLIGHT_MAX_AGE = 600

# The API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # Sessions first: ApiKeyAuthentication refuses every token that is no key, a session's as well.
        "accounts.people.authentication.MemberAuthentication",
        "accounts.api_keys.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.tenancy.permissions.HasPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.negotiation.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.Negotiation",
    "DEFAULT_METADATA_CLASS": "api.negotiation.EmptyMetadata",
    "DEFAULT_PAGINATION_CLASS": "api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "accounts.requests.openapi.Operation",
    "EXCEPTION_HANDLER": "api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
API_ENUMERATIONS = api_texts.ENUMERATIONS
API_FIELDS, API_PARAMETERS = api_texts.FIELDS, api_texts.PARAMETERS
API_FIELD_EXAMPLES, API_FIELD_LENGTHS = api_texts.EXAMPLES, api_texts.LENGTHS
SPECTACULAR_SETTINGS = {
    "TITLE": "Underone",
    "VERSION": "1",
    "CONTACT": {"name": "The maintainers of Underone"},
    "SERVERS": [
        {
            "url": "/",
            "description": "The local, staging or production server of this document.",
            "x-internal": False,
        }
    ],
    "DESCRIPTION": api_texts.DESCRIPTION,
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": api_texts.ENUM_NAMES,
    "ENUM_SUFFIX": "",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        # The order matters: lengths by name come before the bounds for all other texts, and what several
        # responses share is moved out once they are complete.
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webhooks.events.openapi.add_webhooks",
        "api.openapi.enums.share",
        "api.openapi.descriptions.describe",
        "api.openapi.bounds.bound",
        "api.openapi.links.link",
        "api.openapi.headers.head",
        "api.openapi.headers.share",
        "api.openapi.headers.complete",
    ],
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# E-mail
MAIL_SERVER = env.mail("EMAIL_URL", debug=DEBUG)
EMAIL_BACKEND = MAIL_SERVER["backend"]
EMAIL_HOST, EMAIL_PORT = MAIL_SERVER["host"], MAIL_SERVER["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER["user"], MAIL_SERVER["password"]
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_SERVER["use_tls"], MAIL_SERVER["use_ssl"]
EMAIL_FILE_PATH = MAIL_SERVER["folder"]
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.mailbox("EMAIL_FROM", default=DEFAULT_SENDER)
# Links in e-mails to pages of this server, and `List-Unsubscribe`
PUBLIC_URL = env.origin("PUBLIC_URL")
MAIL_LIMIT_MAILBOX = env.limit("MAIL_LIMIT_MAILBOX", default="20/hour")
MAIL_LIMIT_AGENCY = env.limit("MAIL_LIMIT_AGENCY", default="500/hour")
MAIL_LOCAL_DOMAINS = [word.lower() for word in env.words("MAIL_LOCAL_DOMAINS")]

# Celery: messages are hints, the database is the source of truth
CELERY_BROKER_URL = env.broker("BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(CELERY_BROKER_URL)
# `celery` has the jobs, some of which last for hours. A worker without `--queues` reads all queues.
CELERY_TASK_QUEUES = broker.queues(CELERY_BROKER_URL, "celery", "reports", "short", "webhooks")
CELERY_TASK_ROUTES = {
    "webhooks.delivery.tasks.deliver": {"queue": "webhooks"},
    "ingestion.tasks.load_report": {"queue": "reports"},
    # They end within seconds, and somebody waits for them.
    "accounts.people.tasks.send_mail": {"queue": "short"},
    "ingestion.tasks.wake_worker": {"queue": "short"},
    "ingestion.exports.tasks.resume_exports": {"queue": "short"},
}
# Acknowledged after the task: the message of a killed worker is delivered again.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
# JSON only: reading a pickled message would run the code in it.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
# A worker with a long task must not hold messages that others could work on.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
# After a lost connection the broker gives unacknowledged messages to others: running tasks would run twice.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# LOGGING applies to workers too (config/observability/task_signals.py).
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# The cache that all processes share, for rate limits
CACHE_URL = env.store("CACHE_URL", broker=CELERY_BROKER_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "underone",
        # Seconds. Sign-in refuses attempts that it cannot count, and should do so soon.
        "OPTIONS": {
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "serializer": "config.web.json_cache.JsonSerializer",
        },
    }
    if CACHE_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
RATE_LIMIT_BEARER = env.limit("RATE_LIMIT_BEARER", default="6000/minute")
RATE_LIMIT_AGENCY = env.limit("RATE_LIMIT_AGENCY", default="30000/minute")
RATE_LIMIT_FAILURES = env.limit("RATE_LIMIT_FAILURES", default="300/minute")
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", default=0)

# Observability
LOG_FORMATS = ("AUTO", "JSON", "CONSOLE")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = logs.configuration(
    shape=env.one_of("LOG_FORMAT", choices=LOG_FORMATS, default="AUTO"),
    level=env.one_of("LOG_LEVEL", choices=LOG_LEVELS, default="INFO"),
)
METRICS_TOKEN = env.text("METRICS_TOKEN", default="")
SENTRY_DSN = env.address("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.text("SENTRY_ENVIRONMENT", default="production")
SENTRY_TRACES_SAMPLE_RATE = env.fraction("SENTRY_TRACES_SAMPLE_RATE", default="0")
OTEL_EXPORTER_OTLP_ENDPOINT = env.address("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", default="underone")

# The web server (config/web/gunicorn_settings.py)
WEB_WORKERS = env.integer("WEB_WORKERS", default=2, least=1)
WEB_THREADS = env.integer("WEB_THREADS", default=4, least=2)

# Workers
WORKER_PROCESSES = env.integer("WORKER_PROCESSES", default=3, least=1)
# One process stays free for the reports of others.
REPORTS_AT_ONCE = env.integer("REPORTS_AT_ONCE", default=max(WORKER_PROCESSES - 1, 1), least=1)
