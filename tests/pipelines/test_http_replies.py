"""How the HTTP client takes what comes back, or does not come: kept connections, caps, cuts, and what each means."""

from __future__ import annotations

import gzip
import io
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed
from pipelines.transports import wire
from pipelines.transports.guard import Egress
from pipelines.transports.http import SAID, Request
from tests.pipelines.tools import CAP, LOOPBACK, post
from tests.servers import http as servers
from tests.servers.http import reply


def test_an_open_connection_is_used_again(client, erp):
    for _ in range(3):
        last = client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert [seen.connection for seen in erp.seen] == [1, 1, 1]
    assert (last.timings["dns"], last.timings["connect"], last.timings["tls"]) == (0.0, 0.0, 0.0)


def test_another_policy_never_uses_the_connection(client, erp):
    client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    client.send(post(erp.url), egress=Egress(allowed_networks=("127.0.0.1/32",)), cap=CAP)

    assert [seen.connection for seen in erp.seen] == [1, 2]
    with pytest.raises(Misconfigured, match="a loopback address"):
        client.send(post(erp.url), egress=Egress(), cap=CAP)


def test_a_connection_that_idled_is_not_used_for_a_send(client, erp, monkeypatch):
    client.send(post(erp.url), egress=LOOPBACK, cap=CAP)
    monkeypatch.setattr(wire, "IDLE_SECONDS", 0.0)

    client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert [seen.connection for seen in erp.seen] == [1, 2]


def test_a_connection_that_the_server_closed_meanwhile_does_no_harm(client, erp):
    erp.will(servers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))  # says keep-alive, then closes
    assert client.send(post(erp.url), egress=LOOPBACK, cap=CAP).body == b"ok"
    deadline = time.monotonic() + 5
    [(_, [idle])] = client._pool._idle.items()
    while not idle.stale(time.monotonic()) and time.monotonic() < deadline:
        threading.Event().wait(0.01)

    got = client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert (got.status, len(erp.seen)) == (200, 2)


def test_nobody_listening_is_unavailable(client):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(Unavailable, match="connection refused"):
        client.send(post(f"http://127.0.0.1:{port}/"), egress=LOOPBACK, cap=CAP)


def test_a_connection_cut_after_the_request_was_read_is_unconfirmed(client, erp):
    erp.will(servers.cut())

    with pytest.raises(Unconfirmed) as told:
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    where = f"127.0.0.1:{erp.port}"
    assert told.value.message == f"{where} took the request, then the connection was cut without an answer."
    assert len(erp.seen) == 1


def test_an_answer_that_never_comes_is_unconfirmed_after_the_time_out(client, erp):
    erp.will(servers.silence())
    begun = time.monotonic()

    with pytest.raises(Unconfirmed, match=r"did not answer to the end within 0\.3 s"):
        client.send(post(erp.url, timeout=0.3), egress=LOOPBACK, cap=CAP)

    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["body", "header line", "chunks", "informational"],
)
def test_a_slow_drip_is_stopped_by_the_total_time(client, erp, head, piece):
    erp.will(servers.drip(head, piece, 0.05))
    begun = time.monotonic()

    with pytest.raises(Unconfirmed):
        client.send(post(erp.url, timeout=0.5), egress=LOOPBACK, cap=CAP)

    assert time.monotonic() - begun < 3


def test_endless_headers_are_stopped(client, erp):
    erp.will(servers.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000))))

    with pytest.raises(Unconfirmed, match="more headers than are read"):
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)


def test_an_endless_header_line_is_stopped(client, erp):
    erp.will(servers.raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000))

    with pytest.raises(Unconfirmed, match="more headers than are read"):
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)


@pytest.mark.parametrize(
    "content", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00", b"HTTP/1.1 abc\r\n\r\n", b"\r\n\r\n"]
)
def test_an_answer_that_is_no_http_is_unconfirmed(client, erp, content):
    erp.will(servers.raw(content))

    with pytest.raises(Unconfirmed, match="no valid HTTP"):
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)


def test_a_body_that_is_cut_is_unconfirmed(client, erp):
    erp.will(servers.raw(b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc"))

    with pytest.raises(Unconfirmed, match="its answer was cut: 3 of 10 bytes came"):
        client.send(post(erp.url), egress=LOOPBACK, cap=CAP)


def test_an_early_refusal_is_read_although_the_body_was_not_sent_to_its_end(client):
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"
    with servers.running(early=servers.raw(refusal)) as erp:
        try:
            got = client.send(post(erp.url, bytes(200_000)), egress=LOOPBACK, cap=CAP)
        except Unconfirmed:  # the reset may overtake the answer on the wire; then nobody knows
            return

    assert (got.status, got.body) == (413, b"no!")


def test_informational_replies_are_passed_over(client, erp):
    erp.will(servers.raw(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n!"
    ))  # fmt: skip

    got = client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert (got.status, got.body) == (201, b"!")


def test_a_body_beyond_the_cap_is_cut_and_its_size_told(client, erp):
    erp.will(reply(200, b"x" * 3_000_000))

    got = client.send(Request("GET", erp.url), egress=LOOPBACK, cap=1000)

    assert (got.body, got.size, got.truncated) == (b"x" * 1000, 3_000_000, True)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda content: zlib.compress(content, wbits=-15)),
    ],
)
def test_packed_bodies_are_unpacked(client, erp, encoding, pack):
    content = b'{"id": 1}' * 20_000
    erp.will(reply(200, pack(content), headers={"Content-Encoding": encoding}))

    got = client.send(Request("GET", erp.url), egress=LOOPBACK, cap=CAP)

    assert (got.body, got.size, got.truncated) == (content, len(content), False)


def test_a_gzip_bomb_is_stopped(client, erp):
    erp.will(servers.bomb(200_000_000))
    begun = time.monotonic()

    got = client.send(Request("GET", erp.url), egress=LOOPBACK, cap=1000)

    assert (len(got.body), got.truncated) == (1000, True)
    assert got.size < 10_000_000
    assert time.monotonic() - begun < 5


def test_a_body_that_is_not_packed_as_it_says_is_marked_as_cut(client, erp):
    erp.will(reply(200, gzip.compress(b"a" * 1000)[:-20] + b"?" * 20, headers={"Content-Encoding": "gzip"}))

    got = client.send(Request("GET", erp.url), egress=LOOPBACK, cap=CAP)

    assert got.truncated is True


def test_a_file_that_shrank_meanwhile_is_unconfirmed_once_a_part_has_left(client, erp):
    blob = Blob("x.bin", "text/plain", 1_000_000, lambda: io.BytesIO(bytes(600_000)))

    with pytest.raises(Unconfirmed, match="got only a part of the request"):
        client.send(Request("POST", erp.url, body=blob), egress=LOOPBACK, cap=CAP)


def test_a_file_that_is_gone_before_anything_left_is_our_own_fault(client, erp, tmp_path):
    blob = replace(Blob.of(b"abc"), opener=lambda: (tmp_path / "gone").open("rb"))

    with pytest.raises(Exception, match="cannot be read") as told:
        client.send(Request("POST", erp.url, body=blob), egress=LOOPBACK, cap=CAP)

    assert not isinstance(told.value, (Unavailable, Unconfirmed, Misconfigured))
    assert erp.seen == []


def test_sixty_four_threads_send_at_once_and_nothing_is_mixed_up(client, erp):
    erp.otherwise = lambda seen: reply(200, seen.body)

    def send(number):
        body = f"{number}".encode() * 50
        return client.send(post(erp.url, body), egress=LOOPBACK, cap=CAP).body == body

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(send, range(512)))

    assert all(answers)
    assert erp.accepted <= 64


def test_a_file_is_written_down_as_it_comes(client, erp):
    content = bytes(range(256)) * 20_000
    erp.will(reply(200, content), reply(200, gzip.compress(content), headers={"Content-Encoding": "gzip"}))

    for _ in range(2):
        file = io.BytesIO()
        came = client.send(post(erp.url), egress=LOOPBACK, cap=len(content), into=file)

        assert file.getvalue() == content
        assert (came.body, came.size, came.truncated) == (b"", len(content), False)


def test_a_file_beyond_the_cap_is_not_written_to_its_end(client, erp):
    erp.will(reply(200, b"x" * 5_000))
    file = io.BytesIO()

    came = client.send(post(erp.url), egress=LOOPBACK, cap=1_000, into=file)

    assert file.getvalue() == b"x" * 1_000
    assert (came.size, came.truncated) == (5_000, True)


def test_what_is_said_instead_of_a_file_is_not_taken_for_it(client, erp):
    erp.will(reply(404, b"gone " * 100_000))
    file = io.BytesIO()

    came = client.send(post(erp.url), egress=LOOPBACK, cap=10_000_000, into=file)

    assert file.getvalue() == b""
    assert (came.status, len(came.body), came.truncated) == (404, SAID, True)


def test_a_full_disk_is_told_as_ours(client, erp):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    erp.will(reply(200, b"content"))

    with pytest.raises(Unavailable, match="could not be kept here: no space left on device"):
        client.send(post(erp.url), egress=LOOPBACK, cap=1_000, into=Full())
