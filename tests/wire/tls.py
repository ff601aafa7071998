"""Certificates for tests, good and bad."""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

import trustme

Variant = Literal["good", "expired", "wrong_name", "untrusted", "client_cert"]


class Authority:
    """One certificate authority; `ca_file` is what a client should trust."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="wire-tls-")
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    @cached_property
    def client_files(self) -> tuple[str, str]:
        """Certificate and key with which a client can show who it is."""
        cert = self._ca.issue_cert("client@tests.example")
        files = (str(Path(self._folder.name) / "client.pem"), str(Path(self._folder.name) / "client.key"))
        cert.cert_chain_pems[0].write_to_path(files[0])
        cert.private_key_pem.write_to_path(files[1])
        return files

    def server_context(self, variant: Variant, names: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer = trustme.CA() if variant == "untrusted" else self._ca
        names = ("elsewhere.example",) if variant == "wrong_name" else names
        past = datetime.now(UTC) - timedelta(days=2)
        if variant == "expired":
            issuer.issue_cert(*names, not_before=past - timedelta(days=30), not_after=past).configure_cert(context)
        else:
            issuer.issue_cert(*names).configure_cert(context)
        if variant == "client_cert":
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def close(self) -> None:
        self._folder.cleanup()
