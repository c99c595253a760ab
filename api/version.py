"""Read the version of the product from pyproject.toml.

A checkout does not need an installed package for this.
"""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def _read() -> str:
    """Return the version in pyproject.toml, or else the version of the installed package, or "unknown"."""
    try:
        return str(tomllib.loads(PYPROJECT.read_text())["project"]["version"])
    except (OSError, KeyError):
        pass
    try:
        return version("underone")
    except PackageNotFoundError:
        return "unknown"


VERSION = _read()
