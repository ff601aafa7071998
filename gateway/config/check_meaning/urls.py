"""What may stand in the URL of a provider: only what leads where it seems to lead."""

import ipaddress
import re
import socket
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fault(Struct, frozen=True):
    code: str
    message: str
    hint: str | None = None


_ALLOWED = re.compile(r"[A-Za-z0-9._~:/\[\]!$&'()*+,;=%@?#{}-]+")
_HOST = re.compile(r"(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.?)+")
_METADATA_HOSTS = frozenset({"metadata.google.internal", "metadata", "metadata.azure.internal", "instance-data"})
_METADATA = frozenset(
    {
        *map(ipaddress.IPv4Address, ("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200")),
        *map(ipaddress.IPv4Address, ("168.63.129.16", "192.0.0.192")),
        *map(ipaddress.IPv6Address, ("fd00:ec2::254", "fd00:ec2::23")),
    }
)
_CARRIER = ipaddress.ip_network("100.64.0.0/10")
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def fault_of_url(url: str, *, allow_private: bool) -> Fault | None:
    """The first thing that is wrong with a URL, or None."""
    bad = _malformed(url)
    if bad is not None:
        return bad
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    address = address_of(host)
    if host in _METADATA_HOSTS or (address is not None and any(one in _METADATA for one in _readings(address))):
        message = "a metadata address, where clouds keep credentials, is never called"
        return Fault("TH2305", message)
    if allow_private:
        return None
    if is_private(host):
        hint = "say `allow_private: true` if it is yours"
        return Fault("TH2306", "its host is a loopback, private or link-local address", hint)
    if parts.scheme == "http":
        hint = "use `https`, or say `allow_private: true`"
        return Fault("TH2307", "plain `http`: keys and prompts would travel in the clear", hint)
    return None


def _malformed(url: str) -> Fault | None:
    odd = next((character for character in url if not _ALLOWED.fullmatch(character)), None)
    if odd is not None:
        return Fault(
            "TH2301", f"the character `{odd}` cannot stand in a URL" if odd.isprintable() else "a control character"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return Fault("TH2301", "this is not a URL", "for example `https://api.example.com/v1`")
    if parts.scheme not in {"http", "https"}:
        hint = f"write `https://{url}`" if "://" not in url and "@" not in url else "providers are called by `https`"
        return Fault("TH2302", "expected a URL that begins with `https://`", hint)
    if "@" in parts.netloc:
        return Fault("TH2303", "a user name or password in a URL", "use `api_key` or `headers`")
    if "?" in url or "#" in url:
        return Fault("TH2304", "a query or fragment: paths are added at the end of this URL", "remove `?…` or `#…`")
    return _odd_host(url, parts.hostname or "", port)


def _odd_host(url: str, host: str, port: int | None) -> Fault | None:
    parts = urlsplit(url)
    if not host:
        return Fault("TH2301", "there is no host in this URL", "for example `https://api.example.com/v1`")
    if address_of(host) is None and not _HOST.fullmatch(host):
        return Fault("TH2301", "the host is malformed")
    rebuilt = f"[{host}]" if ":" in host else host
    rebuilt += f":{port}" if port is not None else ""
    if port == 0 or parts.netloc.lower() != rebuilt or urlunsplit(parts) != url:
        return Fault("TH2301", "host and port do not read the same when the URL is taken apart and put together")
    if "/../" in f"{parts.path}/" or "%2f" in parts.path.lower() or "//" in parts.path:
        return Fault("TH2301", "`..`, `//` or an escaped `/` in the path")
    return None


def address_of(host: str) -> Address | None:
    """An address in any notation that a resolver takes: `127.1` and `0x7f000001` are 127.0.0.1."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not re.fullmatch(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}", host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_private(host: str) -> bool:
    """Loopback, private, link-local, carrier-grade, or one of these in translation; names are not looked up."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa")):
        return True
    address = address_of(host)
    return address is not None and any(_is_inner(one) for one in _readings(address))


def _is_inner(address: Address) -> bool:
    carrier = address.version == 4 and address in _CARRIER
    return carrier or not address.is_global or address.is_multicast or address.is_reserved


def _readings(address: Address) -> list[Address]:
    """An IPv6 address can carry an IPv4 one within."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _TRANSLATED[:2]):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    carried: list[Address] = [one for one in inner if one is not None]
    plain = not any(address in network for network in _TRANSLATED)
    return [*carried, address] if plain and not carried else carried
