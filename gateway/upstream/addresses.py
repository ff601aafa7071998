"""Which network addresses a provider may have: public ones, unless the configuration permits private ones."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

METADATA = frozenset(
    ip_address(text) for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds hand out credentials; refused even where private addresses are permitted."""
CLOUD_INTERNAL = frozenset({ip_address("168.63.129.16")})
NAT64 = IPv6Network("64:ff9b::/96")
TUNNELS = tuple(ip_network(text) for text in ("2002::/16", "2001::/32", "64:ff9b:1::/48", "::/96", "192.88.99.0/24"))
"""Addresses that lead to another one inside them."""


def is_permitted(text: str, *, allow_private: bool) -> bool:
    address = _real(ip_address(text.partition("%")[0]))
    if address in METADATA:
        return False
    return allow_private or _is_public(address)


def _real(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address in CLOUD_INTERNAL:
        return False
    return not any(address in network for network in TUNNELS)
