"""Whatever is thrown at the inbound webhook is answered with a 4xx, and leaves nothing behind; signed or not."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.models import Claim, Document
from pipelines import vault
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import source

SECRET = "any text"
NASTY = (
    "", "\x00", "a\r\nX-Evil: 1", "../../etc/passwd", "..\\a", "=1+1", "<script>alert(1)</script>", "\ud800", "\u202egpj.exe",
    "x" * 5000, "1e400", "NaN", "{{ 7 * 7 }}", "@{x}", "{secret.webhook_secret}", "'; DROP TABLE x; --",
)  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"external_id": VALUES, "fields": VALUES, "metadata": VALUES, "file": VALUES, "name": TEXTS}
)
BODIES = (DOCUMENTS | VALUES).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")) | st.binary(
    max_size=200
)
TYPES = st.sampled_from([
    "application/json", "text/plain", "", "multipart/form-data", "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "x" * 300, "application/x-www-form-urlencoded", "application/json; charset=latin-1",
])  # fmt: skip


@pytest.fixture
def made(organization, kinds):
    vault.put("webhook_secret", SECRET, by=builders.owner())
    paths = {"external_id": "external_id", "original": "file", "original_name": "name"}
    return source(kind="webhook", config={"signature": "sha256", **paths})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, content_type=TYPES)
def test_a_signed_call_is_taken_or_refused_and_never_breaks(made, body, content_type):
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"}

    reply = Client().generic("POST", f"/sources/{made.pk}", body, content_type, headers=headers)

    assert reply.status_code in {202, 409, 422}, reply.content[:300]
    assert SECRET.encode() not in reply.content


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, signature=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=90))
def test_an_unsigned_call_is_a_stranger_whatever_it_says(made, body, signature):
    reply = Client().generic(
        "POST", f"/sources/{made.pk}", body, "application/json", headers={"X-Hub-Signature-256": signature}
    )

    assert reply.status_code == 401
    assert (Claim.objects.count(), Document.objects.count()) == (0, 0)


@pytest.mark.parametrize("path", ["/sources/0", "/sources/999999999999999999", "/sources/7/", "/sources/07"])
@pytest.mark.django_db
def test_an_address_that_is_none_says_no_more_than_a_wrong_signature(path):
    assert Client().generic("POST", path, b"{}", "application/json").status_code == 401


@pytest.mark.parametrize("path", ["/sources/-1", "/sources/../admin/", "/sources/1e3", "/sources/" + "9" * 40])
@pytest.mark.django_db
def test_what_is_no_number_is_no_address(path):
    assert Client().generic("POST", path, b"{}", "application/json").status_code in {404, 403, 302}
