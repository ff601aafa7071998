"""The server's side of a connection, with the patience and the size limits that neither parser nor server bring."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
MAX_HEAD_BYTES = 80 * 1024
WRITE_LIMIT_S = 60.0
LEAST_READ_BYTES = 64 * 1024
"""Whoever takes less of a waiting answer than this within WRITE_LIMIT_S is not reading it."""

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s"
)
TOO_LARGE_BODY = (
    b'{"error":{"type":"invalid_request_error","message":"The head of the request is over 80 KiB.",'
    b'"code":"headers_too_large","param":null}}'
)
MALFORMED_BODY = (
    b'{"error":{"type":"invalid_request_error","message":"This is not a well-formed HTTP/1.1 request.",'
    b'"code":"invalid_http","param":null}}'
)
MALFORMED = (
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(MALFORMED_BODY), MALFORMED_BODY)
)


class GuardedProtocol(HttpToolsProtocol):
    """Closes connections whose heads dawdle or swell, and those that do not read; good ones cost nothing more."""

    head_timeout_s = HEAD_TIMEOUT_S
    write_limit_s = WRITE_LIMIT_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_open = True
        self._head_bytes = 0
        self._unread = 0
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(self.head_timeout_s, self._dawdled)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_open:
            self._watch_head(len(data))
        elif self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._stop_write_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_open = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_open = False
        super().on_headers_complete()
        if getattr(self.server_state, "draining", False):
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        self._head_open = False
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(MALFORMED)
        self.transport.close()

    def _watch_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._head_open = False
            self.transport.write(TOO_LARGE % (len(TOO_LARGE_BODY), TOO_LARGE_BODY))
            self.transport.close()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._dawdled)

    def _dawdled(self) -> None:
        self._head_timer = None
        if self._head_open and not self.transport.is_closing():
            self.transport.close()

    def _wait_for_reader(self) -> None:
        self._stop_write_timer()
        self._unread = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.write_limit_s, self._not_read)

    def _not_read(self) -> None:
        """Slow readers are waited for as long as they read; a closing handshake would wait for the others forever."""
        if self._unread - self.transport.get_write_buffer_size() >= LEAST_READ_BYTES:
            self._wait_for_reader()
        else:
            self._write_timer = None
            self.transport.abort()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
