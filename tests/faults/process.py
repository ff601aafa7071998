"""`tokenhub serve` as a process of its own: real signals, the real event loop, exit codes."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.canaries import check, check_files
from tests.serving import ADMIN, KEY

PATIENCE_S = 20.0


class Process:
    """One running gateway; `url` once it is ready."""

    def __init__(
        self,
        config: Path,
        folder: Path,
        *,
        listen: str = "127.0.0.1:0",
        watch: bool = False,
        more: Sequence[str] = (),
    ) -> None:
        self.log = folder / "stderr.log"
        self._data = folder / "data"
        environment = os.environ | {
            "TOKENHUB_DATA_DIR": str(self._data),
            "TOKENHUB_ADMIN_TOKEN": ADMIN,
            "OPENAI_API_KEY": "sk-CANARY-up",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "gateway.cli.main", "serve", str(config), "--listen", listen, *more]
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                [*command, "--watch" if watch else "--no-watch"], stdout=subprocess.PIPE, stderr=log, env=environment
            )
        self.url = ""

    def wait_ready(self) -> None:
        out = self.child.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], PATIENCE_S)
        line = out.readline().decode() if ready else ""
        assert line.startswith("tokenhub ready on "), (line, self.stderr)
        self.url = line.split()[3]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    @property
    def stderr(self) -> str:
        return self.log.read_text()

    def tell(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        return self.child.wait(seconds)

    def client(self, key: str = KEY) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S, trust_env=False
        )

    def said(self, words: str, seconds: float = PATIENCE_S) -> None:
        """Waits until the log holds these words."""
        end = time.monotonic() + seconds
        while words not in self.stderr:
            assert time.monotonic() < end, f"{words!r} is not in {self.stderr!r}"
            time.sleep(0.02)

    def end(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(PATIENCE_S)
        if self.child.stdout is not None:
            self.child.stdout.close()
        check([self.stderr], "the log")
        check_files(self._data)


@contextlib.contextmanager
def a_process(config: str, folder: Path, *, watch: bool = False) -> Iterator[Process]:
    path = folder / "tokenhub.yaml"
    path.write_text(config)
    process = Process(path, folder, watch=watch)
    try:
        process.wait_ready()
        yield process
    finally:
        process.end()


class Line:
    """A raw connection: bytes in, bytes out."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._sock = socket.create_connection(address, timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._sock.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """All bytes up to and with this mark, or up to the end."""
        got = b""
        while mark not in got:
            data = self._receive()
            if not data:
                break
            got += data
        return got

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        got = b""
        while data := self._receive():
            got += data
        return got

    def answers(self, count: int) -> list[bytes]:
        """So many whole answers with a Content-Length, heads and bodies; fewer if the connection ends."""
        got, found = b"", list[bytes]()
        while len(found) < count:
            head, mark, body = got.partition(b"\r\n\r\n")
            size = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            if mark and len(body) >= size:
                found.append(head + mark + body[:size])
                got = body[size:]
                continue
            data = self._receive()
            if not data:
                break
            got += data
        return found

    def _receive(self) -> bytes:
        try:
            return self._sock.recv(65536)
        except ConnectionError:
            return b""
