"""Receive e-mails over SMTP, and remember when each arrived."""

import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

REPLIES = {"DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n"}


@dataclass
class MailServer:
    """Hold the port and what was received: recipients, and when (time.monotonic)."""

    port: int = 0
    arrivals: list[tuple[str, float]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def running() -> Iterator[MailServer]:
    mails = MailServer()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 sink\r\n")
            recipient = ""
            for line in self.rfile:
                command = line.decode("latin-1").strip()
                word = command[:4].upper()
                if word == "RCPT":
                    recipient = command.partition("<")[2].rstrip(">")
                self.wfile.write(REPLIES.get(word, b"250 ok\r\n"))
                if word == "DATA":
                    while self.rfile.readline() not in {b".\r\n", b""}:
                        pass
                    mails.arrivals.append((recipient, time.monotonic()))
                    self.wfile.write(b"250 kept\r\n")
                if word == "QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        mails.port = server.server_address[1]
        Thread(target=server.serve_forever, daemon=True).start()
        yield mails
        server.shutdown()
