"""Test the systemd units: one for each process, which restarts it, and which systemd accepts."""

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings

from config.launcher import product
from tests.config.test_docker import SERVING

ROOT = Path(settings.BASE_DIR)
UNITS = ROOT / "docker" / "systemd"
INSTALLED = "/opt/underone/.venv/bin/"


def unit(name: str) -> dict[str, dict[str, str]]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return {section: dict(parser[section]) for section in parser.sections()}


def test_every_process_has_a_unit() -> None:
    names = {file.name for file in UNITS.glob("underone-*.service")}

    started = {
        f"underone-{name}.service" for name in product.commands(port=8000, schedule=Path("x"), environ={})
    }
    assert started == {f"underone-{name}.service" for name in SERVING}
    assert names == started | {"underone-backup.service", "underone-one-machine.service"}


@pytest.mark.parametrize("name", SERVING)
def test_unit_restarts_its_process_within_bounds(name: str) -> None:
    read = unit(f"underone-{name}.service")

    assert (read["Service"]["Restart"], read["Service"]["RestartSec"]) == ("always", "2")
    assert (read["Unit"]["StartLimitBurst"], read["Unit"]["StartLimitIntervalSec"]) == ("5", "60")
    assert read["Service"]["User"] == "underone"
    assert read["Service"]["EnvironmentFile"] == "/etc/underone/environment"
    assert read["Unit"]["PartOf"] == read["Install"]["WantedBy"] == "underone.target"


@pytest.mark.parametrize("name", SERVING)
def test_unit_serves_queues_of_the_container(name: str) -> None:
    command = unit(f"underone-{name}.service")["Service"]["ExecStart"]
    containers = (ROOT / "docker" / "start").read_text()

    words = [word for word in command.split() if word.startswith(("--queues=", "--config="))]
    assert [word for word in words if word not in containers] == []
    assert command.startswith(INSTALLED)


@pytest.mark.parametrize("name", SERVING)
def test_documentation_has_command_of_unit(name: str) -> None:
    command = unit(f"underone-{name}.service")["Service"]["ExecStart"]

    written = command.removeprefix(INSTALLED).replace("%%", "%")
    assert f"| `{written}` |" in (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("check", ["app", "", ""]),
        ("migrate", ["owner&x", "owner&x", ""]),
        ("create_staff", ["owner&x", "owner&x", ""]),
        ("backup", ["app", "", "backup"]),
        ("restore", ["app", "owner&x", "backup"]),
    ],
)
def test_manage_gives_each_command_its_roles(tmp_path: Path, command: str, expected: list[str]) -> None:
    (tmp_path / "environment").write_text('# comment\n\nDATABASE_URL=app\nEMAIL_FROM="Under one <a@b>"\n')
    (tmp_path / "owner").write_text("DATABASE_OWNER_URL=owner&x")
    (tmp_path / "backup").write_text("DATABASE_BACKUP_URL='backup'\n")
    text = (ROOT / "docker" / "manage").read_text().replace("/etc/underone", str(tmp_path))
    script = text.replace("runuser -u underone -- .venv/bin/python manage.py", "env #")
    (tmp_path / "manage").write_text(script)

    ran = subprocess.run(
        ["/bin/sh", tmp_path / "manage", command], env={}, capture_output=True, text=True, check=True
    )

    variables = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_BACKUP_URL")
    assert [variables.get(name, "") for name in names] == expected
    assert variables["EMAIL_FROM"] == "Under one <a@b>"


def test_systemd_accepts_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    # The programs of this installation stand in for those of /opt.
    for file in UNITS.iterdir():
        text = file.read_text().replace(INSTALLED, "/bin/true ").replace("/usr/bin/find", "/bin/true")
        (tmp_path / file.name).write_text(text)

    checked = subprocess.run(
        [analyze, "verify", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in checked.stderr.splitlines() if str(tmp_path) in line or "underone" in line] == []
