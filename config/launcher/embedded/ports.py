"""Choose free ports on 127.0.0.1. The same ports are used at every start while they are free."""

import socket

from config.launcher.embedded.home import Home

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: a port whose connections have just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(*, home: Home, server: str) -> int:
    """Return the port of a server: the stored one, or a new one if it is taken."""
    stored = home.read_value(f"{server}_port")
    if stored is not None and is_free(stored):
        return int(stored)
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    home.store_value(f"{server}_port", port)
    return port
