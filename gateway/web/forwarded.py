"""Who is calling where a proxy stands between: its word is taken only if the files say that it is ours."""

import ipaddress
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def caller_behind(peer: str, said: bytes | None, trusted: tuple[str, ...]) -> str:
    """The last address of `X-Forwarded-For` that is not a proxy of ours; `peer` where nobody may speak for others."""
    networks = _networks(trusted)
    if said is None or not _is_ours(peer, networks):
        return peer
    caller = peer
    for part in reversed(said.decode("latin-1").split(",")):
        address = part.strip()
        if not _is_address(address):
            return caller
        caller = address
        if not _is_ours(address, networks):
            return caller
    return caller


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_ours(text: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
