"""Test `manage.py` with and without a running product."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

BARE = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}


def manage(*words: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=BARE | {"UNDERONE_HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_loads_variables_of_running_product(django_db_setup: None, tmp_path: Path) -> None:
    names = ("SECRET_KEY", "SECRETS_KEYS", "DATABASE_URL", "BROKER_URL")
    (tmp_path / "environment").write_text("".join(f"{name}='{os.environ[name]}'\n" for name in names))

    done = manage("check", "--database", "default", home=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_command_with_database_url_loads_no_variables(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("SECRET_KEY=borrowed\n")

    done = manage("check", home=tmp_path, DATABASE_URL="postgresql://a:b@127.0.0.1:1/c")

    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "SECRET_KEY is not set. Start the product with `make up`, or see docker/env.example.\n"
    )
