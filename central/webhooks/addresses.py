"""Which addresses a webhook may be sent to: public ones over https, others only where an operator allows it.

A subscription's host name is looked up here, all of its addresses are judged, and the connection is made to the address
that was judged: a name that answers differently the second time reaches nothing inside the shop's network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from central.errors import MisconfiguredError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class ForbiddenAddressError(Exception):
    """Nothing is sent there; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and what to say there: `url` names the address, `host` the name (also for TLS)."""

    url: str
    host: str
    name: str


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks an operator allows besides public ones. MisconfiguredError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise MisconfiguredError(f"--webhook-network: {error}; give for example 10.1.0.0/16") from None


def plain(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where that is where packets go."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def permitted(address: Address, secure: bool, allowed: Sequence[Network]) -> bool:
    """Public addresses over https; others when they were allowed, without https only this machine itself."""
    real = plain(address)
    named = any(real in network for network in allowed if network.version == real.version)
    if not secure:
        return real.is_loopback and named
    return named or (real.is_global and not real.is_multicast)


async def target(url: str, allowed: Sequence[Network]) -> Target:
    """Look the host up and judge all its addresses. ForbiddenAddressError; OSError when there is no such host."""
    parts = _parts(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not permitted(address, parts.scheme == "https", allowed):
            raise ForbiddenAddressError(f"{host} is not a public address reached over https")
    shown = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = f"[{host}]" if ":" in host else host
    return Target(f"{parts.scheme}://{shown}:{port}{path}", named if parts.port is None else f"{named}:{port}", host)


class _Parts:
    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self.scheme, self.hostname, self.port = split.scheme, split.hostname, split.port
        self.path, self.query = split.path, split.query
        if self.scheme not in {"http", "https"} or not self.hostname:
            raise ForbiddenAddressError("the address must begin with https:// and name a host")
        if split.username is not None or split.password is not None:
            raise ForbiddenAddressError("no name or password in the address: messages are signed")


def _parts(url: str) -> _Parts:
    try:
        return _Parts(url)
    except ValueError:
        raise ForbiddenAddressError("this is not a web address") from None
