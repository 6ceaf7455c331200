"""Where messages may go: no private addresses unless that is wanted, checked at every connection."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable


class Forbidden(Exception):
    """A name leads to an address to which nothing may be sent."""


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
        for one in (address, inner):
            if one is not None and (not one.is_global or one.is_multicast):
                raise Forbidden(f"{text} is an address of this machine or its networks")
