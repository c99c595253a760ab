"""Provide a home for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    fresh = Home(folder=tmp_path / "home")
    yield fresh
    fresh.discard()


@pytest.fixture
def processes(home: Home) -> Iterator[Processes]:
    with Processes(home=home) as running:
        yield running
