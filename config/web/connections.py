"""Hold what a connection has received and has yet to send, so that no thread waits for its client.

Nothing here blocks. A connection belongs to the worker's loop, or to the one thread that works on its request.
"""

import os
import socket
import time
from collections.abc import Iterator
from enum import Enum, auto
from tempfile import SpooledTemporaryFile
from typing import Any

from django.conf import settings

BLOCK = 64 * 1024
# Larger bodies and backlogs of responses are written to a file without a name, which ends with the process.
MEMORY_BYTES = 128 * 1024
# Seconds that the head of a request may take from its first byte, however its bytes arrive.
HEAD_SECONDS = 10.0
# Seconds that a body or a response may take, plus one for every `MIN_BYTES_PER_SECOND` that have passed.
GRACE_SECONDS = 20.0
MIN_BYTES_PER_SECOND = 1024
# Seconds that a client has to read the last response before its connection ends (RFC 9112, section 9.6).
CLOSE_SECONDS = 2.0
# The longest head of a request. gunicorn limits the number and the length of its headers to less.
HEAD_BYTES = 1024**2
END_OF_HEAD = b"\r\n\r\n"


class State(Enum):
    """Name what a connection waits for. Only `RUNNING` occupies a thread."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    RUNNING = auto()
    SENDING = auto()
    CLOSING = auto()


class Connection:
    """Represent one client. gunicorn writes responses to it as to a socket."""

    def __init__(self, *, sock: socket.socket, client: Any, server: Any) -> None:
        sock.settimeout(0)
        self.sock, self.client, self.server = sock, client, server
        self.received = bytearray()
        self.searched = 0
        self.requests = 0
        self.request: Any = None
        self.body: SpooledTemporaryFile[bytes] | None = None
        self.missing = 0
        self.response: Any = None
        self.blocks: Iterator[bytes] | None = None
        self.writer: Any = None
        self.backlog = Backlog()
        self.keeps_alive = False
        self.state = State.IDLE
        self.deadline = 0.0
        self.wait(State.IDLE, HEAD_SECONDS)

    def wait(self, state: State, seconds: float) -> None:
        """Enter a state, and set until when it may last."""
        self.state, self.deadline = state, time.monotonic() + seconds

    def extend(self, count: int) -> None:
        """Extend the deadline by the time that `count` bytes may take."""
        self.deadline += count / MIN_BYTES_PER_SECOND

    def take_head(self) -> bytes | None:
        """Return the head of the next request and remove it from what was received.

        None if it is not complete. A head that is too long is returned without its end.
        """
        end = self.received.find(END_OF_HEAD, max(0, self.searched - len(END_OF_HEAD)))
        self.searched = len(self.received)
        if end < 0 and self.searched <= HEAD_BYTES:
            return None
        length = end + len(END_OF_HEAD) if end >= 0 else self.searched
        head = bytes(self.received[:length])
        del self.received[:length]
        self.searched = 0
        return head

    def expect_body(self, length: int) -> None:
        """Begin to store a body of this many bytes."""
        self.body = unnamed_file()
        self.missing = length
        self.wait(State.BODY, GRACE_SECONDS)
        self.store_body()

    def store_body(self) -> None:
        """Move what was received to the body. Bytes behind it belong to the next request. Raises OSError if
        the disk is full."""
        if self.body is None:
            return
        block = self.received[: self.missing]
        self.body.write(block)
        del self.received[: len(block)]
        self.missing -= len(block)
        self.extend(len(block))
        if not self.missing:
            self.body.seek(0)

    def forget_request(self) -> None:
        """Forget the request and its response."""
        if self.body is not None:
            self.body.close()
        self.request = self.body = self.response = self.blocks = self.writer = None
        self.missing = 0

    def flush(self) -> None:
        """Send as much of the backlog as the client takes now. Raises OSError if the client is gone."""
        while self.backlog.size:
            try:
                count = self.sock.send(self.backlog.peek())
            except BlockingIOError:
                return
            self.backlog.discard(count)
            self.extend(count)

    def sendall(self, data: bytes) -> None:
        """Send what the client takes now, and keep the rest. Raises OSError if the client is gone."""
        count = 0
        if not self.backlog.size:
            try:
                count = self.sock.send(data)
            except BlockingIOError:
                count = 0
        if count < len(data):
            self.backlog.append(memoryview(data)[count:])

    def send(self, data: bytes) -> int:
        """Drop `100 Continue`, the only text that gunicorn writes with `send`.

        It writes it before it calls the application. The worker sends it before it reads the body.
        """
        return len(data)

    def gettimeout(self) -> float:
        """Return the timeout of a socket that never blocks. gunicorn's errors need it."""
        return 0.0

    def close(self) -> None:
        """Close the connection. If responses are left, reset it, so that they do not seem complete."""
        if self.backlog.size:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.backlog.clear()
        self.forget_request()
        self.sock.close()


class Backlog:
    """Store what a client has yet to read, in a file if it is much."""

    def __init__(self) -> None:
        self.file: SpooledTemporaryFile[bytes] | None = None
        self.position = self.size = 0

    def append(self, data: memoryview) -> None:
        """Add bytes at the end."""
        if self.file is None:
            self.file = unnamed_file()
        self.file.seek(0, os.SEEK_END)
        self.file.write(data)
        self.size += len(data)

    def peek(self) -> bytes:
        """Return the next bytes without removing them."""
        if self.file is None:
            return b""
        self.file.seek(self.position)
        return self.file.read(BLOCK)

    def discard(self, count: int) -> None:
        """Remove bytes that were sent."""
        self.position += count
        self.size -= count
        if not self.size:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        if self.file is not None:
            self.file.close()
        self.file, self.position, self.size = None, 0, 0


def unnamed_file() -> SpooledTemporaryFile[bytes]:
    """Return an empty file for the caller to close."""
    return SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=str(settings.FILE_UPLOAD_TEMP_DIR))
