"""Read and write server-sent events, as bytes: only CR, LF and CRLF end a line, wherever the bytes were cut."""

from msgspec import Struct

MAX_EVENT_BYTES = 1024 * 1024
BOM = b"\xef\xbb\xbf"


class Event(Struct, frozen=True, gc=False):
    """One event. `name` is empty where the stream named none."""

    data: bytes
    name: bytes = b""


class SseReader:
    """Feed bytes in any cuts, get the events that are whole now; the same bytes give the same events."""

    __slots__ = ("_after_cr", "_buffer", "_fresh", "_max", "overflow")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._buffer = bytearray()
        self._max = max_event_bytes
        self._after_cr = False
        self._fresh = True
        self.overflow = False
        """An event was longer than allowed: nothing after it is read."""

    def feed(self, data: bytes) -> list[Event]:
        if self.overflow:
            return []
        if self._fresh or self._after_cr or b"\r" in data:
            data = self._plain(data)
        if self._buffer:
            return self._feed_rest(data)
        end = data.rfind(b"\n\n")
        if end < 0:
            return self._keep(data)
        events = self._events(data[:end])
        if end + 2 < len(data) and not self.overflow:
            self._keep(data[end + 2 :])
        return events

    @property
    def at_rest(self) -> bool:
        """What comes next begins a new event."""
        return not (self._buffer or self._after_cr or self._fresh or self.overflow)

    def end(self) -> list[Event]:
        """The bytes are over: what was begun without a blank line behind it, be it whole or half."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return [] if self.overflow or self._fresh else self._events(rest)

    def _plain(self, data: bytes) -> bytes:
        """Every line ends with LF, and no byte order mark stands at the start."""
        if self._fresh:
            data = bytes(self._buffer) + data
            self._buffer.clear()
            if len(data) < len(BOM) and BOM.startswith(data):
                self._buffer += data
                return b""
            self._fresh = False
            data = data.removeprefix(BOM)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _feed_rest(self, data: bytes) -> list[Event]:
        if not data or self._fresh:
            return []
        buffer = self._buffer
        seam = max(0, len(buffer) - 1)
        buffer += data
        end = buffer.rfind(b"\n\n", seam)
        if end < 0:
            return self._keep(b"")
        events = self._events(bytes(buffer[:end]))
        del buffer[: end + 2]
        self._keep(b"")
        return events

    def _keep(self, data: bytes) -> list[Event]:
        """Hold on to the start of an event."""
        self._buffer += data
        if len(self._buffer) > self._max:
            self.overflow = True
            self._buffer.clear()
        return []

    def _events(self, whole: bytes) -> list[Event]:
        events: list[Event] = []
        for block in whole.split(b"\n\n"):
            if len(block) > self._max:
                self.overflow = True
                break
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(Event(block[6:]))
            elif block:
                _parse(block, events)
        return events


def frame(data: bytes) -> bytes:
    """One event without a name."""
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"data: " + data + b"\n\n"


def _parse(block: bytes, events: list[Event]) -> None:
    name = b""
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        field, colon, value = line.partition(b":")
        if colon and value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value
        # `id` and `retry` are for clients that reconnect, a field without a name is a comment, others are unknown
    if lines:
        events.append(Event(b"\n".join(lines), name))
