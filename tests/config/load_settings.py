"""Load config/settings.py in this process, as a process with other variables would."""

import os
import runpy
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings

from config.env import BadVariable

FILE = Path(settings.BASE_DIR) / "config" / "settings.py"


def settings_of(environ: dict[str, str]) -> dict[str, Any]:
    """Return all settings with these variables only.

    Raises BadVariable, which ends a process with its message as the only line of stderr.
    """
    with mock.patch.dict(os.environ, environ, clear=True):
        return {name: value for name, value in runpy.run_path(str(FILE)).items() if name.isupper()}


def complaint_of(environ: dict[str, str]) -> str:
    """Return what a process with these variables only would write before it ends; "" if it would start."""
    try:
        settings_of(environ)
    except BadVariable as error:
        return f"{error}\n"
    return ""
