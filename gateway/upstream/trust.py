"""Whom we trust over TLS, and who we say we are: verification is never off."""

import asyncio
import ssl
from pathlib import Path

from gateway.domain.table import Tls


class Trust:
    """One context for each set of files; a file that changed makes a new one."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: dict[tuple[Tls, tuple[int, ...]], ssl.SSLContext] = {}

    async def context(self, tls: Tls) -> ssl.SSLContext:
        """Raises OSError (of which SSLError is one) where the files cannot be used."""
        key = (tls, _times(tls))
        context = self._contexts.get(key)
        if context is None:
            # reading the system's certificates takes tens of milliseconds
            context = await asyncio.get_running_loop().run_in_executor(None, _make, tls)
            for old in [other for other in self._contexts if other[0] == tls]:
                del self._contexts[old]
            self._contexts[key] = context
        return context


def _make(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.client_cert is not None:
        context.load_cert_chain(tls.client_cert, tls.client_key)
    return context


def _times(tls: Tls) -> tuple[int, ...]:
    files = (tls.ca_file, tls.client_cert, tls.client_key)
    return tuple(Path(file).stat().st_mtime_ns for file in files if file is not None)
