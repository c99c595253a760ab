"""The version of the product, from pyproject.toml. A checkout needs no installed package for it."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def _read() -> str:
    """Return the version in pyproject.toml; without that file the installed package's, or "unknown"."""
    try:
        return str(tomllib.loads(PYPROJECT.read_text())["project"]["version"])
    except (OSError, KeyError):
        pass
    try:
        return version("underone")
    except PackageNotFoundError:
        return "unknown"


VERSION = _read()
