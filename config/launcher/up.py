"""Run Underone on this machine until Ctrl-C: `python -m config.launcher.up [--demo]`."""

import argparse
import os
import shlex
import signal
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from config import env
from config.launcher import demo_agency, product
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes, StopRequested
from config.launcher.progress import Steps

DEMO = (
    "This starts PostgreSQL, Valkey, the API and its workers on this machine, and loads eight sample accounts with "
    "two years of orders. The first account answers after about a minute, all of them after a few minutes."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start everything, print the URLs, wait and stop.

    A process that ends by itself is started again, and the reason is printed. Exit with code 1 and the reason
    if it ends too often, or while everything starts.
    """

    parser = argparse.ArgumentParser(prog="python -m config.launcher.up", description=__doc__)
    parser.add_argument(
        "--demo", action="store_true", help="create an agency with eight accounts and two years of orders"
    )
    options = parser.parse_args(arguments)
    # Before the servers start: every process would end with this message.
    env.check_names()
    # Logs, documents and schedules contain personal data.
    os.umask(0o077)
    steps = Steps()
    home = Home(folder=Path(os.environ.get("UNDERONE_HOME") or product.REPOSITORY / ".underone"))
    try:
        with Processes(home=home) as processes:
            listen_for_signals(processes)
            _serve(processes=processes, steps=steps, with_demo=options.demo)
    except StopRequested:
        steps.print("Stopped.")
    finally:
        steps.give_up()
        # After all processes have stopped: the next launcher must not find them running.
        home.release()


def listen_for_signals(processes: Processes) -> None:
    """Stop `processes` in order on Ctrl-C, a closed terminal, or a signal from the system."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, processes.request_stop)


def _serve(*, processes: Processes, steps: Steps, with_demo: bool) -> None:
    try:
        if with_demo:
            steps.print(DEMO)
        environ = product.start(processes=processes, environ=os.environ, say=steps.say)
        processes.restart_ended(report=steps.print)
        if with_demo:
            _load_demo(processes=processes, environ=environ, steps=steps)
        else:
            steps.finish()
            _print_urls(processes=processes, steps=steps, port=environ["PORT"], key=None)
        steps.print("  Press Ctrl-C to stop. The data is kept.\n")
        while True:
            processes.watch()
            time.sleep(0.2)
    finally:
        steps.give_up()
        steps.say("Stopping")


def _load_demo(*, processes: Processes, environ: Mapping[str, str], steps: Steps) -> None:
    steps.say("Creating the demo agency")
    key = demo_agency.open_demo(home=processes.home, environ=environ)
    print_urls = partial(_print_urls, processes=processes, steps=steps, port=environ["PORT"], key=key)
    demo_agency.load_demo(
        key=key, processes=processes, environ=environ, steps=steps, on_first_answer=print_urls
    )
    steps.finish()


def _print_urls(*, processes: Processes, steps: Steps, port: str, key: str | None) -> None:
    steps.print()
    steps.print(f"  API      http://localhost:{port}/v1/")
    steps.print(f"  Docs     http://localhost:{port}/docs")
    steps.print(f"  Data     {processes.home.folder}")
    if not os.environ.get("EMAIL_URL"):
        steps.print(f"  Mails    {product.mail_folder(processes.home.folder)}, because EMAIL_URL is not set")
    if key is None:
        home_variable = os.environ.get("UNDERONE_HOME")
        home = f"UNDERONE_HOME={shlex.quote(home_variable)} " if home_variable else ""
        steps.print(f"  Key      {home}.venv/bin/python manage.py open_agency NAME    creates one")
    else:
        steps.print(f"  Key      {key}")
        steps.print(f'  Try      curl -H "Authorization: Bearer {key}" http://localhost:{port}/v1/accounts')
    steps.print()


if __name__ == "__main__":
    main()
