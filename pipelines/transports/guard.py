"""The one door through which every transport connects: it resolves a name once, judges each address, and connects
to the address it judged, so that a name whose answer changes in between (DNS rebinding) gains nothing.

What may be reached is an `Egress`, made from a destination's allow-lists. Nothing here speaks HTTP, SFTP or S3.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.errors import Misconfigured, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # AWS containers
        "fd00:ec2::254",  # AWS over IPv6
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure's host, a public address by the registry
    )
)
"""Where clouds hand out credentials to whoever asks from inside."""

_WRAPPERS: tuple[tuple[Network, str, int], ...] = (
    (ipaddress.ip_network("::ffff:0:0/96"), "an IPv4-mapped address", 0),
    (ipaddress.ip_network("64:ff9b::/96"), "a NAT64 address", 0),
    (ipaddress.ip_network("64:ff9b:1::/48"), "a local NAT64 address", 0),
    (ipaddress.ip_network("2002::/16"), "a 6to4 address", 80),
    (ipaddress.ip_network("::/96"), "an IPv4-compatible address", 0),
)
"""IPv6 forms that carry an IPv4 address, and how far from the right it stands, in bits."""

CLOSED = "a network that this installation never reaches"

_PLAIN_V6 = ipaddress.ip_network("2000::/3")  # the only IPv6 space handed out for the public net (RFC 4291, 2.4)

_ALSO_RESERVED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48")
)
"""Special ranges of the IANA registries that some releases of Python still call global."""


@dataclass(frozen=True, slots=True)
class Egress:
    """Whom a destination may reach. Empty `allowed_hosts`: every host with a public address. `allowed_networks` adds
    private networks. Equal policies share connections, different ones never do."""

    allowed_hosts: frozenset[str] = frozenset()
    """Exact names, or `*.example.com` for every name below example.com."""
    allowed_networks: tuple[str, ...] = ()
    """Networks such as 10.1.0.0/16, or single addresses."""
    closed_networks: tuple[str, ...] = ()
    """Networks that the installation closes to everybody, whatever a destination allows."""


def connect(host: str, port: int, *, egress: Egress, timeout: float) -> tuple[socket.socket, Mapping[str, float]]:
    """A TCP connection to `host`, within `timeout` seconds in all, and how many milliseconds `dns` and `connect` took.

    Raises Misconfigured where the policy says no, Unavailable where nothing resolves or nobody answers."""
    begun = time.monotonic()
    name = checked_host(host, egress)
    if not 0 < port < 65536:
        raise Misconfigured(f"{host}: {port} is no port; ports go from 1 to 65535.")
    found = _resolve(name, port, timeout)
    resolved = time.monotonic()
    allowed = _allowed(name, found, egress)
    connection = _first(host, port, allowed, begun + timeout)
    done = time.monotonic()
    return connection, {"dns": (resolved - begun) * 1000, "connect": (done - resolved) * 1000}


def checked_host(host: str, egress: Egress) -> str:
    """The name as it is resolved: lower case, ASCII, no final dot. Raises Misconfigured where the list lacks it."""
    name = _ascii(host)
    if egress.allowed_hosts and not any(_matches(name, pattern) for pattern in egress.allowed_hosts):
        listed = ", ".join(sorted(egress.allowed_hosts))
        raise Misconfigured(
            f"{host} is not among the destination's allowed hosts ({listed}). "
            f"If it should be reached, add {name} to the destination's allowed hosts."
        )
    return name


def refusal(address: str, egress: Egress) -> str:
    """Why `address` may not be reached, as `a loopback address`; empty where it may."""
    return _judged(ipaddress.ip_address(address), egress)


def _ascii(host: str) -> str:
    name = host.strip("[]").rstrip(".").lower()
    if not name:
        raise Misconfigured("The address names no host.")
    if name.isascii():
        return name
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise Misconfigured(f"{host} is no valid host name: {error}.") from error


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.strip().lower().rstrip(".")
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and name != pattern[1:]
    return name == (pattern.strip("[]") if pattern.isascii() else _ascii(pattern))


def _resolve(name: str, port: int, timeout: float) -> list[str]:
    """Every address of `name`, in the resolver's order."""
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    # getaddrinfo knows no time-out: a resolver that hangs must not hold a worker for its own half minute
    threading.Thread(target=ask, name=f"resolve {name}", daemon=True).start()
    try:
        answer = answers.get(timeout=max(timeout, 0.001))
    except queue.Empty:
        raise Unavailable(f"The name {name} was not resolved within {timeout:.0f} s.") from None
    if isinstance(answer, UnicodeError):
        raise Misconfigured(f"{name} is no valid host name.") from answer
    if isinstance(answer, OSError):
        raise Unavailable(f"The name {name} does not resolve: {answer.strerror or answer}.") from answer
    if not answer:
        raise Unavailable(f"The name {name} resolves to no address.")
    return answer


def _allowed(name: str, found: Sequence[str], egress: Egress) -> list[str]:
    allowed: list[str] = []
    refused: list[tuple[str, str]] = []
    for address in found:
        why = _judged(ipaddress.ip_address(address), egress)
        if why:
            refused.append((address, why))
        else:
            allowed.append(address)
    if allowed:
        return allowed
    said = " and ".join(f"{address}, {why}" for address, why in refused)
    if refused[0][1] == CLOSED:
        raise Misconfigured(f"{name} ({refused[0][0]}) is in {CLOSED}: its administrator has closed it to everybody.")
    first = refused[0][0].partition("%")[0]
    opens = f"{first}/{128 if ':' in first else 32}"
    shown = f"{name} is {refused[0][1]}" if name == refused[0][0] else f"{name} resolves to {said}"
    raise Misconfigured(
        f"{shown}, which Waybill does not reach unless told to. "
        f"If it is meant, add {opens} or its network to the destination's allowed networks."
    )


def _judged(address: Address, egress: Egress) -> str:
    if _within(address, _networks(egress.closed_networks)):
        return CLOSED
    return _refusal(address, _networks(egress.allowed_networks))


def _within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether it, or the IPv4 address that it carries, is in one of them."""
    if _covered(address, networks):
        return True
    if not networks or not isinstance(address, ipaddress.IPv6Address):
        return False
    address = ipaddress.IPv6Address(int(address))
    inner: list[Address] = [
        ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
        for network, _, shift in _WRAPPERS
        if address in network
    ]
    return any(_covered(one, networks) for one in [address, *inner])


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)
    except ValueError as error:
        message = f"The destination's allowed networks are wrong: {error}. Write them as 10.1.0.0/16."
        raise Misconfigured(message) from error


def _covered(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _refusal(address: Address, networks: Sequence[Network]) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            address = ipaddress.IPv6Address(int(address))
        for network, what, shift in _WRAPPERS:
            if address in network and int(address) > 1:  # :: and ::1 are judged below
                inner = ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
                if not _covered(address, networks):
                    return f"{what} (of {inner})"
                return _refusal(inner, networks)
    if address in METADATA:  # a network around it opens others; to open this one, name it alone
        alone = any(network.num_addresses == 1 and address in network for network in networks)
        return "" if alone else "a cloud's metadata address"
    if _covered(address, networks):
        return ""
    for yes, what in (
        (address.is_loopback, "a loopback address"),
        (address.is_link_local, "a link-local address"),
        (address.is_multicast, "a multicast address"),
        (address.is_unspecified, "the unspecified address"),
        (address in _CGNAT, "a shared (carrier NAT) address"),
        (_covered(address, _ALSO_RESERVED), "a reserved address"),
        (address.is_reserved, "a reserved address"),
        (address.is_private, "a private address"),
        (not address.is_global, "a reserved address"),
        (address.version == 6 and address not in _PLAIN_V6, "a reserved address"),
    ):
        if yes:
            return what
    return ""


_CGNAT = ipaddress.ip_network("100.64.0.0/10")


def _first(host: str, port: int, addresses: Sequence[str], deadline: float) -> socket.socket:
    """The first address that answers; each gets its share of the time that is left."""
    errors: list[str] = []
    cause: OSError | None = None
    for index, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            connection = _connected(address, port, left / (len(addresses) - index))
        except OSError as error:
            cause = error
            errors.append(f"{address}: {_readable(error)}")
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    said = "; ".join(errors) or "no time was left to connect"
    raise Unavailable(f"{host} cannot be reached at port {port} ({said}).") from cause


def _connected(address: str, port: int, timeout: float) -> socket.socket:
    """A connection to this very address: nothing is resolved again."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _readable(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error)).lower()
