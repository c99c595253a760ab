"""Run requests in threads, and wait for clients in one loop, which needs no threads (ADR 20).

gunicorn's worker `gthread` gives a connection to a thread once its first bytes arrive, and that thread waits
for the rest, however slowly it comes. This worker reads whole requests and sends responses in its loop:

1. accept a connection              2. read the head, and parse it with gunicorn's parser
3. read the body to a file          4. run the application in a thread
5. send the response                6. wait for the next request, or close

Each step without a thread has a deadline. `Connection` describes the states.
"""

import contextlib
import errno
import selectors
import socket
import time
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from gunicorn.http import wsgi
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import ThreadWorker

from config.web import gunicorn_errors, hosts, upload_gate
from config.web.connections import BLOCK, CLOSE_SECONDS, GRACE_SECONDS, HEAD_SECONDS, Connection, State
from ingestion.api.uploads import FORM_OVERHEAD

# Bodies of this size are stored before their sender is known. Larger ones only for valid keys and sessions.
ANONYMOUS_BYTES = 1024**2
# How often connections are searched for those past their deadline, in seconds.
SWEEP_SECONDS = 0.5
# They occupy no thread. The first of them is closed if there are too many connections.
WAITING = (State.IDLE, State.HEAD, State.CLOSING, State.BODY, State.SENDING)
GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serve HTTP/1.1 without TLS. gunicorn's hooks for requests and its access log are not called.

    Overrides the methods of `ThreadWorker` that its `run` calls, which are private:
    tests/config/test_slow_clients.py fails if they change.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In the order in which they were accepted.
        self.connections: dict[Connection, None] = {}
        self.swept_at = 0.0

    # 1. Accept

    def accept(self, listener: Any) -> None:
        """Accept a connection, and wait for its first request."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._evict()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        connection = Connection(sock=sock, client=client, server=listener.getsockname())
        self.nr_conns += 1
        self.connections[connection] = None
        self._poll(connection, selectors.EVENT_READ, self._read)
        # One less than gunicorn's limit, at which it accepts no connection any more.
        if self.nr_conns >= self.worker_connections:
            self._evict()

    def _evict(self) -> None:
        """Close the connection that waits without a thread and is the least likely to be in use."""
        for state in WAITING:
            for connection in self.connections:
                if connection.state is state:
                    self._drop(connection)
                    return

    # 2. and 3. Read

    def _read(self, connection: Connection) -> None:
        """Read what has arrived, and begin the next step once it is complete."""
        try:
            data = connection.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
        elif connection.state is not State.CLOSING:
            connection.received += data
            if connection.state is State.BODY:
                self._read_body(connection)
            else:
                self._read_head(connection)

    def _read_head(self, connection: Connection) -> None:
        if connection.state is State.IDLE:
            connection.wait(State.HEAD, HEAD_SECONDS)
        head = connection.take_head()
        if head is None:
            return
        connection.requests += 1
        try:
            connection.request = Request(
                self.cfg, IterUnreader([head]), connection.client, connection.requests
            )
        except NoMoreData:
            is_line = b"\r\n" not in head
            self._refuse_with(
                connection,
                HTTPStatus.REQUEST_URI_TOO_LONG if is_line else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            )
            return
        except Exception as error:  # noqa: BLE001  as gunicorn does: it answers each with its status
            self._refuse(connection, partial(self.handle_error, None, connection, connection.client, error))
            return
        request = connection.request
        if detail := hosts.problem_with(headers=request.headers, target=request.uri):
            self._refuse_with(connection, HTTPStatus.BAD_REQUEST, detail=detail)
            return
        self._plan_body(connection)

    def _plan_body(self, connection: Connection) -> None:
        """Read the body, or let the application refuse the request without it."""
        request = connection.request
        length = request.body.reader.length if isinstance(request.body.reader, LengthReader) else None
        if length == 0:
            self._run(connection)
        elif length is None or length > _body_limit(request):
            self._run_without_body(connection)
        elif length > ANONYMOUS_BYTES:
            self._stop_polling(connection)
            connection.state = State.RUNNING
            future = self.tpool.submit(self._is_authenticated, connection)
            future.add_done_callback(
                lambda done: self.method_queue.defer(self._after_gate, connection, length, done)
            )
        else:
            self._begin_body(connection, length)

    def _is_authenticated(self, connection: Connection) -> bool:
        """Run in a thread: ask the application whether the sender of the head is known."""
        _, environ = wsgi.create(
            connection.request, connection, connection.client, connection.server, self.cfg
        )
        return upload_gate.is_authenticated(environ)

    def _after_gate(self, connection: Connection, length: int, done: "Future[bool]") -> None:
        if done.exception() is None and done.result():
            self._poll(connection, selectors.EVENT_READ, self._read)
            self._begin_body(connection, length)
        else:
            self._run_without_body(connection)

    def _begin_body(self, connection: Connection, length: int) -> None:
        if any(name == "EXPECT" for name, _ in connection.request.headers):
            with contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.expect_body(length)
        self._read_body(connection)

    def _read_body(self, connection: Connection) -> None:
        try:
            connection.store_body()
        except OSError:
            self.log.exception("A request body cannot be stored in UPLOAD_FOLDER.")
            self._refuse_with(connection, HTTPStatus.INSUFFICIENT_STORAGE)
            return
        if not connection.missing:
            connection.request.body = connection.body
            self._run(connection)

    # 4. Run

    def _run_without_body(self, connection: Connection) -> None:
        connection.request.force_close()
        self._run(connection)

    def _run(self, connection: Connection) -> None:
        """Start or continue the response in a thread."""
        self._stop_polling(connection)
        connection.state = State.RUNNING
        future = self.tpool.submit(self._respond, connection)
        future.add_done_callback(lambda done: self.method_queue.defer(self._after_run, connection, done))

    def _respond(self, connection: Connection) -> None:
        """Run in a thread: call the application, and write its response until the client must catch up."""
        try:
            if connection.blocks is None:
                self._call_application(connection)
            for block in connection.blocks or ():
                connection.writer.write(block)
                # A plain response is in memory anyway: its end frees the connection of the database.
                if connection.backlog.size and getattr(connection.response, "streaming", True):
                    return
            connection.writer.close()
            connection.keeps_alive = not connection.writer.should_close()
            _close_response(connection)
        except OSError as error:
            if error.errno not in GONE:
                self.log.exception("Socket error processing request.")
            self._fail(connection)
        except (Exception, SystemExit) as error:  # noqa: BLE001  as gunicorn does: the thread serves others
            self._fail(connection, error)

    def _call_application(self, connection: Connection) -> None:
        writer, environ = wsgi.create(
            connection.request, connection, connection.client, connection.server, self.cfg
        )
        environ["wsgi.multithread"] = True
        connection.writer = writer
        if not self.alive or not self.cfg.keepalive:
            writer.force_close()
        connection.response = self.wsgi(environ, writer.start_response)
        if isinstance(connection.response, wsgi.FileWrapper):
            connection.response.blksize = BLOCK
        connection.blocks = iter(connection.response)

    def _fail(self, connection: Connection, error: BaseException | None = None) -> None:
        """Answer 500 if nothing was sent yet, and let the connection be closed."""
        connection.keeps_alive = False
        has_begun = connection.writer is not None and connection.writer.headers_sent
        if has_begun and error is not None:
            self.log.exception("Error handling request")
        elif error is not None:
            with contextlib.suppress(OSError):
                self.handle_error(connection.request, connection, connection.client, error)
        with contextlib.suppress(Exception):
            _close_response(connection)

    # 5. Send

    def _after_run(self, connection: Connection, _done: "Future[None]") -> None:
        if connection.backlog.size:
            connection.wait(State.SENDING, GRACE_SECONDS)
            self._poll(connection, selectors.EVENT_WRITE, self._write)
        else:
            self._after_response(connection)

    def _write(self, connection: Connection) -> None:
        try:
            connection.flush()
        except OSError:
            self._drop(connection)
            return
        if not connection.backlog.size:
            self._stop_polling(connection)
            if connection.response is not None:
                self._run(connection)
            else:
                self._after_response(connection)

    # 6. Wait or close

    def _after_response(self, connection: Connection) -> None:
        connection.forget_request()
        if not connection.keeps_alive:
            self._linger(connection)
            return
        # A stopping worker waits briefly for a request that the client may already be sending.
        connection.wait(State.IDLE, self.cfg.keepalive if self.alive else CLOSE_SECONDS)
        self._poll(connection, selectors.EVENT_READ, self._read)
        if connection.received:
            self._read_head(connection)

    def _linger(self, connection: Connection) -> None:
        """Close the connection once the client has read the response.

        Closed at once with bytes unread, the system would take the response back (RFC 9112, section 9.6).
        """
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        connection.received.clear()
        connection.wait(State.CLOSING, CLOSE_SECONDS)
        self._poll(connection, selectors.EVENT_READ, self._read)

    def _refuse(self, connection: Connection, write: Any) -> None:
        """Let `write` answer the request, and close the connection afterwards."""
        self._stop_polling(connection)
        connection.forget_request()
        connection.keeps_alive = False
        with contextlib.suppress(OSError):
            write()
        connection.state = State.RUNNING
        self._after_run(connection, Future())

    def _refuse_with(self, connection: Connection, status: HTTPStatus, *, detail: str | None = None) -> None:
        self._refuse(connection, partial(gunicorn_errors.write_problem, connection, status, detail=detail))

    def _drop(self, connection: Connection) -> None:
        """Close the connection now."""
        # It may have been closed by an earlier event of the same turn of the loop.
        if connection not in self.connections:
            return
        self._stop_polling(connection)
        del self.connections[connection]
        self.nr_conns -= 1
        if connection.response is not None:
            # Like its beginning, the end of a response belongs into a thread: it may wait for the database.
            self.tpool.submit(_close_response, connection).add_done_callback(lambda _: connection.close())
        else:
            connection.close()

    # Deadlines

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  gunicorn's signature
        """Close connections past their deadline, or all that wait for a request.

        gunicorn calls this each time its loop has handled events.
        """
        now = time.monotonic()
        if not force and now < self.swept_at + SWEEP_SECONDS:
            return
        self.swept_at = now
        for connection in list(self.connections):
            is_late = connection.state is not State.RUNNING and connection.deadline <= now
            if is_late or (force and connection.state in (State.IDLE, State.HEAD)):
                self._expire(connection)

    def _expire(self, connection: Connection) -> None:
        is_incomplete = connection.state is State.BODY or (
            connection.state is State.HEAD and len(connection.received) > 0
        )
        if is_incomplete and self.alive:
            self._refuse_with(connection, HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """Let connections without a whole request wait until `deadline` at most. gunicorn calls this when it
        stops."""
        for connection in self.connections:
            if connection.state in (State.IDLE, State.HEAD, State.CLOSING):
                connection.deadline = min(connection.deadline, deadline)

    # The poller

    def _poll(self, connection: Connection, event: int, callback: Any) -> None:
        self.poller.register(connection.sock, event, lambda _: callback(connection))

    def _stop_polling(self, connection: Connection) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)


def _body_limit(request: Any) -> int:
    """Return how many bytes the application can read from the body of this request."""
    media_types = [value for name, value in request.headers if name == "CONTENT-TYPE"]
    is_upload = any(value.lower().startswith("multipart/") for value in media_types)
    return int(
        settings.REPORT_MAX_BYTES + FORM_OVERHEAD if is_upload else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )


def _close_response(connection: Connection) -> None:
    """Tell the application that its response is complete."""
    response, connection.response, connection.blocks = connection.response, None, None
    if hasattr(response, "close"):
        response.close()
