"""Test a public installation: `manage.py check --deploy` has no warnings, and responses have security headers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client as Browser
from django.test import override_settings

from config.web.content_security_policy import policy_of
from tests.config.load_settings import settings_of

pytestmark = pytest.mark.usefixtures("servers")

ROOT = Path(settings.BASE_DIR)
FILLED_IN = {
    "SECRET_KEY": "0f4c7a6d2e9b8135c6d1a0e7f3b5982446e0d9c1b7a3f58e2d6c4b0a9f817356",
    "SECRETS_KEYS": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "ALLOWED_HOSTS": "api.agency.example",
    "DATABASE_URL": "postgresql://underone_app:secret@127.0.0.1:1/underone",
    "BROKER_URL": "redis://:secret@127.0.0.1:1/0",
    "PUBLIC_URL": "https://api.agency.example",
    "EMAIL_URL": "smtp+tls://user:secret@mail.agency.example:587",
    "EMAIL_FROM": "Underone <underone@agency.example>",
    "PEOPLE_URL": "https://app.agency.example",
    "SECURITY_CONTACT": "security@agency.example",
    "METRICS_TOKEN": "b1946ac92492d2347c6235b4d2611184",
}


def example() -> dict[str, str]:
    """Return the variables of docker/env.example as they are."""
    lines = (ROOT / "docker" / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match("[A-Z_]+=", line))


def check(home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "UNDERONE_HOME": str(home)} | example() | FILLED_IN | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "switches", [{}, {"STAFF_ADMIN": "true", "SIGN_UP": "true"}], ids=["as it comes", "all switches on"]
)
def test_example_configuration_has_no_warnings(tmp_path: Path, switches: dict[str, str]) -> None:
    answer = check(tmp_path, **switches)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "no issues (0 silenced)" in answer.stdout


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("HTTPS", "false", "security.W008"),
        ("DEBUG", "true", "security.W018"),
        ("SECRET_KEY", "short", "security.W009"),
        ("EMAIL_FROM", "", "underone.W001"),
        ("EMAIL_URL", "", "underone.W010"),
        ("PUBLIC_URL", "", "underone.W002"),
        ("METRICS_TOKEN", "", "underone.W003"),
    ],
)
def test_insecure_configuration_has_warnings(tmp_path: Path, variable: str, value: str, code: str) -> None:
    given = {"UNDERONE_HOME": str(tmp_path)} | example() | FILLED_IN
    loaded = settings_of(given | {variable: value})
    del loaded["DATABASES"]

    with override_settings(**loaded), pytest.raises(SystemCheckError) as refused:
        call_command("check", deploy=True, fail_level="WARNING")

    assert code in str(refused.value)


def test_warning_ends_process(tmp_path: Path) -> None:
    answer = check(tmp_path, DEBUG="true")

    assert answer.returncode == 1
    assert "security.W018" in answer.stderr


@pytest.fixture
def on_https(settings: LazySettings) -> None:
    """Apply the settings of HTTPS=true."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 365 * 86400
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True


def test_http_redirects_to_https_except_internally(on_https: None, db: None) -> None:
    browser = Browser()

    answers = {path: browser.get(path).status_code for path in ("/v1/me", "/docs", "/healthz", "/readyz")}

    assert answers == {"/v1/me": 301, "/docs": 301, "/healthz": 200, "/readyz": 200}
    assert browser.get("/v1/me")["Location"] == "https://testserver/v1/me"


def test_hsts_header_is_sent(on_https: None, db: None) -> None:
    answer = Browser().get("/v1/me", HTTP_X_FORWARDED_PROTO="https")

    assert answer.status_code == 401
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_http_is_allowed_without_https_setting(db: None) -> None:
    answer = Browser().get("/v1/me", HTTP_X_FORWARDED_PROTO="https")

    assert answer.status_code == 401
    assert "Strict-Transport-Security" not in answer


@pytest.mark.parametrize("path", ["/v1/me", "/v1/openapi.json", "/docs", "/healthz", "/nowhere"])
def test_responses_have_security_headers(db: None, path: str) -> None:
    answer = Browser().get(path)

    assert {
        name: answer[name] for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")
    } == {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Content-Security-Policy"] == policy_of(path)
    assert "Set-Cookie" not in answer


def test_content_security_policy_allows_own_resources_of_pages_only() -> None:
    assert policy_of("/v1/me") == "default-src 'none'; frame-ancestors 'none'"
    for page in ("/docs", "/staff/", "/staff/login/"):
        sources = re.findall(r"(?:default|script|connect|img|font|style)-src ([^;]+)", policy_of(page))

        assert set(" ".join(sources).split()) <= {"'self'", "'none'", "data:", "'unsafe-inline'"}
        assert "script-src 'self';" in policy_of(page)


def test_documentation_page_has_no_inline_script(db: None) -> None:
    page = Browser().get("/docs").content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "SwaggerUIBundle" in Browser().get("/docs?script=").content.decode()
