"""Downloads: the very bytes, under a safe name, and nothing that a browser would run."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.api.downloads import safe_media_type, safe_name
from exports.models import Document
from tests.exports.api import world as worlds


def read(reply):
    return b"".join(reply.streaming_content)


def test_the_original_comes_back_byte_for_byte(api, world):
    reply = api.get(f"documents/{world.document.pk}/original")

    assert read(reply) == b"%PDF-1.7 original"
    assert reply["Content-Type"] == "application/pdf"
    assert reply["Content-Length"] == "17"
    assert reply["Content-Disposition"] == "attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf"
    digest = hashlib.sha256(b"%PDF-1.7 original")
    assert reply["ETag"] == f'"{digest.hexdigest()}"'
    assert reply["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"


def test_a_large_artifact_comes_from_storage(api, world, settings, tmp_path):
    settings.INLINE_BYTES = 10
    given = b"0123456789abcdef" * 10_000
    artifact = worlds.artifact_of(world.run, given)

    assert artifact.content.stored
    assert read(api.get(f"artifacts/{artifact.pk}/content")) == given


def test_both_bodies_of_an_exchange(api, world):
    sent = api.get(f"exchanges/{world.exchange.pk}/request/body")
    came = api.get(f"exchanges/{world.exchange.pk}/reply/body")

    assert read(sent) == b'{"number": "INV-42"}'
    assert read(came) == b'{"error": "Unknown supplier"}'
    assert came["Content-Type"] == "application/json"
    assert api.get(f"exchanges/{world.exchange.pk}").json()["reply_headers"] == [
        ["Content-Type", "application/json"],
        ["Set-Cookie", "[redacted]"],
    ]


@pytest.mark.parametrize(
    "media_type", ["text/html; charset=utf-8", "image/svg+xml", "nonsense", "text/html\r\nX-Evil: 1", ""]
)
def test_a_hostile_reply_is_never_a_page(api, world, media_type):
    exchange = worlds.exchange_of(world.run, reply=b"<script>alert(1)</script>", media_type=media_type)

    reply = api.get(f"exchanges/{exchange.pk}/reply/body")

    assert reply["Content-Type"] == "application/octet-stream"
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Content-Security-Policy"].startswith("sandbox")
    assert reply["Content-Disposition"].startswith("attachment")
    assert "X-Evil" not in reply


def test_what_is_not_there_is_not_found(api, world):
    bare = worlds.document_of(world.queue)

    assert api.get(f"documents/{bare.pk}/original").json()["code"] == "not_found"


def test_a_file_name_cannot_leave_its_folder(api, world):
    Document.objects.update(file_name='../../etc/pass"wd\r\nX-Evil: 1')

    reply = api.get(f"documents/{world.document.pk}/original")

    assert reply["Content-Disposition"] == 'attachment; filename="etc_pass_wd_X-Evil_ 1"'


@given(st.text())
def test_any_name_is_made_safe(name):
    safe = safe_name(name)

    assert 1 <= len(safe) <= 150
    assert not set(safe) & set('/\\\r\n\0"')
    assert safe not in {".", ".."}


@given(st.text())
def test_any_media_type_is_made_safe(media_type):
    safe = safe_media_type(media_type)

    assert "\n" not in safe
    assert not safe.lower().startswith("text/html")
