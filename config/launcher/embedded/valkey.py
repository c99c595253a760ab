"""Start the Valkey server of a home.

It writes to disk every second, listens on 127.0.0.1 and requires a password.
"""

import os
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from config.launcher.embedded import binaries
from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK, choose_port
from config.launcher.embedded.privileges import Identity, private_folder, set_owner
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.secret import get_or_create_secret

# The broker's messages are in it: they are written to disk, and none is evicted when memory runs short.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


def start(*, home: Home, processes: Processes) -> str:
    """Start the server, and return its URL once it answers. Raises BinariesMissing or ProcessFailed."""
    program = binaries.valkey_program(identity=home.identity)
    folder = private_folder(path=home.servers / "valkey", identity=home.identity)
    password = get_or_create_secret(home=home, name="valkey_password")
    port = choose_port(home=home, server="valkey")
    configuration = CONFIGURATION.format(host=LOOPBACK, port=port, password=password, folder=folder)
    child = processes.start(
        name="valkey",
        command=[
            program,
            _write_configuration(path=folder / "valkey.conf", text=configuration, identity=home.identity),
        ],
        environ={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        identity=home.identity,
    )
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    processes.wait_for(child, ready=lambda: _is_reachable(url))
    return url


def _write_configuration(*, path: Path, text: str, identity: Identity) -> Path:
    """Write the configuration to a file that only the server's user can read."""
    # On the command line, all users could see the password.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    set_owner(path=path, identity=identity)
    return path


def _is_reachable(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, protocol=2)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
