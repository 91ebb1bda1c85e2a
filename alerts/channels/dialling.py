"""Which addresses may be dialled: a name is resolved, judged, and what was judged is dialled."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

Address: TypeAlias = IPv4Address | IPv6Address

_PORTS = {"http": 80, "https": 443}
_THIS_NETWORK = ip_network("0.0.0.0/8")
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address meant
_CLOUD_OWN = frozenset(
    map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)
"""Where clouds hand keys to their machines, beside the link-local address that all of them use."""


class CannotDial(Exception):
    """There is no address to connect to."""


class DialRefused(CannotDial):
    """This address may not be dialled: it is no place where a receiver of ours can be."""


class NameNotResolved(CannotDial):
    """The name has no address now."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: its host as written, its port, the path before what we ask for."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def place_of(url: str) -> Place:
    """Take a URL apart; raises DialRefused where nothing of ours may go there as it is written."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = _ascii(parts.hostname or "")
    except (ValueError, KeyError) as err:
        raise DialRefused("not an http or https URL") from err
    _check_written(parts, host)
    return Place(parts.scheme, host, port, parts.path)


def checked_address(host: str, port: int) -> tuple[str, int]:
    """The first address of a name, if all of them may be dialled; connect to it and no other."""
    return checked_addresses(host, port)[0], port


def checked_addresses(host: str, port: int) -> tuple[str, ...]:
    """All addresses of a name, none of them one that may not be dialled.

    Raises DialRefused or NameNotResolved. One bad address spoils the name: who answers so is not
    to be trusted with the others either.
    """
    addresses = _resolved(host, port)
    for address in addresses:
        check(address, is_loopback_meant=is_loopback(host))
    return tuple(map(str, addresses))


def check(address: Address, is_loopback_meant: bool = False) -> None:
    """Raise DialRefused where nothing may be dialled; hospitals' private ranges may be."""
    meant = _meant(address)
    if meant.is_loopback != is_loopback_meant:
        where = "this machine itself" if meant.is_loopback else "another machine than this one"
        raise DialRefused(f"the name leads to {where}")
    if meant.is_loopback:
        return
    if (
        meant.is_link_local
        or meant.is_multicast
        or meant.is_unspecified
        or meant.is_reserved
        or meant in _CLOUD_OWN
        or (meant.version == 4 and meant in _THIS_NETWORK)
    ):
        raise DialRefused("the name leads to an address where no receiver can be")


def is_loopback(host: str) -> bool:
    """Did somebody write this machine itself, and not a name that only leads to it?"""
    if host.lower() == "localhost":
        return True
    try:
        return _meant(ip_address(host)).is_loopback
    except ValueError:
        return False


def _check_written(parts: SplitResult, host: str) -> None:
    if not host:
        raise DialRefused("the URL names no host")
    if parts.username is not None or parts.query or parts.fragment:
        raise DialRefused("the URL holds more than host, port and path")
    if parts.scheme == "http" and not is_loopback(host):
        raise DialRefused("plain http goes to this machine itself only; use https")


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise NameNotResolved("the name has no address") from err
    # In the order of the resolver (RFC 6724), each once.
    return list(dict.fromkeys(ip_address(str(each[4][0])) for each in found))


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
