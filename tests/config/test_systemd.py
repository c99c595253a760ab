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
