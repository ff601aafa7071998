"""Providers that could not be called, or not safely."""

from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from gateway.config.check_meaning.facts import Facts, names_secret
from gateway.config.check_meaning.urls import fault_of_url
from gateway.config.references import is_inline
from gateway.config.shape.offering import Provider
from gateway.config.shape.words import seconds
from gateway.config.tree import Path
from gateway.domain.dialect_facts import DIALECTS, DialectFacts

OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
    | {"proxy-authorization", "proxy-connection", "content-type", "accept-encoding"}
)
"""Headers the connection writes itself."""


def _known(facts: Facts) -> Iterator[tuple[str, Provider, DialectFacts]]:
    for name, provider in facts.said.providers.items():
        if provider.dialect in DIALECTS:
            yield name, provider, DIALECTS[provider.dialect]


def base_urls(facts: Facts) -> None:
    for name, provider, dialect in _known(facts):
        path: Path = ("providers", name, "base_url")
        if provider.base_url is None:
            if dialect.base_url is None and not facts.findings.is_faulty(path):
                message = f"the dialect `{provider.dialect}` has no default address: `base_url` is missing"
                facts.complain("TH2308", ("providers", name), message, key=True)
            continue
        url = facts.text(provider.base_url)
        private = provider.allow_private or dialect.local or dialect.speaks == "echo"
        fault = fault_of_url(url, allow_private=private) if url is not None else None
        if fault is not None:
            facts.complain(fault.code, path, fault.message, fault.hint)


def options(facts: Facts) -> None:
    for name, provider, dialect in _known(facts):
        for option in provider.options:
            if option not in dialect.options:
                known = ", ".join(f"`{one}`" for one in dialect.options)
                hint = facts.nearest(option, dialect.options) or (f"known here: {known}" if known else "it has none")
                message = f"the dialect `{provider.dialect}` has no option `{option}`"
                facts.complain("TH2309", ("providers", name, "options", option), message, hint, key=True)


def missing_keys(facts: Facts) -> None:
    for name, provider, dialect in _known(facts):
        sent = {header.lower() for header in provider.headers}
        keyless = not dialect.needs_key or not provider.enabled or provider.allow_private
        if keyless or provider.api_key or facts.findings.is_faulty(("providers", name, "api_key")):
            continue
        if not sent & {"authorization", "x-api-key", "api-key", "x-goog-api-key"}:
            variable = "".join(c if c.isalnum() else "_" for c in name).upper() + "_API_KEY"
            message = f"`{name}` has no `api_key`; the dialect `{provider.dialect}` usually needs one"
            facts.complain("TH2310", ("providers", name), message, f"add `api_key: ${{env:{variable}}}`", key=True)


def headers(facts: Facts) -> None:
    for name, provider in facts.said.providers.items():
        for header, text in provider.headers.items():
            path: Path = ("providers", name, "headers", header)
            if header.lower() in OURS:
                message = f"the connection writes `{header}` itself"
                facts.complain("TH2311", path, message, "remove it", key=True)
            elif any(ord(character) < 32 or 126 < ord(character) < 160 for character in text):
                facts.complain("TH2311", path, f"a line break or control character in `{header}`")


def certificates(facts: Facts) -> None:
    for name, provider in facts.said.providers.items():
        tls = provider.tls
        if (tls.client_cert is None) != (tls.client_key is None):
            missing = "client_key" if tls.client_key is None else "client_cert"
            present = "client_cert" if tls.client_key is None else "client_key"
            message = f"`{present}` without `{missing}`"
            facts.complain("TH2312", ("providers", name, "tls", present), message, f"add `{missing}`")
        for field in ("ca_file", "client_cert", "client_key"):
            written = getattr(tls, field)
            file = facts.text(written) if written else None
            if file and facts.world.secrets != "skip" and not FilePath(file).is_file():
                facts.complain("TH2314", ("providers", name, "tls", field), "this file does not exist")


def proxies(facts: Facts) -> None:
    for name, provider in facts.said.providers.items():
        proxy = facts.text(provider.proxy) if provider.proxy else None
        if proxy is None:
            continue
        try:
            parts = urlsplit(proxy)
            good = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and parts.path in {"", "/"}
        except ValueError:
            good = False
        if not good:
            hint = "for example `http://proxy.example.com:3128`"
            facts.complain("TH2313", ("providers", name, "proxy"), "expected the URL of an HTTP proxy", hint)


def timeouts(facts: Facts) -> None:
    for name, provider in facts.said.providers.items():
        said = provider.timeouts
        if facts.findings.is_faulty(("providers", name, "timeouts", "total")):
            continue
        for field in ("connect", "first_byte", "idle"):
            path: Path = ("providers", name, "timeouts", field)
            text = getattr(said, field)
            written = facts.findings.root is not None and not facts.findings.is_faulty(path)
            if written and text and seconds(text) > seconds(said.total):
                message = f"`{field}` ({text}) is longer than `total` ({said.total}) and can never be reached"
                facts.complain("TH2315", ("providers", name, "timeouts", "total"), message)
                break


def inline_secrets(facts: Facts) -> None:
    if facts.said.allow_inline_secrets:
        return
    hint = "write `${env:NAME}` or `${file:/path}`, or permit it with `allow_inline_secrets: true`"
    for path, text in _credentials(facts):
        if is_inline(text):
            facts.complain("TH1308", path, "a secret in plain text", hint)
    for path, text in _addresses(facts):
        userinfo = text.partition("://")[2].partition("/")[0].rpartition("@")[0]
        if ":" in userinfo and is_inline(userinfo.partition(":")[2]):
            facts.complain("TH1308", path, "a password in plain text", hint)


def _credentials(facts: Facts) -> Iterator[tuple[Path, str]]:
    for name, provider in facts.said.providers.items():
        if provider.api_key:
            yield ("providers", name, "api_key"), provider.api_key
        for part, entries in (("headers", provider.headers), ("options", provider.options)):
            for field, text in entries.items():
                if names_secret(field):
                    yield ("providers", name, part, field), text
    hook = facts.said.alerts.webhook
    if hook and hook.secret:
        yield ("alerts", "webhook", "secret"), hook.secret


def _addresses(facts: Facts) -> Iterator[tuple[Path, str]]:
    yield ("state",), facts.said.state
    yield ("ledger",), facts.said.ledger
    for name, provider in facts.said.providers.items():
        if provider.proxy:
            yield ("providers", name, "proxy"), provider.proxy


RULES: tuple[Callable[[Facts], None], ...] = (
    base_urls,
    options,
    missing_keys,
    headers,
    certificates,
    proxies,
    timeouts,
    inline_secrets,
)
