"""Receive e-mails over SMTP."""

import socketserver


class Server(socketserver.ThreadingTCPServer):
    """Serve the part of SMTP (RFC 5321) that a client needs. `answers` refuse a command, or hang up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.answers: dict[str, bytes] = {}
        self.got: list[tuple[list[str], bytes]] = []


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.to: list[str] = []
        self.answer("CONNECT", b"220 ready")
        while line := self.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            if word == "RCPT":
                self.to.append(line.partition("<")[2].partition(">")[0])
            if not self.answer(word, {"DATA": b"354 go on", "QUIT": b"221 bye"}.get(word, b"250 ok")):
                return
            if word == "DATA" and word not in self.server.answers:
                self.server.got.append((self.to, b"".join(iter(self.rfile.readline, b".\r\n"))))
                self.answer("END", b"250 taken")

    def answer(self, word: str, usual: bytes) -> bool:
        reply = self.server.answers.get(word, usual)
        if reply:
            self.wfile.write(reply + b"\r\n")
        return bool(reply)
