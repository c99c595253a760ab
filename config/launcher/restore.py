"""Restore a backup into a new home, so that `make up` continues with it: `manage.py restore DIR`."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from config import env
from config.backups import manifest
from config.backups.manifest import UnusableBackup
from config.launcher import product
from config.launcher.embedded import servers
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes, StopRequested
from config.launcher.progress import Steps
from config.launcher.up import listen_for_signals


class KeysRefused(SystemExit):
    """Raise when the environment does not have the keys of the backup."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Start the servers of the home, restore the backup, keep the keys in the home, and stop the servers.

    Raises a SystemExit that explains the failure.
    """
    parser = argparse.ArgumentParser(prog="manage.py restore", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the backup")
    folder = parser.parse_args(arguments).folder.absolute()
    env.check_names()
    os.umask(0o077)
    # Before anything is created: servers of a home that stays unused would be left behind.
    _check_keys(folder)
    steps = Steps()
    home = Home(folder=Path(os.environ.get("UNDERONE_HOME") or product.REPOSITORY / ".underone"))
    try:
        with Processes(home=home) as processes:
            listen_for_signals(processes)
            _restore(folder, processes=processes, environ=os.environ, steps=steps)
    except StopRequested:
        steps.print("Stopped.")
    finally:
        steps.give_up()
        home.release()


def _check_keys(folder: Path) -> None:
    """Raise KeysRefused, or UnusableBackup as a SystemExit, before the servers start."""
    try:
        described = manifest.read(folder)
    except UnusableBackup as error:
        raise SystemExit(f"The backup was not restored. {error}") from None
    if not os.environ.get("SECRETS_KEYS"):
        raise KeysRefused(
            "The backup was not restored. Set SECRETS_KEYS to the keys it was encrypted with, numbers "
            f"{', '.join(described.keys)}. They were in the file `environment` of the home, and are not in the "
            "backup."
        )
    if found := manifest.wrong_keys(described, keys=env.keys("SECRETS_KEYS")):
        raise KeysRefused(f"The backup was not restored. SECRETS_KEYS: {'; '.join(found)}.")


def _restore(folder: Path, *, processes: Processes, environ: Mapping[str, str], steps: Steps) -> None:
    urls = servers.start(home=processes.home, processes=processes, environ=environ, say=steps.say)
    steps.say("Restoring the backup")
    processes.run(
        name="restore",
        command=product.manage_command("restore", str(folder)),
        environ={**environ, **urls, "PYTHONUNBUFFERED": "1"},
        folder=product.REPOSITORY,
    )
    # The next start takes them from here.
    for variable, name in (("SECRETS_KEYS", "secrets_keys"), ("SECRET_KEY", "secret_key")):
        if environ.get(variable):
            processes.home.store_value(name, environ[variable])
    steps.finish()
    steps.print((processes.home.logs / "restore.log").read_text().strip())
    steps.print("Start it with make up. It migrates the database if this version is newer.")
