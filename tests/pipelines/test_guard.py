"""Whom a connection may reach: addresses are judged after the name is resolved, and the judged one is connected to."""

from __future__ import annotations

import ipaddress
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Misconfigured, Unavailable
from pipelines.transports import guard
from pipelines.transports.guard import Egress, connect, refusal

ANYBODY = Egress()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.9.9.9", "a loopback address"),
        ("::1", "a loopback address"),
        ("0.0.0.0", "the unspecified address"),
        ("::", "the unspecified address"),
        ("10.1.2.3", "a private address"),
        ("172.31.0.1", "a private address"),
        ("192.168.1.1", "a private address"),
        ("fd12:3456::1", "a private address"),
        ("169.254.1.1", "a link-local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("169.254.169.254", "a cloud's metadata address"),
        ("fd00:ec2::254", "a cloud's metadata address"),
        ("168.63.129.16", "a cloud's metadata address"),
        ("100.64.0.1", "a shared (carrier NAT) address"),
        ("224.0.0.1", "a multicast address"),
        ("ff0e::1", "a multicast address"),
        ("192.0.0.8", "a reserved address"),
        ("192.88.99.1", "a reserved address"),
        ("240.0.0.1", "a reserved address"),
        ("255.255.255.255", "a reserved address"),
        ("2001:db8::1", "a reserved address"),
        ("3fff::1", "a reserved address"),
        ("5f00::1", "a reserved address"),
        ("::ffff:127.0.0.1", "an IPv4-mapped address (of 127.0.0.1)"),
        ("::ffff:8.8.8.8", "an IPv4-mapped address (of 8.8.8.8)"),
        ("64:ff9b::7f00:1", "a NAT64 address (of 127.0.0.1)"),
        ("2002:7f00:1::", "a 6to4 address (of 127.0.0.1)"),
        ("::7f00:1", "an IPv4-compatible address (of 127.0.0.1)"),
        ("8.8.8.8", ""),
        ("2606:4700::1111", ""),
    ],
)
def test_an_address_is_judged_by_what_it_is(address, why):
    assert refusal(address, ANYBODY) == why


def test_an_allowed_network_opens_just_itself():
    egress = Egress(allowed_networks=("10.1.0.0/16",))

    assert refusal("10.1.255.1", egress) == ""
    assert refusal("10.2.0.1", egress) == "a private address"
    assert refusal("127.0.0.1", egress) == "a loopback address"


def test_a_nat64_network_does_not_open_the_private_addresses_inside_it():
    egress = Egress(allowed_networks=("64:ff9b::/96",))

    assert refusal("64:ff9b::808:808", egress) == ""
    assert refusal("64:ff9b::a00:1", egress) == "a private address"


@given(st.ip_addresses())
def test_what_is_not_plainly_public_is_refused(address):
    if refusal(str(address), ANYBODY) == "":
        assert address.is_global
        kinds = (address.is_multicast, address.is_private, address.is_loopback, address.is_link_local)
        assert kinds == (False, False, False, False)
        assert address.version == 4 or address in ipaddress.ip_network("2000::/3")


def test_a_refusal_names_host_address_and_what_opens_it(listener):
    with pytest.raises(Misconfigured) as told:
        connect("localhost", listener.getsockname()[1], egress=Egress(allowed_networks=("10.0.0.0/8",)), timeout=2)

    assert "localhost resolves to" in told.value.message
    assert "127.0.0.1, a loopback address" in told.value.message
    assert "allowed networks" in told.value.message


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_loopback_in_disguise_is_still_loopback(host, listener):
    with pytest.raises((Misconfigured, Unavailable)) as told:
        connect(host, listener.getsockname()[1], egress=ANYBODY, timeout=2)

    assert "loopback" in told.value.message or "does not resolve" in told.value.message


def test_a_host_that_is_not_listed_is_refused_before_it_is_resolved():
    egress = Egress(allowed_hosts=frozenset({"erp.example", "*.files.example"}))

    with pytest.raises(Misconfigured) as told:
        connect("evil.invalid", 443, egress=egress, timeout=2)

    assert told.value.message == (
        "evil.invalid is not among the destination's allowed hosts (*.files.example, erp.example). "
        "If it should be reached, add evil.invalid to the destination's allowed hosts."
    )


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("erp.example", True),
        ("ERP.example.", True),
        ("a.files.example", True),
        ("a.b.files.example", True),
        ("files.example", False),
        ("evilfiles.example", False),
        ("erp.example.evil.example", False),
        ("bücher.example", True),
    ],
)
def test_hosts_are_listed_exactly_or_by_suffix(host, passes):
    egress = Egress(allowed_hosts=frozenset({"erp.example", "*.files.example", "xn--bcher-kva.example"}))

    if passes:
        assert guard.checked_host(host, egress)
    else:
        with pytest.raises(Misconfigured):
            guard.checked_host(host, egress)


def test_the_address_that_was_judged_is_the_one_connected_to(listener, monkeypatch):
    answers = iter([[(2, 1, 6, "", ("127.0.0.1", 0))], [(2, 1, 6, "", ("127.0.0.2", 0))]])
    asked = []

    def resolver(*args, **kwargs):
        asked.append(args)
        return next(answers)

    monkeypatch.setattr(guard.socket, "getaddrinfo", resolver)
    egress = Egress(allowed_networks=("127.0.0.1/32",))

    connection, timings = connect("rebinds.example", listener.getsockname()[1], egress=egress, timeout=2)

    with connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    assert set(timings) == {"dns", "connect"}
    assert [name for name, *_ in asked if name == "rebinds.example"] == ["rebinds.example"]


def test_of_several_addresses_the_allowed_ones_are_used(listener, monkeypatch):
    rows = [(2, 1, 6, "", ("10.0.0.1", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        guard.socket, "getaddrinfo", lambda host, *a, **k: rows if host == "two.example" else real(host, *a, **k)
    )

    connection, _ = connect("two.example", listener.getsockname()[1], egress=Egress((), ("127.0.0.0/8",)), timeout=2)

    with connection:
        assert connection.getpeername()[0] == "127.0.0.1"


def test_a_refused_connection_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unavailable) as told:
        connect("127.0.0.1", port, egress=Egress(allowed_networks=("127.0.0.0/8",)), timeout=2)

    assert told.value.message == f"127.0.0.1 cannot be reached at port {port} (127.0.0.1: connection refused)."


def test_a_name_that_does_not_resolve_is_unavailable():
    with pytest.raises(Unavailable, match=r"no-such-host\.invalid does not resolve"):
        connect("no-such-host.invalid", 443, egress=ANYBODY, timeout=10)


def test_a_resolver_that_hangs_is_given_up_in_time(monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *a, **k: [never.wait(10)][1:])

    with pytest.raises(Unavailable, match="was not resolved within"):
        connect("slow.example", 443, egress=ANYBODY, timeout=0.1)

    never.set()


def test_a_network_that_is_none_is_said_to_be():
    with pytest.raises(Misconfigured, match="allowed networks are wrong"):
        connect("127.0.0.1", 80, egress=Egress(allowed_networks=("10.0.0.0/99",)), timeout=1)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port):
    with pytest.raises(Misconfigured, match="ports go from 1 to 65535"):
        connect("127.0.0.1", port, egress=ANYBODY, timeout=1)
