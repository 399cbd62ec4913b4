"""Trusted proxies, and the headers that only they may send."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Beginnings of the names of headers in which a proxy describes its client: the address, scheme,
#: host and path of the original request, the client's certificate (also RFC 9440) and the user
#: that the proxy has authenticated. "Via" is not among them: any client may send it (RFC 9110
#: §7.6.3), and it does not identify a client.
FORWARDED = (
    "Cf-Access-Authenticated-User-",
    "Cf-Connecting-Ip",
    "Client-Cert",
    "Client-Ip",
    "Fastly-Client-Ip",
    "Fly-Client-Ip",
    "Forwarded",
    "Front-End-Https",
    "Remote-Email",
    "Remote-Groups",
    "Remote-Name",
    "Remote-User",
    "Ssl-Client-",
    "True-Client-Ip",
    "X-Amzn-Mtls-",
    "X-Amzn-Oidc-",
    "X-Auth-Request-",
    "X-Authenticated-",
    "X-Authentik-",
    "X-Azure-Clientip",
    "X-Client-Cert",
    "X-Client-Dn",
    "X-Client-Ip",
    "X-Client-Verify",
    "X-Cluster-Client-Ip",
    "X-Envoy-External-Address",
    "X-Forwarded",
    "X-Goog-Authenticated-User-",
    "X-Http-Host-Override",
    "X-Ms-Client-Principal",
    "X-Original-",
    "X-Originating-Ip",
    "X-Proxyuser-Ip",
    "X-Real-Ip",
    "X-Remote-",
    "X-Rewrite-Url",
    "X-Scheme",
    "X-Script-Name",
    "X-Ssl-",
    "X-Url-Scheme",
    "X-Webauth-",
)


@lru_cache(1024)
def is_forwarded(name: str) -> bool:
    """Return True for the name of a header that only a trusted proxy may send."""
    return name.startswith(FORWARDED)


class TrustedProxies:
    """The addresses and networks whose forwarded headers are trusted.

    An IPv4 address also matches in its IPv6 form (``::ffff:10.0.0.1``), as a socket that listens
    for both families reports it. Raises ValueError for an invalid entry.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        if isinstance(entries, str):
            raise ValueError(f"trusted_proxies must be a list of addresses, not {entries!r}.")
        self._networks = tuple(_parse_network(entry) for entry in entries)

    def __contains__(self, text: str) -> bool:
        address = _parse_address(text)
        return address is not None and any(address in network for network in self._networks)

    def client_of(self, hops: str) -> str | None:
        """Return the client's address from ``X-Forwarded-For``; None when it is unknown.

        Each proxy appends the address of its peer. So the client's is the right-most one that does
        not belong to a trusted proxy. The client may have forged everything to the left of it.
        """
        client = None
        for hop in reversed(hops.split(",")):
            address = _parse_address(_without_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if client not in self:
                break
        return client


def _parse_network(entry: str) -> Network:
    try:
        network = ipaddress.ip_network(entry.strip())
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"{entry!r} is not a valid trusted proxy ({error}). Use an address or a network, "
            "such as 10.0.0.1 or 10.0.0.0/8."
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


@lru_cache(1024)
def _parse_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _without_port(hop: str) -> str:
    """Return the address without its port: ``192.0.2.1:4711`` or ``[2001:db8::1]:4711``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
