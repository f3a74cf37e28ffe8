"""A hook's payload, read without a server: what is kept of it, and what never is."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from exports.wire.rossum import hookpayload
from exports.wire.rossum.hookpayload import PayloadError

NOW = datetime(2026, 3, 2, 9, 11, tzinfo=UTC)
BASE = "https://acme.rossum.app"


def payload(**changes):
    return {
        "request_id": "3d0c9f5e",
        "timestamp": "2026-03-02T09:11:00.000000Z",
        "base_url": BASE,
        "rossum_authorization_token": "short-lived-token",
        "hook": f"{BASE}/api/v1/hooks/615",
        "settings": {"export_reference_key": "erp_payload"},
        "secrets": {"client_secret": "hush-hush"},
        "action": "export",
        "event": "annotation_content",
        "annotation": {"id": 70110, "document": f"{BASE}/api/v1/documents/88001", "content": [], "metadata": {}},
        "schemas": [{"id": 301, "content": [{"id": "header"}]}],
        **changes,
    }


def test_what_is_kept_has_neither_token_nor_secrets():
    call = hookpayload.read("rest-api-export", payload(), NOW)

    kept = repr(call.clean())

    assert "short-lived-token" not in kept
    assert "hush-hush" not in kept
    assert "short-lived-token" not in repr(call)
    assert "hush-hush" not in repr(call)
    assert call.clean()["annotation"] == {"id": 70110, "document": f"{BASE}/api/v1/documents/88001", "metadata": {}}


def test_ids_are_cut_from_the_last_segment_of_an_address():
    assert hookpayload.id_of(f"{BASE}/api/v1/documents/88001") == 88001
    assert hookpayload.id_of(f"{BASE}/api/v1/documents/88001/") == 88001
    assert hookpayload.id_of(f"{BASE}/api/v1/documents/8a") is None
    assert hookpayload.id_of("9" * 30) is None
    assert hookpayload.id_of(None) is None


def test_the_document_is_known_by_its_id_or_by_the_annotations_address_of_it():
    assert hookpayload.read("rest-api-export", payload(), NOW).document_id == 88001
    assert hookpayload.read("rest-api-export", payload(document={"id": 9}), NOW).document_id == 9


@pytest.mark.parametrize(
    ("host", "extension"),
    [
        ("rest-api-export.pipelines.example", "rest-api-export"),
        ("US.REST-API-EXPORT.pipelines.example:8443", "rest-api-export"),
        ("shared-eu2.custom-format-templating.pipelines.example", "custom-format-templating"),
        ("elis.custom-format-templating-purge.pipelines.example", "custom-format-templating-purge"),
        ("pipelines.example", None),
        ("my-rest-api-export-2.example", None),
    ],
)
def test_a_host_names_its_extension_by_a_whole_label(host, extension):
    assert hookpayload.of_host(host) == extension


def test_a_signature_is_of_the_raw_bytes():
    body = b'{"a": 1}'
    good = "sha256=" + hmac.new(b"first-secret", body, hashlib.sha256).hexdigest()

    assert hookpayload.signed(body, good, [b"other-secret", b"first-secret"])
    assert hookpayload.signed(body, good.upper(), [b"first-secret"])
    assert not hookpayload.signed(body + b" ", good, [b"first-secret"])
    assert not hookpayload.signed(body, good.removeprefix("sha256="), [b"first-secret"])
    assert not hookpayload.signed(body, "", [b"first-secret"])
    assert not hookpayload.signed(body, good, [])


def test_a_status_change_is_for_the_purge_alone():
    changed = payload(event="annotation_status", action="changed")

    assert hookpayload.read(hookpayload.PURGE, changed, NOW).event == "annotation_status.changed"
    with pytest.raises(PayloadError, match="^event: REST API export is called on annotation_content.export"):
        hookpayload.read("rest-api-export", changed, NOW)


def test_the_same_request_with_other_settings_is_another_call():
    one = hookpayload.read("rest-api-export", payload(), NOW)
    token = hookpayload.read("rest-api-export", payload(rossum_authorization_token="newer"), NOW)
    other = hookpayload.read("rest-api-export", payload(settings={}), NOW)

    assert one.fingerprint == token.fingerprint
    assert one.fingerprint != other.fingerprint
