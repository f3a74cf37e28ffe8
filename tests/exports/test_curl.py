"""The command that repeats a kept request: run by a real shell and a real curl, and the requests compared."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import curl
from tests.servers import http as servers

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl (Debian: curl)")
NASTY = 'it\'s "so" $HOME `id` $(id) \\n !x ; & | * ? ~ # \n \t é € \u202e {a,b} [1-3] %41 @file'


@pytest.fixture(scope="module")
def server():
    with servers.running() as running:
        yield running


def ran(command: curl.Command, folder, **secrets: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "no_proxy": "*", **secrets}
    return subprocess.run(["sh", "-c", command.text], cwd=folder, env=environment, capture_output=True,
                          timeout=30, check=False)  # fmt: skip


def sent(server, command: curl.Command, folder, **secrets: str) -> servers.Seen:
    server.seen.clear()
    done = ran(command, folder, **secrets)
    assert done.returncode == 0, done.stderr
    assert len(server.seen) == 1
    return server.seen[0]


@needs_curl
def test_the_command_sends_the_same_request(server, tmp_path):
    headers = [["Content-Type", "application/json"], ["X-Note", "it's $5 & \"more\""], ["X-Empty", ""],
               ["Idempotency-Key", "0c3f"], ["Content-Length", "999"], ["Accept", "application/json"]]  # fmt: skip
    body = f'{{"note": "{NASTY}"}}'.encode()

    made = curl.command("PUT", f"{server.url}/a/../b?x=[1]&y={{z}}'", headers, body=body)
    seen = sent(server, made, tmp_path)

    assert (seen.method, seen.target, seen.body) == ("PUT", "/a/../b?x=[1]&y={z}'", body)
    for name, value in headers[:4]:
        assert seen.header(name) == value
    assert seen.header("Accept") == "application/json"
    assert seen.header("Content-Length") == str(len(body))
    assert (made.secrets, made.files) == ([], [])


@needs_curl
def test_secrets_are_variables_and_what_they_hold_arrives(server, tmp_path):
    headers = [
        ["Authorization", "Bearer [secret:access_token]"],
        ["X-Api-Key", "[secret]"],
        ["X-Two", "a[secret:one]b"],
    ]
    made = curl.command(
        "POST", f"{server.url}/?key=[secret:url key]", headers, body=b'{"password": "[secret:erp.password]"}'
    )

    seen = sent(server, made, tmp_path, ACCESS_TOKEN="t '1'", X_API_KEY="k", ONE="1", URL_KEY="u", ERP_PASSWORD="p")

    assert made.secrets == ["URL_KEY", "ACCESS_TOKEN", "X_API_KEY", "ONE", "ERP_PASSWORD"]
    assert "[secret" not in made.text
    assert seen.header("Authorization") == "Bearer t '1'"
    assert (seen.header("X-Api-Key"), seen.header("X-Two")) == ("k", "a1b")
    assert (seen.target, seen.body) == ("/?key=u", b'{"password": "p"}')


@needs_curl
def test_without_its_secret_the_command_sends_nothing(server, tmp_path):
    server.seen.clear()

    done = ran(curl.command("GET", server.url, [["Authorization", "Basic [secret]"]]), tmp_path)

    assert done.returncode != 0
    assert b"BASIC_CREDENTIALS" in done.stderr
    assert server.seen == []


@needs_curl
def test_bytes_that_are_no_text_are_sent_from_a_file(server, tmp_path):
    body = bytes(range(256)) * 40
    made = curl.command("POST", server.url, [["Content-Type", "application/octet-stream"]], body=body, file="it's.bin")
    (tmp_path / "it's.bin").write_bytes(body)

    seen = sent(server, made, tmp_path)

    assert made.files == ["it's.bin"]
    assert seen.body == body
    assert seen.header("Expect") is None


@needs_curl
def test_a_form_is_sent_part_by_part(server, tmp_path):
    parts = [
        curl.Part("note", text=f"@{NASTY}"),
        curl.Part("secret", text="[secret:pin]"),
        curl.Part("file", file="a;b.pdf", file_name='Rechnung "Ä"; x.pdf', media_type="application/pdf"),
    ]
    (tmp_path / "a;b.pdf").write_bytes(b"%PDF-\x00\xff")
    made = curl.command("POST", server.url, [["Content-Type", "multipart/form-data; boundary=old"]], parts=parts)

    note, secret, file = sent(server, made, tmp_path, PIN="1234").parts()

    assert note.get_payload(decode=True).decode() == f"@{NASTY}"
    assert secret.get_payload(decode=True) == b"1234"
    assert (file.get_payload(decode=True), file.get_content_type()) == (b"%PDF-\x00\xff", "application/pdf")
    assert file.get_filename() in {'Rechnung "Ä"; x.pdf', "Rechnung %22Ä%22; x.pdf"}


@needs_curl
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
@settings(max_examples=25, deadline=None)
def test_any_text_arrives_as_it_was(server, tmp_path_factory, text):
    if "[secret" in text:
        return
    made = curl.command("POST", server.url, [["Content-Type", "text/plain"]], body=text.encode())

    assert sent(server, made, tmp_path_factory.getbasetemp()).body == text.encode()


def test_a_body_of_which_only_the_beginning_is_kept_is_never_put_into_the_command():
    made = curl.command("POST", "https://erp.example/", [], body=b'{"a": 1', whole=False)

    assert made.body_is_file
    assert '{"a"' not in made.text
    assert "--data-binary @body.bin" in made.text


def test_a_request_without_a_body_sends_none():
    made = curl.command("GET", "https://erp.example/", [["Host", "erp.example"]])

    assert made.text == "curl --globoff --path-as-is \\\n  --request GET \\\n  --url https://erp.example/"
