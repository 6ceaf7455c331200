"""Where messages may go: no private addresses unless that is wanted, checked at every connection."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from augrgb.core.errors import UsageFault
from augrgb.core.hosts import is_host

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses that a gateway translates: the last 32 bits are an IPv4 address (RFC 6052)."""


class Forbidden(Exception):
    """A name leads to an address to which nothing may be sent."""


def split_address(text: str, option: str, schemes: tuple[str, ...], remedy: str) -> SplitResult:
    """The parts of an address that a user gave; messages show neither its user nor its path, which may be secret.

    Args:
        text: `SCHEME://[USER:PASSWORD@]HOST[:PORT]...`.
        option: Where it was given.
        schemes: Those that are allowed.
        remedy: How to write it.

    Raises:
        UsageFault: E-CFG-027, it has another scheme, an impossible host or port, or letters to write as %XX.
    """
    try:
        url = urlsplit(text)
        clean = text.isprintable() and " " not in text and (url.path + url.query).isascii()
        usable = clean and url.scheme in schemes and is_host(url.hostname or "") and url.port != 0
    except ValueError:  # a port that is no number below 65536, or an unclosed bracket
        usable = False
    if not usable:
        host = text.partition("://")[2].partition("/")[0].rpartition("@")[2]
        raise UsageFault(
            "E-CFG-027", f"{option} {host}".rstrip(), f"is not an address of {' or '.join(schemes)}", remedy
        )
    return url


def public_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of a host.

    Args:
        host: A name or an address.
        port: Of the service.
        allow_private: Allow addresses of this machine and its networks.

    Raises:
        Forbidden: One of them is private and that is not allowed: a name that leads to both is a trick.
        OSError: The name cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if not allow_private:
        check_public(addresses)
    return addresses


def check_public(addresses: Iterable[str]) -> None:
    """Refuse addresses that are not of the public internet.

    Raises:
        Forbidden: One of them is not.

    >>> check_public(["93.184.216.34"])
    """
    for text in addresses:
        address = ipaddress.ip_address(text)
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        for one in (address, inner):
            if one is not None and (not one.is_global or one.is_multicast):
                raise Forbidden(f"{text} is an address of this machine or its networks")
