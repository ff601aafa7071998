"""The headers of a call: what the file says wins over what we would send."""

from gateway.domain.call import Headers
from gateway.domain.table import Provider

OURS: Headers = (("content-type", "application/json"), ("user-agent", "tokenhub"))


def headers_of(provider: Provider, own: Headers) -> Headers:
    """Ours, the dialect's own, and the file's."""
    if not provider.headers:
        return (*OURS, *own)
    said = tuple((name.lower(), value.reveal()) for name, value in provider.headers)
    names = {name for name, _ in said}
    return (*(pair for pair in (*OURS, *own) if pair[0] not in names), *said)
