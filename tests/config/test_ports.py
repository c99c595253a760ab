import socket

from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK, choose_port


def test_port_of_server_is_stored(home: Home) -> None:
    assert choose_port(home=home, server="postgres") == choose_port(home=home, server="postgres")


def test_port_in_use_is_replaced(home: Home) -> None:
    first = choose_port(home=home, server="postgres")

    with socket.socket() as listener:
        listener.bind((LOOPBACK, first))
        listener.listen()
        second = choose_port(home=home, server="postgres")

    assert second != first
    assert home.read_value("postgres_port") == second
