import socket

from config.launcher.embedded.home import Home
from config.launcher.embedded.ports import LOOPBACK, port_of


def test_a_server_keeps_its_port(home: Home) -> None:
    assert port_of(home=home, server="postgres") == port_of(home=home, server="postgres")


def test_a_port_that_was_taken_meanwhile_is_picked_anew(home: Home) -> None:
    first = port_of(home=home, server="postgres")

    with socket.socket() as somebody:
        somebody.bind((LOOPBACK, first))
        somebody.listen()
        second = port_of(home=home, server="postgres")

    assert second != first
    assert home.recall("postgres_port") == second
