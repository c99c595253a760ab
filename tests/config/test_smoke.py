"""Test `python -m config.launcher.smoke`: a temporary copy of the product, compared with its files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config.launcher import product, smoke, smoke_files

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of the copy."""
    return tmp_path_factory.mktemp("smoke")


@pytest.fixture(scope="module")
def answer(place: Path) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in product.VARIABLES}
    return subprocess.run(
        [sys.executable, "-m", "config.launcher.smoke"],
        cwd=settings.BASE_DIR,
        env=plain
        | {"TMPDIR": str(place), "DATABASE_URL": "postgresql://somebody@127.0.0.1:1/elses", "PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_smoke_figures_equal_the_files(answer: subprocess.CompletedProcess[str]) -> None:
    marks = re.findall("^│ ([✓✗]) │", answer.stdout, flags=re.MULTILINE)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(marks) >= 21
    assert set(marks) == {"✓"}


def test_smoke_prints_its_steps(answer: subprocess.CompletedProcess[str]) -> None:
    steps = re.findall("^(.*) …$", answer.stdout, flags=re.MULTILINE)

    assert steps[0] == "Creating the PostgreSQL cluster"
    assert steps[-5:] == [
        "Loading orders, defects, shipments and messages",
        "Comparing",
        "Loading Amazon's account health report",
        "Reversing two defects",
        "Stopping",
    ]
    assert answer.stderr == ""


def test_smoke_leaves_no_files(answer: subprocess.CompletedProcess[str], place: Path) -> None:
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "actual", "is_equal"), [(1, 1, True), ((4, 250), (4, 251), False), (0.016, "0.016", False)]
)
def test_check_is_equal_only_for_identical_figure(expected: object, actual: object, is_equal: bool) -> None:
    assert smoke.Check("figure", expected, actual).is_equal is is_equal


def test_smoke_orders_are_on_both_sides_of_window_limits() -> None:
    ages = [age for _, age, *_ in smoke_files.ORDERS]

    assert {14, 15, 74, 75} <= set(ages)
    assert {status for *_, status, _, _ in smoke_files.ORDERS} >= {"Shipped", "Pending", "Cancelled"}
    assert {store for *_, store in smoke_files.ORDERS} == {"Amazon.com", "Non-Amazon"}
