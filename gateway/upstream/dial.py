"""From a provider's name to an open connection: look up, connect, pass the proxy, shake hands; each within its time."""

import asyncio
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from gateway.clock import Clock
from gateway.domain.call import Patience
from gateway.domain.table import Provider
from gateway.upstream.addresses import is_permitted
from gateway.upstream.bounds import Bounds
from gateway.upstream.connection import Connection
from gateway.upstream.letter import Origin, origin_of, proxy_headers
from gateway.upstream.names import Address, Lookup, Names
from gateway.upstream.race import connect_first
from gateway.upstream.trust import Trust

MAX_PROXY_HEAD = 16 * 1024


class Dialer:
    __slots__ = ("_bounds", "_clock", "_names", "_trust")

    def __init__(self, clock: Clock, bounds: Bounds, lookup: Lookup | None) -> None:
        self._clock = clock
        self._bounds = bounds
        self._names = Names(clock, lookup)
        self._trust = Trust()

    async def dial(
        self, provider: Provider, origin: Origin, patience: Patience, on_lost: Callable[[Connection], None]
    ) -> Connection | str:
        """A code says why there is no connection."""
        sock = await self._reach(provider, origin, patience)
        if isinstance(sock, str):
            return sock

        def connection() -> Connection:
            return Connection(self._clock, self._bounds, on_lost, origin)

        return await self._greet(provider, origin, patience, sock, connection)

    async def aclose(self) -> None:
        await self._names.aclose()

    async def _reach(self, provider: Provider, origin: Origin, patience: Patience) -> socket.socket | str:
        """A socket on which the provider will hear us."""
        proxy = provider.proxy
        end = origin if proxy is None else origin_of(urlsplit(proxy))
        if end is None or (proxy is not None and end.scheme != "http"):
            return "proxy_error"
        phase = "dns_error"
        left_s = patience.until - self._clock.monotonic()
        try:
            async with asyncio.timeout(min(patience.connect_s, left_s)):
                found = await self._names.find(end.host)
                allowed = found if proxy is not None else _permitted(found, provider)
                if not allowed:
                    return _code("address_refused" if found else "dns_error", proxy)
                phase = "connect_timeout"
                sock = await connect_first(allowed, end.port, self._bounds.second_address_s)
                if isinstance(sock, str):
                    self._names.doubt(end.host)
                    return _code(sock, proxy)
                if proxy is None or origin.scheme == "http":
                    return sock
                return await _tunnel(sock, origin, proxy)
        except TimeoutError:
            self._names.doubt(end.host)
            return "deadline_exceeded" if left_s < patience.connect_s else _code(phase, proxy)

    async def _greet(
        self,
        provider: Provider,
        origin: Origin,
        patience: Patience,
        sock: socket.socket,
        connection: Callable[[], Connection],
    ) -> Connection | str:
        made: Connection | None = None
        left_s = patience.until - self._clock.monotonic()
        try:
            async with asyncio.timeout(min(self._bounds.handshake_s, left_s)):
                try:
                    context = await self._trust.context(provider.tls) if origin.scheme == "https" else None
                except OSError:
                    return "tls_files"
                name = origin.host if context is not None else None
                loop = asyncio.get_running_loop()
                _, made = await loop.create_connection(connection, sock=sock, ssl=context, server_hostname=name)
                return made
        except TimeoutError:
            return "deadline_exceeded" if left_s < self._bounds.handshake_s else "connect_timeout"
        except (OSError, ValueError):  # ValueError: a name that cannot stand in a certificate
            return "tls_error" if origin.scheme == "https" else "connect_refused"
        finally:
            if made is None:
                sock.close()


def _permitted(found: tuple[Address, ...], provider: Provider) -> tuple[Address, ...]:
    return tuple(address for address in found if is_permitted(address[1], allow_private=provider.allow_private))


def _code(code: str, proxy: str | None) -> str:
    """What befell the way to a proxy is the proxy's fault; our own shortages stay ours."""
    return code if proxy is None or code == "too_many_open_files" else "proxy_error"


async def _tunnel(sock: socket.socket, origin: Origin, proxy: str) -> socket.socket | str:
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    lines += [f"{name}: {value}" for name, value in proxy_headers(proxy)]
    through = False
    try:
        await loop.sock_sendall(sock, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = await loop.sock_recv(sock, 4096)
            head += data
            if not data or len(head) > MAX_PROXY_HEAD or not b"HTTP/1.".startswith(head[:7]):
                return "proxy_error"
        through = head[9:12] == b"200"
    except OSError:
        return "proxy_error"
    else:
        return sock if through else "proxy_error"
    finally:
        if not through:
            sock.close()
