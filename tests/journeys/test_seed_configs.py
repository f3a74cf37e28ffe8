"""Every JSON config of the seed documents, read out of them word for word: published, and run against real servers.

Only the host names are pointed at loopback; the schemes, paths, headers and bodies are the seeds' own.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exports import contents, documents, loop
from exports.models import Attachment, Exchange, StageRun
from exports.states import RunState, State
from pipelines import publishing, vault
from pipelines.blobs import Blob
from pipelines.publishing import NotPublishable
from pipelines.transports import wire
from tests import builders
from tests.servers import http

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
SECRETS = ("password", "client_id", "client_secret", "token")

pytestmark = [
    pytest.mark.skipif(
        not SEEDS.exists(), reason="the seed documents lie beside the project only where it is developed"
    ),
    pytest.mark.usefixtures("organization"),
]


def configs():
    """Every JSON block of seeds 000 and 001, as text."""
    text = "".join(path.read_text() for path in sorted(SEEDS.glob("00[01]_*")))
    return re.findall(r"```json\n(.*?)```", text, re.DOTALL)


def config(index):
    found = configs()
    assert len(found) == 5
    return found[index]


SIMPLE, OAUTH2, OAUTH2_COMPLEX, MULTIPART, BLANK = range(5)


@pytest.fixture
def erp(tmp_path, monkeypatch):
    """Takes what is sent, over TLS with a certificate that this test trusts."""
    pem, authority = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    wire.trusted.cache_clear()  # read once a process otherwise
    with http.running(tls=pem) as server:
        server.otherwise = lambda seen: http.reply(201, {"id": "ERP-1"}, headers={"Location": "/inv/1"})
        yield server
    wire.trusted.cache_clear()


@pytest.fixture
def oauth():
    with http.running() as server:
        server.otherwise = lambda seen: http.reply(200, {"access_token": "token-1", "expires_in": 3600})
        yield server


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + public)
    (folder / "authority.pem").write_bytes(public)
    return folder / "server.pem", folder / "authority.pem"


def pipeline_of(text):
    """Template → REST API with this config → evaluate, at a destination that may reach loopback, with its secrets."""
    destination = builders.destination(allowed_networks=["127.0.0.0/8"])
    for name in SECRETS:
        vault.put(name, f"the-{name.replace('_', '-')}", by=builders.owner(), destination=destination)
    key = json.loads(text)["export_reference_key"]
    template = {
        "export_configs": [{"export_reference_key": key, "file_content_template": "no;{{ field.document_id }}"}]
    }
    return builders.pipeline(
        {"name": "Render", "kind": "template", "config": template},
        {"name": "Send", "kind": "rest_api", "config": text, "destination": destination},
        {"name": "Judge", "kind": "evaluate", "config": {"condition": "field.document_id == ''"}},
    )


def pointed_at(text, erp=None, oauth=None):
    text = text.replace("webhook.site", f"127.0.0.1:{erp.port}")
    return text.replace("custom.url", f"127.0.0.1:{oauth.port}") if oauth else text


def export(text, **fields):
    pipeline = pipeline_of(text)
    publishing.publish(pipeline, by=builders.owner())
    given = {"document_id": "INV-7", "vendor": "Žižkov & Co", "api_gate": "yes", **fields}
    document, _ = documents.receive(
        builders.queue(pipeline=pipeline),
        by=builders.owner(),
        external_id="doc-1",
        fields=given,
        original=Blob.of(b"%PDF-1.7", name="scan.pdf", media_type="application/pdf"),
        confirmed=True,
    )
    attempt = loop.run_now(documents.ask_export(document, by=builders.owner()).pk)
    runs = {run.name: run for run in StageRun.objects.filter(attempt=attempt)}
    return attempt, runs


def test_the_seeds_hold_five_configs():
    assert [sorted(json.loads(text)) for text in configs()] == [
        ["export_reference_key", "request"],
        ["auth", "export_reference_key", "request"],
        [
            "auth", "condition", "export_reference_key", "request", "response_headers_reference_key",
            "response_payload_reference_key",
        ],
        ["export_reference_key", "request"],
        ["auth", "export_reference_key", "request"],
    ]  # fmt: skip


@pytest.mark.parametrize("index", [SIMPLE, OAUTH2, OAUTH2_COMPLEX, MULTIPART])
def test_a_seed_config_is_published_word_for_word(index):
    pipeline = pipeline_of(config(index))

    revision = publishing.publish(pipeline, by=builders.owner())

    (send,) = (stage for stage in revision.definition["stages"] if stage["name"] == "Send")
    assert send["config"] == config(index)
    assert publishing.check(pipeline) == []


def test_the_blank_config_is_kept_as_a_draft_and_its_blanks_are_named():
    pipeline = pipeline_of(config(BLANK))

    with pytest.raises(NotPublishable) as refused:
        publishing.publish(pipeline, by=builders.owner())

    assert pipeline.stages.get(name="Send").config == config(BLANK)
    assert [(problem.path, problem.severity) for problem in refused.value.problems] == [
        ("config.auth.url", "error"),
        ("config.auth.headers.Ocp-Apim-Subscription-Key", "warning"),
        ("config.auth.data.grant_type", "warning"),
        ("config.auth.data.client_id", "warning"),
        ("config.auth.data.scope", "warning"),
        ("config.request.url", "error"),
        ("config.request.headers.Ocp-Apim-Subscription-Key", "warning"),
    ]
    assert {problem.message for problem in refused.value.problems if problem.severity == "error"} == {
        "This address is blank: fill it in before you publish."
    }


def test_the_simple_call_sends_the_file_as_it_is(erp):
    attempt, _ = export(pointed_at(config(SIMPLE), erp))

    assert (attempt.state, attempt.message) == (State.SUCCEEDED, "")
    (seen,) = erp.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/XXX-ZZZ", b"no;INV-7")
    assert seen.header("Content-Type") == "text/plain"
    assert seen.header("Authorization") is None


def test_the_plain_token_call_fills_the_header_that_the_config_writes(erp, oauth):
    attempt, _ = export(pointed_at(config(OAUTH2), erp, oauth))

    assert (attempt.state, attempt.message) == (State.SUCCEEDED, "")
    (asked,) = oauth.seen
    assert (asked.method, asked.target) == ("POST", "/token")
    assert dict(parse_qsl(asked.body.decode())) == {"username": "your_username", "password": "the-password"}
    (seen,) = erp.seen
    assert (seen.header("Authorization"), seen.body) == ("Bearer token-1", b"no;INV-7")


def test_the_complex_call_authenticates_sends_and_keeps_the_reply(erp, oauth):
    attempt, _ = export(pointed_at(config(OAUTH2_COMPLEX), erp, oauth))

    assert (attempt.state, attempt.message) == (State.SUCCEEDED, "")
    (asked,) = oauth.seen
    assert asked.header("Content-Type") == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(asked.body.decode())) == {
        "scope": "invoice.create invoice.read",
        "client_id": "the-client-id",
        "grant_type": "client_credentials",
        "client_secret": "the-client-secret",
    }
    (seen,) = erp.seen
    assert (seen.header("Authorization"), seen.header("Content-Type")) == ("Bearer token-1", "text/json")
    kept = {
        attached.key: contents.blob(attached.artifact.content).read()
        for attached in Attachment.objects.filter(document=attempt.document)
    }
    assert json.loads(kept["export_reply_payload"]) == {"id": "ERP-1"}
    headers = json.loads(kept["export_reply_headers"])
    assert (headers["status_code"], headers["headers"]["location"]) == (201, "/inv/1")


def test_the_complex_call_is_skipped_where_its_gate_is_empty(erp, oauth):
    attempt, runs = export(pointed_at(config(OAUTH2_COMPLEX), erp, oauth), api_gate="")

    assert attempt.state == State.SUCCEEDED
    assert (runs["Send"].state, runs["Send"].note) == (RunState.SKIPPED, "condition @{api_gate} is empty")
    assert (erp.seen, oauth.seen) == ([], [])


def test_the_multipart_call_sends_file_and_fields(erp):
    attempt, _ = export(pointed_at(config(MULTIPART), erp))

    assert (attempt.state, attempt.message) == (State.SUCCEEDED, "")
    (seen,) = erp.seen
    assert seen.header("Authorization") == "Bearer the-token"
    parts = {part.get_param("name", header="content-disposition"): part for part in seen.parts()}
    assert sorted(parts) == ["file", "other_field"]
    assert parts["file"].get_filename() == "INV-7.json"
    assert parts["file"].get_payload(decode=True) == b"no;INV-7"
    assert parts["other_field"].get_payload(decode=True).decode() == "Žižkov & Co"


def test_the_form_call_runs_once_its_blanks_are_filled_in(erp, oauth):
    filled = json.loads(config(BLANK))
    filled["auth"] |= {"url": f"{oauth.url}/token"}
    filled["auth"]["data"] |= {"grant_type": "client_credentials", "client_id": "me", "scope": "api"}
    filled["auth"]["headers"]["Ocp-Apim-Subscription-Key"] = "sub"
    filled["request"] |= {"url": f"{erp.url}/invoices"}
    filled["request"]["headers"]["Ocp-Apim-Subscription-Key"] = "sub"

    attempt, _ = export(json.dumps(filled))

    assert (attempt.state, attempt.message) == (State.SUCCEEDED, "")
    assert oauth.seen[0].header("Ocp-Apim-Subscription-Key") == "sub"
    assert (erp.seen[0].header("Ocp-Apim-Subscription-Key"), erp.seen[0].body) == ("sub", b"no;INV-7")


def test_no_secret_stands_in_what_is_kept(erp, oauth):
    attempt, _ = export(pointed_at(config(OAUTH2_COMPLEX), erp, oauth))

    kept = "".join(
        f"{exchange.url}{exchange.request_headers}"
        + (contents.blob(exchange.request_content).read().decode() if exchange.request_content else "")
        + (contents.blob(exchange.reply_content).read().decode() if exchange.reply_content else "")
        for exchange in Exchange.objects.filter(attempt=attempt)
    )
    assert kept
    for secret in ("the-client-secret", "the-client-id", "token-1"):
        assert secret not in kept
