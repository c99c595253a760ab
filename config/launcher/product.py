"""Start the product on one machine: servers, migrations, web server, workers and scheduler."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from config import variables
from config.launcher.embedded import servers
from config.launcher.embedded.ports import LOOPBACK, is_free
from config.launcher.embedded.processes import Processes

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_PORT = "8000"
# What a command beside the running product needs: EMAIL_URL of the shell that started it, for example.
VARIABLES = tuple(sorted(variables.NAMES - variables.PASSWORDS | variables.OF_AMAZON))
# Seconds that a process has to finish its work when everything stops. A report that is being loaded is rolled
# back and loaded after the next start, and whoever presses Ctrl-C does not wait for it.
PATIENCE = {"worker": 5, "job-worker": 5}
CELERY = [sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks", "--quiet"]
WORKER = [*CELERY, "worker", "--loglevel=INFO", "--without-mingle", "--without-gossip"]


class PortUnusable(SystemExit):
    """Raise when the web server cannot listen on the chosen port."""


def start(*, processes: Processes, environ: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """Start everything, and return the product's environment once `/healthz` responds at `PORT`.

    1. create folders               2. start PostgreSQL and Valkey, unless URLs are given
    3. migrate                      4. check the configuration
    5. start the processes          6. write the environment to a file

    `say` is called with the name of each step. Raises a SystemExit that explains the failure.
    """

    port = _port(environ)
    _create_folders(processes=processes)
    urls = servers.start(home=processes.home, processes=processes, environ=environ, say=say)
    # Only migrations get the owner's password, and only backups their role's. The web server and the workers
    # need neither.
    others = {name: urls.pop(name) for name in ("DATABASE_OWNER_URL", "DATABASE_BACKUP_URL") if name in urls}
    running = {name: value for name, value in environ.items() if name not in others}
    running |= urls | {"PORT": str(port), "PYTHONUNBUFFERED": "1"}
    # Printed e-mails are read on this machine. Those that a mail server sends need an address that others reach.
    if not environ.get("EMAIL_URL"):
        running.setdefault("PUBLIC_URL", f"http://localhost:{port}")
    # Files that only the user can read, where a server of one's own would refuse what needs an e-mail.
    running["EMAIL_URL"] = environ.get("EMAIL_URL") or f"folder:{mail_folder(processes.home.folder)}"
    say("Migrating the database")
    # The checks refuse the owner as the application role. They run below with the application role.
    _manage(
        processes,
        "migrate",
        "--skip-checks",
        environ=running | {"DATABASE_URL": others["DATABASE_OWNER_URL"]},
    )
    say("Checking the configuration")
    _manage(processes, "check", "--database", "default", environ=running)
    say("Starting web, workers and scheduler")
    _start_product(processes=processes, environ=running, port=port)
    _write_environment(processes=processes, environ=running | others)
    return running


def commands(*, port: int, schedule: Path, environ: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the command line of each process by its name, in the order of their start.

    The web server is the last.
    """
    # One process more than delivery workers, for the short tasks.
    senders = int(environ.get("WEBHOOK_COURIERS") or 1) + 1
    return {
        "delivery-worker": _worker("delivery-worker", queues="webhooks,short", processes=senders),
        "worker": _worker("worker", queues="reports", processes=int(environ.get("WORKER_PROCESSES") or 3)),
        "job-worker": _worker("job-worker", queues="celery", processes=2),
        "beat": [*CELERY, "beat", f"--schedule={schedule}", "--pidfile=", "--loglevel=INFO"],
        "web": _web(port),
    }


def mail_folder(home: Path) -> Path:
    """Return the folder of e-mails of an installation without a mail server."""
    return home / "mails"


def manage_command(*words: str) -> list[str]:
    """Return the command line of `manage.py` with these arguments."""
    return [sys.executable, "manage.py", *words]


def _port(environ: Mapping[str, str]) -> int:
    word = environ.get("PORT") or DEFAULT_PORT
    if not (word.isdecimal() and 0 < int(word) < 65536):
        raise PortUnusable(f"PORT must be a number from 1 to 65535, not {word!r}.")
    if not is_free(int(word)):
        raise PortUnusable(
            f"Port {word} is already in use. Choose another port: PORT={(int(word) + 1) % 65536} make up"
        )
    return int(word)


def _create_folders(*, processes: Processes) -> None:
    for name in ("documents", "uploads"):
        (processes.home.folder / name).mkdir(exist_ok=True)
    # They are from processes that have ended: old heartbeats would look like a scheduler that hangs.
    for name in ("meters", "heartbeats"):
        shutil.rmtree(processes.home.folder / name, ignore_errors=True)


def _manage(processes: Processes, *words: str, environ: Mapping[str, str]) -> None:
    processes.run(name=words[0], command=manage_command(*words), environ=environ, folder=REPOSITORY)


def _start_product(*, processes: Processes, environ: Mapping[str, str], port: int) -> None:
    """Start workers, scheduler and web server."""
    # They stop in the reverse order: the web server and the scheduler stop creating work before the workers
    # stop.
    schedule = processes.home.folder / "beat-schedule"
    for name, command in commands(port=port, schedule=schedule, environ=environ).items():
        child = processes.start(
            name=name,
            command=command,
            environ=environ,
            patience=PATIENCE.get(name, 20),
            folder=REPOSITORY,
        )
    processes.wait_for(child, ready=lambda: is_healthy(port))


def _write_environment(*, processes: Processes, environ: Mapping[str, str]) -> None:
    """Write the variables to a file that shells can read, and that `manage.py` reads (config/env.py)."""
    file = processes.home.folder / "environment"
    # A new file: the mode of an existing one would stay as it is, and others could have it open.
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.writelines(f"{name}={shlex.quote(environ[name])}\n" for name in VARIABLES if name in environ)


def _worker(name: str, *, queues: str, processes: int) -> list[str]:
    return [*WORKER, f"--queues={queues}", f"--concurrency={processes}", f"--hostname={name}@%h"]


def _web(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "config.wsgi:application",
        f"--bind={LOOPBACK}:{port}",
        "--graceful-timeout=10",
        "--config=python:config.web.gunicorn_settings",
    ]


def is_healthy(port: int) -> bool:
    """Return whether the web server at this port responds."""
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
