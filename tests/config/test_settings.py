"""Test the settings: every variable is explained, and errors are one sentence."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import variables
from tests.config.load_settings import complaint_of

ROOT = Path(settings.BASE_DIR)
NEEDED = {
    "SECRET_KEY": "trial",
    "SECRETS_KEYS": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "DATABASE_URL": "postgresql://user:password@127.0.0.1:1/underone",
    "BROKER_URL": "redis://127.0.0.1:1/0",
}
SHOW = """
import json, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from config import settings
print(json.dumps({name: getattr(settings, name) for name in dir(settings) if name.isupper()}, default=str))
"""


def read_by_settings() -> list[str]:
    """Return the variables that config/settings.py reads, in its order."""
    return re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config" / "settings.py").read_text())


def explained() -> dict[str, str]:
    """Return the variables of docker/env.example in order, each with its comment."""
    comments: list[str] = []
    comments_by_name: dict[str, str] = {}
    for line in (ROOT / "docker" / "env.example").read_text().splitlines():
        if variable := re.match(r"#?([A-Z_]+)=", line):
            comments_by_name[variable[1]] = "\n".join(comments)
        elif line.startswith("#"):
            comments.append(line)
        else:
            comments = []
    return comments_by_name


def load(home: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process with these variables only, and return its output."""
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "UNDERONE_HOME": str(home)} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_variables_read_are_explained_in_same_order() -> None:
    read = read_by_settings()

    assert len(read) > 10
    assert [name for name in explained() if name in read] == read


def test_variables_explained_are_read() -> None:
    others = ("docker/start", "docker/compose.yaml", "config/launcher/product.py")
    used = set(read_by_settings()) | set(
        re.findall(r"[A-Z_]{4,}", "".join((ROOT / file).read_text() for file in others))
    )

    assert [name for name in explained() if name not in used] == []


def test_variables_have_explanations() -> None:
    assert [name for name, comment in explained().items() if len(comment) < 20] == []


def test_environment_is_read_by_config_env_only() -> None:
    looking = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "metrics", "ingestion", "config")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"os\.environ\b(?!\.setdefault)|os\.getenv", path.read_text())
    }

    # prometheus-client reads the name of its folder from the environment. The others pass it on to the processes
    # that they start.
    others = {
        "config/backups/programs.py",
        "config/launcher/restore.py",
        "config/launcher/smoke.py",
        "config/launcher/up.py",
        "config/observability/prometheus_counters.py",
    }
    assert looking == {"config/env.py", *others}


def test_settings_load_with_explained_defaults(
    tmp_path: Path,
) -> None:
    comments = explained()

    answer = load(tmp_path, NEEDED)

    assert (answer.returncode, answer.stderr) == (0, "")
    loaded = json.loads(answer.stdout)
    for name, value in (
        ("DEBUG", loaded["DEBUG"]),
        ("REPORT_MAX_BYTES", loaded["REPORT_MAX_BYTES"]),
        ("REPORT_MAX_CPU_SECONDS", loaded["REPORT_MAX_CPU_SECONDS"]),
        ("ORDERS_MAX_AGE_HOURS", loaded["SOURCES_MAX_AGE_HOURS"]["orders"]),
        ("DATABASE_CONNECTION_SECONDS", loaded["DATABASES"]["default"]["CONN_MAX_AGE"]),
        ("LOG_LEVEL", loaded["LOGGING"]["root"]["level"]),
        ("ALLOWED_HOSTS", ",".join(loaded["ALLOWED_HOSTS"])),
        ("EMAIL_FROM", loaded["DEFAULT_FROM_EMAIL"]),
    ):
        assert comments[name].lower().endswith(f"[{value}]".lower()), name


@pytest.mark.parametrize("name", NEEDED)
def test_missing_variable_is_named_in_one_sentence(tmp_path: Path, name: str) -> None:
    complaint = complaint_of(NEEDED | {"UNDERONE_HOME": str(tmp_path), name: ""})

    assert complaint.startswith(f"{name} is not set. ")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("SECRETS_KEYS", "1:c2hvcnQ="),
        ("DATABASE_URL", "sqlite:///underone.db"),
        ("DATABASE_CONNECTION_SECONDS", "-1"),
        ("REPORT_MAX_BYTES", "0"),
        ("REPORT_MAX_CPU_SECONDS", "0"),
        ("ORDERS_MAX_AGE_HOURS", "three"),
        ("MARKETPLACE_ZONES", "UK=Europe/London"),
        ("WEBHOOK_ALLOWED_NETWORKS", "100.64.0.1/10"),
        ("WEBHOOK_CA_FILE", "/dev/null/none.pem"),
        ("WEBHOOK_COURIERS", "0"),
        ("HTTPS", "perhaps"),
        ("SECURITY_CONTACT", "http://agency.example"),
        ("SECURITY_CONTACT", "security at agency"),
        ("PEOPLE_URL", "app.agency.example"),
        ("PEOPLE_URL", "https://app.agency.example/?page=1"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("SENTRY_DSN", "sentry"),
        ("SENTRY_TRACES_SAMPLE_RATE", "2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("EMAIL_URL", "smtp://user:password@"),
        ("EMAIL_FROM", "nobody"),
        ("UPLOAD_FOLDER", "/dev/null/uploads"),
        ("UNDERONE_HOME", "/dev/null/home"),
    ],
)
def test_invalid_variable_is_named_in_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    complaint = complaint_of(NEEDED | {"UNDERONE_HOME": str(tmp_path), name: value})

    assert complaint.startswith(f"{name} must ")
    assert complaint.count("\n") == 1


def test_invalid_variable_ends_process_without_traceback(tmp_path: Path) -> None:
    environ = NEEDED | {"DEBUG": "maybe"}

    answer = load(tmp_path, environ)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == complaint_of(environ | {"UNDERONE_HOME": str(tmp_path)})


def test_manage_py_names_invalid_variable_alike(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=NEEDED | {"UNDERONE_HOME": str(tmp_path), "SECRET_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert answer.stderr.startswith("SECRET_KEY is not set.")


def test_settings_are_secure_by_default() -> None:
    assert settings.DEBUG is False
    assert settings.ALLOWED_HOSTS != ["*"]
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is True
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == [
        "accounts.tenancy.permissions.HasPermission"
    ]
    assert settings.USE_TZ is True
    assert settings.TIME_ZONE == "UTC"


def test_variables_of_product_are_those_explained() -> None:
    assert set(explained()) == variables.NAMES
