"""What the HTTP client lets leave: the request as it was meant, and nothing that was not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured
from pipelines.transports.http import Part, Request, checked_header, parsed
from tests.pipelines.tools import CAP, LOOPBACK, post
from tests.servers.http import reply


def test_a_post_arrives_as_it_was_meant_and_its_reply_comes_back(client, erp):
    erp.will(reply(201, {"id": 7}, headers={"Location": "/inv/7"}))

    got = client.send(post(f"{erp.url}/inv?x=1"), egress=LOOPBACK, cap=CAP)

    assert (got.status, got.body, got.size, got.truncated) == (201, b'{"id": 7}', 9, False)
    assert ("Location", "/inv/7") in got.headers
    assert [(seen.method, seen.target, seen.body) for seen in erp.seen] == [("POST", "/inv?x=1", b'{"a": 1}')]
    assert sorted(erp.seen[0].headers) == [
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Content-Length", "8"),
        ("Content-Type", "application/json"),
        ("Host", f"127.0.0.1:{erp.port}"),
        ("User-Agent", "Waybill/1"),
    ]
    assert set(got.timings) == {"dns", "connect", "tls", "first_byte", "total"}
    assert 0 < got.timings["first_byte"] <= got.timings["total"]


def test_repeated_reply_headers_keep_their_number_and_order(client, erp):
    erp.will(reply(200, headers=[("Set-Cookie", "a=1"), ("X-One", "1"), ("Set-Cookie", "b=2")]))

    got = client.send(Request("GET", erp.url), egress=LOOPBACK, cap=CAP)

    assert got.headers[:3] == (("Set-Cookie", "a=1"), ("X-One", "1"), ("Set-Cookie", "b=2"))
    assert got.header("set-cookie") == "a=1, b=2"


def test_a_redirect_is_a_reply_and_is_not_followed(client, erp):
    erp.will(reply(302, headers={"Location": f"{erp.url}/elsewhere"}))

    got = client.send(post(erp.url), egress=LOOPBACK, cap=CAP)

    assert (got.status, len(erp.seen)) == (302, 1)


def test_proxies_of_the_environment_are_not_heard(client, erp, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert client.send(Request("GET", erp.url), egress=LOOPBACK, cap=CAP).status == 200


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("erp.example/x", "must begin with https:// or http://"),
        ("ftp://erp.example/x", "must begin with https:// or http://"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("http://", "must begin with https:// or http://"),
        ("http://erp.example/a\r\nX-Evil: 1", "control character"),
        ("http://user:pw@erp.example/", "Authorization header"),
        ("http://erp.example:99999/", "no valid address"),
        ("http://[::1/", "no valid address"),
    ],
)
def test_an_address_that_cannot_be_sent_to_is_said_to_be_wrong(client, url, said):
    with pytest.raises(Misconfigured, match=said) as told:
        client.send(Request("POST", url), egress=LOOPBACK, cap=CAP)

    assert told.value.place == "url"


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ({"X-A": "1\r\nX-Evil: 2"}, "headers.X-A"),
        ({"X-A\r\nX-Evil": "2"}, "headers.X-A\r\nX-Evil"),
        ({"X A": "1"}, "headers.X A"),
        ({"X-A": "zł"}, "headers.X-A"),
        ({"X-A": "1", "x-a": "2"}, "headers.x-a"),
        ({"Host": "other.example"}, "headers.Host"),
    ],
)
def test_a_header_that_cannot_be_sent_is_named(client, erp, headers, place):
    with pytest.raises(Misconfigured) as told:
        client.send(Request("POST", erp.url, headers), egress=LOOPBACK, cap=CAP)

    assert told.value.place == place
    assert erp.seen == []


@given(st.text(), st.text())
def test_no_header_ever_makes_two_lines(name, value):
    try:
        line = checked_header(name, value)
    except Misconfigured:
        return

    assert line.endswith(b"\r\n")
    assert b"\r" not in line[:-2]
    assert b"\n" not in line[:-2]


@given(st.text(max_size=50))
def test_no_address_ever_makes_two_lines(text):
    try:
        address = parsed(f"http://erp.example/{text}")
    except Misconfigured:
        return

    assert not {" ", "\r", "\n", "\t"} & set(address.target)
    assert address.host == "erp.example"


@pytest.mark.parametrize("method", ["GE T", "", "POST\r\n", "CONNECT"])
def test_a_method_that_is_none_is_refused(client, erp, method):
    with pytest.raises(Misconfigured, match="no HTTP method"):
        client.send(Request(method, erp.url), egress=LOOPBACK, cap=CAP)


def test_headers_of_the_connection_are_our_own(client, erp):
    given_ = {"Content-Length": "999", "Transfer-Encoding": "chunked", "Connection": "close", "Expect": "100-continue"}

    client.send(Request("POST", erp.url, given_, Blob.of(b"abc")), egress=LOOPBACK, cap=CAP)

    assert erp.seen[0].body == b"abc"
    assert erp.seen[0].header("Content-Length") == "3"
    assert (erp.seen[0].header("Connection"), erp.seen[0].header("Expect")) == (None, None)


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("PUT", "0"), ("GET", None), ("DELETE", None)])
def test_a_request_without_a_body_says_so_where_a_body_is_usual(client, erp, method, length):
    client.send(Request(method, erp.url), egress=LOOPBACK, cap=CAP)

    assert erp.seen[0].header("Content-Length") == length


def test_a_large_file_is_streamed_from_disk(client, erp, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 20_000)

    client.send(Request("PUT", erp.url, body=Blob.from_file(path)), egress=LOOPBACK, cap=CAP)

    assert erp.seen[0].body == path.read_bytes()
    assert erp.seen[0].header("Content-Type") == "application/octet-stream"


def test_a_multipart_form_is_read_by_others_as_it_was_meant(client, erp):
    pdf = Blob.of(b"%PDF \r\n--x", name="a.pdf", media_type="application/pdf")
    parts = (Part("note", "Grüße"), Part("file", blob=pdf, file_name='Rechnung "ü" 1.pdf'))

    client.send(
        Request("POST", erp.url, {"Content-Type": "multipart/form-data; boundary=x"}, parts=parts),
        egress=LOOPBACK,
        cap=CAP,
    )

    note, file = erp.seen[0].parts()
    assert note.get_param("name", header="content-disposition") == "note"
    assert note.get_payload(decode=True) == "Grüße".encode()
    assert file.get_payload(decode=True) == b"%PDF \r\n--x"
    assert file.get_content_type() == "application/pdf"
    assert 'filename="Rechnung %22ü%22 1.pdf"'.encode() in erp.seen[0].body


def test_the_same_parts_are_the_same_bytes(client, erp):
    request = Request("POST", erp.url, parts=(Part("a", "1"), Part("f", blob=Blob.of(b"x"), file_name="f.txt")))

    client.send(request, egress=LOOPBACK, cap=CAP)
    client.send(request, egress=LOOPBACK, cap=CAP)
    client.send(replace(request, parts=(Part("a", "2"), request.parts[1])), egress=LOOPBACK, cap=CAP)

    first, second, third = erp.bodies
    assert first == second
    assert (
        erp.seen[0].header("Content-Type") == erp.seen[1].header("Content-Type") != erp.seen[2].header("Content-Type")
    )
    assert third != first
