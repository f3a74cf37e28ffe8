"""What is refused of a document on its way in, and what is cleaned."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.test import override_settings

from accounts.policy import GRANTS, Principal
from exports import documents
from exports.models import Document
from pipelines.blobs import Blob
from pipelines.errors import Rejected
from pipelines.refusals import Refused
from tests import builders
from tests.exports.received import PDF, received
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"external_id": ""},
            "external_id: Give an external_id: without an original there is nothing else to know the document by.",
        ),
        ({"external_id": "x" * 201}, "external_id: The id has 201 characters; 200 are the most."),
        ({"external_id": "a\x00b"}, "external_id: The id holds a NUL character. Send it without."),
        ({"external_id": "a\nb"}, "external_id: The id holds a control character. Send it without."),
        ({"fields": "text"}, "content: The fields must be a list of sections, or one flat object."),
        (
            {"fields": {"a": {"b": 1}}},
            "field.a: A value must be text, a number, true, false or null; this is an object.",
        ),
        ({"fields": {"": "x"}}, "field.'': Every field has a name of 1 to 200 printable characters."),
        ({"fields": {"a": "x\x00"}}, "field.a: The value holds a NUL character. Send it without."),
        ({"fields": {"a": "\ud800"}}, "field.a: The value holds half a surrogate pair. Send it without."),
        ({"fields": {"a": "x" * 100_001}}, "field.a: The value has 100,001 characters; 100,000 are the most."),
        ({"fields": [{"category": "section"}]}, "content[0].schema_id: Every node names its field in schema_id."),
        ({"metadata": []}, "metadata: The metadata are a JSON object."),
        ({"metadata": {"a": "x" * 5000}}, "metadata: The metadata have 5,009 bytes; 4,096 are the most."),
        (
            {"metadata": {"a": float("nan")}},
            "metadata: The metadata are no JSON: Out of range float values are not JSON compliant.",
        ),
        ({"metadata": {"a": "\x00"}}, "metadata: This holds a NUL character. Send it without."),
        (
            {"original": Blob.of(b"")},
            "original: The file is empty. Send it again, or send the fields without an original.",
        ),
        (
            {"original": Blob.of(b"x", media_type="not a type")},
            'original.media_type: "not a type" is no media type. Send one such as application/pdf.',
        ),
    ],
)
def test_a_bad_document_is_told_what_is_wrong_and_where(given, told):
    with pytest.raises(Rejected) as rejected:
        received(**given)

    assert str(rejected.value) == told
    assert not Document.objects.exists()


@override_settings(MAX_ORIGINAL_BYTES=10)
def test_a_file_that_is_too_large_is_told_the_limit_and_its_setting():
    with pytest.raises(Rejected) as rejected:
        received(original=PDF)

    assert str(rejected.value) == "original: The file has 17 bytes; 10 are the most (WAYBILL_MAX_ORIGINAL_BYTES)."


def test_a_refused_document_leaves_no_bytes_in_storage(tmp_path, settings):
    settings.INLINE_BYTES = 4  # by the fixture alone: beside override_settings, one would outlive the test
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(tmp_path)}},
    }
    queue = builders.queue(use_confirmed_state=False)

    with pytest.raises(Refused):
        received(queue, confirmed=True, original=PDF)

    assert default_storage.location == str(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\scans\\inv.pdf", "inv.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\nc.pdf", "a b c.pdf"),
        ("  two  spaces .pdf ", "two spaces .pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", ""),
        ("u\u0308ber.pdf", "über.pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_file_names_are_cleaned(given, kept):
    document, _ = received(original=Blob.of(b"x", name=given))

    assert document.file_name == kept


@pytest.mark.parametrize(
    ("declared", "name", "kept"),
    [
        ("application/octet-stream", "a.xml", "application/xml"),
        ("", "a.pdf", "application/pdf"),
        ("Text/Plain; charset=utf-8", "a.pdf", "text/plain"),
        ("", "a.unknown", "application/octet-stream"),
    ],
)
def test_media_types_are_kept_plain_and_guessed_where_nothing_was_declared(declared, name, kept):
    document, _ = received(original=Blob.of(b"x", name=name, media_type=declared))

    assert document.media_type == kept


def test_who_may_not_brings_nothing_in(organization):
    viewer = Principal("user:vera", organization.pk, GRANTS["viewer"])

    with pytest.raises(PermissionDenied):
        documents.receive(builders.queue(), by=viewer, external_id="1", fields={})

    assert not Document.objects.exists()
