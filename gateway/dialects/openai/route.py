"""Where a provider is called and with which headers, worked out once for each provider."""

from collections.abc import Callable

from msgspec import Struct

from gateway.dialects.openai.hosts import quirks_of
from gateway.dialects.openai.quirks import Quirks
from gateway.domain.call import Headers
from gateway.domain.table import Provider

PATHS = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
KEPT = 4096


class Route(Struct, frozen=True, kw_only=True):
    """All that calls to one provider have in common."""

    urls: dict[str, str]
    models_url: str
    whole: Headers
    stream: Headers
    quirks: Quirks


class Routes:
    """Remembers the route of each provider value; a reload makes new values, so nothing here can be stale."""

    def __init__(self, make: Callable[[Provider], Route]) -> None:
        self._make = make
        self._known: dict[int, tuple[Provider, Route]] = {}

    def of(self, provider: Provider) -> Route:
        known = self._known.get(id(provider))
        if known is not None and known[0] is provider:
            return known[1]
        if len(self._known) >= KEPT:
            self._known.clear()
        route = self._make(provider)
        self._known[id(provider)] = (provider, route)
        return route


def openai_route(provider: Provider) -> Route:
    """`base_url` plus OpenAI's paths, the key as a bearer."""
    base = provider.base_url.rstrip("/")
    headers = own_headers(provider, bearer_of(provider))
    return Route(
        urls={endpoint: base + path for endpoint, path in PATHS.items()},
        models_url=base + "/models",
        whole=(*headers, ("accept", "application/json")),
        stream=(*headers, ("accept", "text/event-stream")),
        quirks=quirks_of(provider),
    )


def bearer_of(provider: Provider) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {provider.api_key.reveal()}"),) if provider.api_key else ()


ACCOUNT_HEADERS = (("organization", "openai-organization"), ("project", "openai-project"))


def own_headers(provider: Provider, auth: tuple[tuple[str, str], ...]) -> Headers:
    """What the file says wins over what we would send."""
    account = tuple(
        (header, provider.options[option].reveal()) for option, header in ACCOUNT_HEADERS if option in provider.options
    )
    said = tuple((name.lower(), value.reveal()) for name, value in provider.headers)
    names = {name for name, _ in said}
    ours = (("content-type", "application/json"), ("user-agent", "tokenhub"), *auth, *account)
    return (*(pair for pair in ours if pair[0] not in names), *said)
