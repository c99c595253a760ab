"""An installation that others reach: `manage.py check --deploy` has nothing to say, and answers carry what
protects them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.test import Client as Browser

from config.web.content_security_policy import policy_of

pytestmark = pytest.mark.usefixtures("servers")

ROOT = Path(settings.BASE_DIR)
FILLED_IN = {
    "SECRET_KEY": "0f4c7a6d2e9b8135c6d1a0e7f3b5982446e0d9c1b7a3f58e2d6c4b0a9f817356",
    "SECRETS_KEYS": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "ALLOWED_HOSTS": "api.agency.example",
    "DATABASE_URL": "postgresql://underone_app:secret@127.0.0.1:1/underone",
    "BROKER_URL": "redis://:secret@127.0.0.1:1/0",
    "EMAIL_URL": "smtp+tls://user:secret@mail.agency.example:587",
    "EMAIL_FROM": "Underone <underone@agency.example>",
    "PEOPLE_URL": "https://app.agency.example",
    "SECURITY_CONTACT": "security@agency.example",
}


def example() -> dict[str, str]:
    """What docker/env.example sets, as it is before it is filled in."""
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
def test_a_server_that_is_set_up_as_the_example_says_has_nothing_to_be_warned_of(
    tmp_path: Path, switches: dict[str, str]
) -> None:
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
    ],
)
def test_what_is_not_as_it_should_be_is_said(tmp_path: Path, variable: str, value: str, code: str) -> None:
    answer = check(tmp_path, **{variable: value})

    assert answer.returncode == 1
    assert code in answer.stderr


@pytest.fixture
def on_https(settings: LazySettings) -> None:
    """As HTTPS=true sets it."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 365 * 86400
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True


def test_http_is_sent_on_to_https_but_for_who_asks_from_within(on_https: None, db: None) -> None:
    browser = Browser()

    answers = {path: browser.get(path).status_code for path in ("/v1/me", "/docs", "/healthz", "/readyz")}

    assert answers == {"/v1/me": 301, "/docs": 301, "/healthz": 200, "/readyz": 200}
    assert browser.get("/v1/me")["Location"] == "https://testserver/v1/me"


def test_browsers_come_by_https_alone_from_then_on(on_https: None, db: None) -> None:
    answer = Browser().get("/v1/me", HTTP_X_FORWARDED_PROTO="https")

    assert answer.status_code == 401
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_on_one_machine_http_is_enough(db: None) -> None:
    answer = Browser().get("/v1/me", HTTP_X_FORWARDED_PROTO="https")

    assert answer.status_code == 401
    assert "Strict-Transport-Security" not in answer


@pytest.mark.parametrize("path", ["/v1/me", "/v1/openapi.json", "/docs", "/healthz", "/nowhere"])
def test_every_answer_says_what_a_browser_may_do_with_it(db: None, path: str) -> None:
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


def test_an_answer_of_the_api_loads_nothing_and_a_page_nothing_of_others() -> None:
    assert policy_of("/v1/me") == "default-src 'none'; frame-ancestors 'none'"
    for page in ("/docs", "/staff/", "/staff/login/"):
        sources = re.findall(r"(?:default|script|connect|img|font|style)-src ([^;]+)", policy_of(page))

        assert set(" ".join(sources).split()) <= {"'self'", "'none'", "data:", "'unsafe-inline'"}
        assert "script-src 'self';" in policy_of(page)


def test_the_page_of_the_document_has_no_script_of_its_own(db: None) -> None:
    page = Browser().get("/docs").content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "SwaggerUIBundle" in Browser().get("/docs?script=").content.decode()
