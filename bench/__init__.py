"""Run benchmarks: print measures as JSON lines, and compare them with a reference of the same run.

`python -m bench.<name>` runs one on temporary servers with durable writes.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django

from config.launcher import product as launcher
from config.launcher.embedded import servers
from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import choose_port
from config.launcher.embedded.processes import Processes


@contextlib.contextmanager
def product() -> Iterator[None]:
    """Start temporary servers, migrate them, and set up Django with the application's role."""
    home = Home(folder=Path(tempfile.mkdtemp(prefix="underone-bench-")))
    try:
        with Processes(home=home) as processes:
            os.environ |= servers.start(home=home, processes=processes, environ=os.environ)
            os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
            # The application's role may not change tables.
            owner = os.environ | {"DATABASE_URL": os.environ["DATABASE_OWNER_URL"]}
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], env=owner, check=True)
            yield
    finally:
        home.discard()


@contextlib.contextmanager
def installation() -> Iterator[None]:
    """Start web server, workers and scheduler on temporary servers, and set up Django on the same
    database."""
    home = Home(folder=Path(tempfile.mkdtemp(prefix="underone-bench-")))
    try:
        with Processes(home=home) as processes:
            environ = os.environ | {"PORT": str(choose_port(home=home, server="web")), "LOG_LEVEL": "WARNING"}
            # The receivers listen on this host, which webhooks otherwise refuse.
            environ |= {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
            os.environ |= launcher.start(processes=processes, environ=environ, say=lambda _: None)
            os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
            django.setup()
            yield
    finally:
        home.discard()


def show(*, measure: str, own: float, reference: float, ratio: float, goal: str, meets: bool) -> None:
    """Print one line of the result."""
    line = {
        "measure": measure,
        "ours": round(own, 1),
        "reference": round(reference, 1),
        "ratio": round(ratio, 3),
    }
    print(json.dumps(line | {"goal": goal, "meets": meets}), flush=True)
