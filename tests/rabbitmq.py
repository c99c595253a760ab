"""Run Debian's RabbitMQ for a test, on this machine only, with its data in a folder of the test."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import free_port, wait_until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
EPMD = shutil.which("epmd")
needs_rabbitmq = pytest.mark.skipif(
    not SERVER.exists() or EPMD is None, reason="RabbitMQ is missing: apt-get install rabbitmq-server"
)


class RabbitMQ:
    """Manage one node."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.process: subprocess.Popen[bytes] | None = None
        node = f"underone{self.port}@localhost"
        # Erlang's processes find each other by its port mapper, which the test has for itself as well.
        self.mapper_port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def start(self) -> None:
        # Its own logs are in `log`.
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            [SERVER],
            # Where it writes what it knows when it fails.
            cwd=self.folder,
            env=self.environ,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
        )
        wait_until(self._answers, every=1)

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def control(self, *words: str) -> str:
        """Return the output of `rabbitmqctl`."""
        return subprocess.run(
            [CONTROL, "--quiet", *words], env=self.environ, capture_output=True, text=True, check=True
        ).stdout

    def _answers(self) -> bool:
        command: list[str | Path] = [CONTROL, "--quiet", "await_startup", "--timeout", "5"]
        return subprocess.run(command, env=self.environ, capture_output=True, check=False).returncode == 0


@contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitMQ]:
    """Start a node and stop it when the block ends."""
    broker = RabbitMQ(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rabbitmq.conf").write_text("loopback_users = none\n")
    (folder / "plugins").write_text("[].\n")
    mapper = subprocess.Popen(
        [str(EPMD), "-port", str(broker.mapper_port), "-address", "127.0.0.1"], env=broker.environ
    )
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        mapper.kill()
        mapper.wait()
