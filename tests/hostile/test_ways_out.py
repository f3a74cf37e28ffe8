"""Ways out that are led astray: networks nobody should reach, stores that never end, addresses with a password in them."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from audit.models import Event
from config import env
from exports import imports, loop
from exports.states import State
from pipelines import destinations
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, StageError
from pipelines.transports import guard
from pipelines.transports.guard import Egress
from pipelines.transports.stores import open_store
from tests import builders
from tests.servers import http

LOOPBACK = Egress(allowed_networks=("127.0.0.0/8",))


@pytest.fixture
def server():
    with http.running() as running:
        yield running


@pytest.mark.parametrize("around", ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.0/24"])
def test_a_network_around_it_does_not_open_the_metadata_of_a_cloud(around):
    assert guard.refusal("169.254.169.254", Egress(allowed_networks=(around,))) == "a cloud's metadata address"


def test_the_metadata_of_a_cloud_is_opened_by_its_own_name():
    assert guard.refusal("169.254.169.254", Egress(allowed_networks=("169.254.169.254/32",))) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::1"])
def test_a_closed_network_stays_closed_whatever_a_destination_allows(address):
    everything = Egress(
        allowed_networks=("0.0.0.0/0", "::/0", "127.0.0.1/32"), closed_networks=("127.0.0.0/8", "::1/128")
    )

    assert guard.refusal(address, everything) == guard.CLOSED


@pytest.mark.usefixtures("organization")
def test_a_closed_network_is_closed_to_stages_and_to_the_test_of_a_destination(server, settings):
    settings.CLOSED_NETWORKS = ["127.0.0.0/8"]
    to = builders.destination(allowed_networks=["127.0.0.0/8"])
    config = {"request": {"url": f"{server.url}/x"}}

    attempt = loop.run_now(
        builders.attempt({"name": "Send", "kind": "rest_api", "destination": to, "config": config}).pk
    )
    diagnosis = destinations.test(to, by=builders.owner())

    assert (attempt.state, attempt.reason) == (State.FAILED, "misconfigured")
    assert "its administrator has closed it to everybody" in attempt.message
    assert "its administrator has closed it to everybody" in diagnosis.message
    assert server.seen == []


def test_a_closed_network_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("WAYBILL_CLOSED_NETWORKS", "10.0.0.0/8,intranet")

    with pytest.raises(ImproperlyConfigured, match="'intranet', which is no network"):
        env.networks("WAYBILL_CLOSED_NETWORKS")


@pytest.mark.usefixtures("organization")
@pytest.mark.parametrize("target", ["localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0", "2130706433"])
def test_without_a_destination_nothing_private_is_reached(server, target):
    config = {
        "request": {"url": f"http://{target}:{server.port}/x"},
        "auth": {"url": f"http://{target}:{server.port}/token", "data": {"a": "b"}},
    }

    attempt = loop.run_now(builders.attempt({"name": "Send", "kind": "rest_api", "config": config}).pk)

    assert (attempt.state, attempt.reason) == (State.FAILED, "misconfigured"), attempt.message
    assert server.accepted == 0


@pytest.mark.usefixtures("organization")
def test_a_redirect_leads_nowhere(server):
    server.will(http.reply(307, b"", headers={"Location": "http://169.254.169.254/latest/meta-data"}))
    to = builders.destination(allowed_networks=["127.0.0.0/8"])
    config = {"request": {"url": f"{server.url}/x"}}

    attempt = loop.run_now(
        builders.attempt({"name": "Send", "kind": "rest_api", "destination": to, "config": config}).pk
    )

    assert (attempt.state, attempt.reason) == (State.FAILED, "misconfigured")
    assert len(server.seen) == 1


@pytest.mark.usefixtures("organization")
def test_a_password_in_an_address_is_not_in_what_a_test_says(server):
    to = builders.destination(allowed_networks=["127.0.0.0/8"])
    config = {"request": {"url": f"http://anna:hush-hush@127.0.0.1:{server.port}/x"}}
    builders.pipeline({"name": "Send", "kind": "rest_api", "destination": to, "config": config})

    diagnosis = destinations.test(to, by=builders.owner())

    assert diagnosis.ok
    assert "hush-hush" not in repr(diagnosis)
    assert "hush-hush" not in str(Event.objects.values_list("detail", flat=True))


def endless(head: bytes):
    """An answer of a gigabyte a second, without an end."""

    def write(seen, send, stop: threading.Event) -> bool:
        send(head)
        piece = b"<Error>" + b"x" * (1024 * 1024)
        while not stop.is_set():
            send(b"%x\r\n%b\r\n" % (len(piece), piece))
        return False

    return write


def s3(server):
    credentials = {"type": "s3", "bucket_name": "b", "endpoint_url": server.url, "timeout_s": 5}
    keys = {"access_key_id": "k", "secret_access_key": "s"}
    return open_store(credentials, keys, egress=LOOPBACK, folder_roots=())


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden", b"500 Oops"])
def test_an_s3_answer_without_end_is_left_unread(server, status):
    server.will(http.reply(404))
    server.otherwise = lambda seen: endless(
        b"HTTP/1.1 " + status + b"\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    begun = time.monotonic()

    with contextlib.suppress(StageError):  # what is said of it is another test's
        s3(server).put("a.txt", Blob.of(b"hello"), replace=True)

    assert time.monotonic() - begun < 5


def test_an_s3_object_without_end_is_not_the_one_that_was_sent(server):
    server.will(http.reply(200, b"", headers={"Content-Length": "5"}))
    server.otherwise = lambda seen: endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    begun = time.monotonic()

    assert s3(server).find("a.txt", Blob.of(b"hello")) is None

    assert time.monotonic() - begun < 5


def test_s3_is_led_by_no_redirect_to_another_host(server):
    server.otherwise = lambda seen: http.reply(
        301, b"", headers={"Location": "http://169.254.169.254/", "x-amz-bucket-region": "evil"}
    )

    with pytest.raises(Misconfigured):
        s3(server).put("a.txt", Blob.of(b"hello"), replace=True)


def test_a_link_in_a_folder_imports_no_other_file_of_this_machine(tmp_path):
    (tmp_path / "secret.key").write_text("hush")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.pdf").symlink_to(tmp_path / "secret.key")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4")

    found = imports.entries(folder)

    assert [entry.name for entry in found] == ["b"]
