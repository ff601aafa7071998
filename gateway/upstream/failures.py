"""What each way of not getting an answer means: one row a code."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from gateway.domain.table import Provider
from gateway.domain.trail import Blame, Failure, FailureKind


class Meaning(Struct, frozen=True, kw_only=True):
    says: str
    """Follows the provider's name."""
    kind: FailureKind = "transient"
    blame: Blame = "offer"
    same_offer: bool = False


def _row(says: str, **more: object) -> Meaning:
    return Meaning(says=says, **more)  # type: ignore[arg-type]


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "dns_error": _row("has an address that could not be looked up", blame="provider"),
        "address_refused": _row(
            "has an address inside a private network; `allow_private: true` permits that",
            kind="refused",
            blame="provider",
        ),
        "connect_refused": _row("refused the connection", blame="provider"),
        "connect_timeout": _row("did not accept a connection in time", blame="provider"),
        "unreachable": _row("cannot be reached over the network", blame="provider"),
        "tls_error": _row("did not prove who it is: the TLS handshake failed", blame="provider"),
        "tls_files": _row("has TLS files that cannot be used", kind="refused", blame="provider"),
        "proxy_error": _row("could not be reached through its proxy", blame="provider"),
        "too_many_open_files": _row("was not called: this process has no free file or port", blame="nobody"),
        "pool_exhausted": _row("was not called: `max_concurrency` calls to it are under way", blame="nobody"),
        "invalid_call": _row(
            "was not called: the address or a header holds a forbidden character", kind="refused", blame="nobody"
        ),
        "server_shutdown": _row("was not heard to the end: this process is stopping", blame="nobody"),
        "connection_reset": _row("broke the connection before it had answered", same_offer=True),
        "upstream_incomplete": _row("ended the connection in the middle of its answer", same_offer=True),
        "upstream_timeout": _row("did not begin to answer in time"),
        "upstream_stalled": _row("stopped in the middle of its answer"),
        "deadline_exceeded": _row("had not answered when the time for the request was over", blame="nobody"),
        "malformed_response": _row("answered with something that is not HTTP", kind="garbled"),
        "bad_encoding": _row("answered in a compression that cannot be undone", kind="garbled"),
        "response_too_large": _row("answered with more than may be read", kind="garbled"),
        "unexpected_redirect": _row("answered with a redirect, which is never followed", kind="refused"),
    }
)


def failed(code: str, provider: Provider, *, sent: bool = False, status: int | None = None) -> Failure:
    """`sent`: the request had left our socket, so the provider may charge for it."""
    meaning = MEANINGS[code]
    return Failure(
        kind=meaning.kind,
        code=code,
        message=f"The provider `{provider.name}` {meaning.says}.",
        status=status,
        blame=meaning.blame,
        same_offer=meaning.same_offer,
        possibly_billed=sent,
    )
