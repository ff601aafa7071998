"""The provider behind one deployment: where it is, how it speaks, with which credential and how much patience."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.config.litellm.sheet import Sheet
from gateway.config.litellm.vendors import SECRET_OPTIONS, Vendor
from gateway.domain.dialect_facts import DIALECTS

FIRST_BYTE_S, IDLE_S, TOTAL_S = 60.0, 30.0, 600.0
"""Ours, unless said."""


class Patience(Struct, frozen=True):
    """What the whole file says about timeouts."""

    total_s: float | None = None
    stream_s: float | None = None


class Places:
    """Each place once; deployments that differ in nothing but their model share it."""

    def __init__(self, patience: Patience, taken: frozenset[str]) -> None:
        self.providers: dict[str, dict[str, Any]] = {}
        self.reserved: set[str] = set()
        """Names that included files give to providers of theirs."""
        self._patience = patience
        self._taken = taken
        """Beginnings of model names: a provider of that name would make them mean two things."""

    def name_of(self, params: Sheet, vendor: Vendor) -> str:
        """The name of the provider that this deployment needs."""
        said = self.provider_of(params, vendor)
        for name, known in self.providers.items():
            if known == said:
                return name
        name = self._fresh(vendor.dialect)
        self.providers[name] = said
        return name

    def provider_of(self, params: Sheet, vendor: Vendor) -> dict[str, Any]:
        return provider_of(params, vendor, self._patience)

    def _fresh(self, dialect: str) -> str:
        base = f"{dialect}-api" if dialect in self._taken else dialect
        number = 1
        while (name := base if number == 1 else f"{base}-{number}") in (self.providers.keys() | self.reserved):
            number += 1
        return name


def provider_of(params: Sheet, vendor: Vendor, patience: Patience) -> dict[str, Any]:
    said: dict[str, Any] = {"dialect": vendor.dialect}
    base_url = base_url_of(params, vendor)
    if base_url is not None:
        said["base_url"] = base_url
    api_key = params.secret("api_key", vendor.variable or f"{vendor.dialect.upper()}_API_KEY")
    options = _options(params, vendor)
    if api_key is None and vendor.variable and "api_key" not in params.entries and _looks_up(params, vendor, options):
        api_key = f"${{env:{vendor.variable}}}"
    said |= {} if api_key is None else {"api_key": api_key}
    said |= _some("headers", _headers(params))
    said |= _some("options", options)
    said |= _some("timeouts", timeouts(params, patience))
    at_once = params.number("max_parallel_requests")
    said |= {} if at_once is None else {"max_concurrency": max(1, int(at_once))}
    facts = DIALECTS[vendor.dialect]
    needs_no_key = facts.needs_key and api_key is None
    if not facts.local and (needs_no_key or (base_url is not None and is_private(base_url))):
        said["allow_private"] = True
    return said


def _looks_up(params: Sheet, vendor: Vendor, options: Mapping[str, str]) -> bool:
    """Whether LiteLLM looks for the key in the environment: a server of one's own may have none."""
    if vendor.dialect == "azure":
        return "client_secret" not in options and "tenant_id" not in options
    return not any(name in params.entries for name in ADDRESSES)


ADDRESSES = ("api_base", "base_url", "aws_bedrock_runtime_endpoint")


def wrong_address(params: Sheet) -> bool:
    """Whether the address is said, but is none: a call must not go to where the vendor is by default."""
    name = next((name for name in ADDRESSES if name in params.entries), None)
    if name is None or params.entries[name].value is None:
        return False
    text = params.text(name)
    if text is None:
        return True
    wrong = re.fullmatch(r"(https?://)?[^\s/{}?#]+(/[^\s{}]*)?", re.sub(r"\$\{env:[^}]*\}", "x", text)) is None
    if wrong:
        params.note("lost", name, "not an address")
    return wrong


def base_url_of(params: Sheet, vendor: Vendor) -> str | None:
    name = next((name for name in ADDRESSES if name in params.entries), None)
    text = vendor.base_url if name is None else params.text(name)
    if name is None or text is None:
        return text
    text = text.rstrip("/")
    if text.startswith("${env:"):
        params.note("approximated", name, f"the variable must hold {ends(vendor)}")
        return text
    text = f"http://{text}" if "://" not in text else text
    if vendor.dialect == "azure" and "/openai/" in text:
        params.note("approximated", name, "up to the resource; deployments and versions are said elsewhere here")
        text = text.partition("/openai/")[0]
    for tail in ("/chat/completions", "/completions", "/embeddings"):
        text = text.removesuffix(tail)
    if vendor.base_suffix and not text.endswith(vendor.base_suffix):
        text += vendor.base_suffix
    return text


def ends(vendor: Vendor) -> str:
    example = DIALECTS[vendor.dialect].base_url
    return f"an address like {example}" if example else "the address up to where the API's own paths begin"


def is_private(base_url: str) -> bool:
    """Plain http, or a host that only a network of one's own knows; of a reference nobody knows it."""
    if base_url.startswith("${"):
        return False
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    return (
        parts.scheme == "http"
        or "." not in host
        or bool(re.match(r"(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\.", host))
    )


def _headers(params: Sheet) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in ("extra_headers", "headers"):
        sheet = params.sheet(field)
        for name in sheet.entries:
            secret = re.search(r"(?i)auth|key|token|secret|cookie", name)
            variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()) + "_HEADER"
            text = sheet.secret(name, variable) if secret else sheet.text(name)
            if text is not None:
                found[name] = text
    return found


def _options(params: Sheet, vendor: Vendor) -> dict[str, str]:
    allowed = DIALECTS[vendor.dialect].options
    texts = {theirs: params.text(theirs) for theirs in vendor.options if vendor.options[theirs] in allowed}
    found = {vendor.options[theirs]: text for theirs, text in texts.items() if text is not None}
    credentials = found.get("credentials")
    if credentials is not None and not credentials.startswith("${"):
        found["credentials"] = _google(params, credentials)
    for theirs, (ours, variable) in SECRET_OPTIONS.get(vendor.dialect, {}).items():
        text = params.secret(theirs, variable)
        found |= {} if text is None else {ours: text}
    return found


def _google(params: Sheet, written_out: str) -> str:
    """A path, or the content of such a file."""
    if not written_out.lstrip().startswith("{"):
        return f"${{file:{written_out}}}"
    name = next(name for name in ("vertex_credentials", "vertex_ai_credentials") if name in params.entries)
    return params.secret(name, "GOOGLE_SERVICE_ACCOUNT") or ""


def timeouts(params: Sheet, patience: Patience) -> dict[str, str]:
    """Only what differs from ours; no part longer than the whole."""
    total = params.number("timeout") or params.number("request_timeout") or patience.total_s
    first = params.number("stream_timeout") or patience.stream_s
    limit = total or TOTAL_S
    said = {
        "first_byte": min(first or FIRST_BYTE_S, limit),
        "idle": min(IDLE_S, limit),
        "total": limit,
    }
    ours = {"first_byte": FIRST_BYTE_S, "idle": IDLE_S, "total": TOTAL_S}
    return {name: duration(value) for name, value in said.items() if value != ours[name]} | (
        {"connect": duration(limit)} if limit < 2 else {}
    )


def duration(seconds: float) -> str:
    return f"{seconds:g}s" if seconds < 1e6 else f"{int(seconds)}s"


def _some(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {name: value} if value else {}
