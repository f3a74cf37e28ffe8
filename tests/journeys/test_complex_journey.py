"""All real documents through the complex pipeline: purge → two templates → create draft (OAuth2) → extract →
{ attach the original → extract ∥ link back } → submit → extract → evaluate → SFTP.

Real HTTP, OAuth2 and SFTP servers, a real web server and a real worker; everything is read back over the API.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from demo.door import Terms
from demo.rules import expected
from demo.tally import files_below
from tests.journeys.site import INVOICES, Site, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not INVOICES.is_dir(), reason="no ../shared/data/invoices beside this clone"),
]
QUEUE = "Complex API"
INDEX = json.loads((INVOICES / "index.json").read_text()) if INVOICES.is_dir() else []
FIELDS = {row["name"]: json.loads((INVOICES / row["fields"]).read_text()) for row in INDEX}


class Journey:
    """What a finished run left behind, read over the API once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.documents = {document["external_id"]: document for document in site.settle(seconds=300)}
        self.attempts = {row["external_id"]: site.get(f"attempts/{row['id']}").json() for row in site.all("attempts")}

    def runs(self, name: str) -> dict[str, dict]:
        """The attempt's stage runs by the stage's name."""
        return {run["name"]: run for run in self.attempts[name]["runs"]}

    def field(self, name: str, schema_id: str) -> str:
        content = self.site.get(f"documents/{self.documents[name]['id']}/fields").json()["content"]
        stack = list(content)
        while stack:
            node = stack.pop()
            if node.get("schema_id") == schema_id:
                return node["content"]["value"]
            stack.extend(node.get("children") or ())
        raise AssertionError(f"{name} has no field {schema_id}")

    def artifact(self, name: str, key: str) -> bytes:
        (found,) = [a for run in self.attempts[name]["runs"] for a in run["artifacts"] if a["key"] == key]
        return self.site.get(f"artifacts/{found['id']}/content").content


@pytest.fixture(scope="module", params=["sqlite", "postgresql and redis"])
def journey(request, tmp_path_factory):
    settings = {}
    if request.param != "sqlite":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
        settings["REDIS_URL"] = request.getfixturevalue("redis_server")
    folder = tmp_path_factory.mktemp("journey")
    # Half way the ERP forgets its tokens, as a restart would do, so that requests are refused on the way.
    terms = Terms(forgets_after=150, slow=1.5)
    with running(folder, INVOICES, queues=[QUEUE], terms=terms, settings=settings) as site:
        yield Journey(site)


def exported():
    return [name for name, fields in FIELDS.items() if expected(fields, name).status == "exported"]


def test_each_document_reaches_exactly_the_state_that_the_rules_imply(journey):
    found = {
        name: (document["status"], journey.attempts[name]["reason"]) for name, document in journey.documents.items()
    }

    told = {name: expected(fields, name) for name, fields in FIELDS.items()}
    assert found == {name: (end.status, end.reason) for name, end in told.items()}
    assert len(found) == 100
    assert Counter(reason for _, reason in found.values()).keys() == {"", "rejected", "unconfirmed"}


def test_the_erp_received_and_booked_each_document_as_often_as_foretold(journey):
    summary = journey.site.ledger.summary()

    told = {name: expected(fields, name) for name, fields in FIELDS.items()}
    counted = {name: summary["external_ids"][f"invoice {name}"] for name in FIELDS}
    refused = Counter(
        entry.external_id
        for entry in journey.site.ledger.entries
        if entry.operation == "invoice" and entry.status == 401
    )
    assert counted == {
        name: {"received": end.requests + refused[name], "took_effect": end.booked} for name, end in told.items()
    }
    assert summary["duplicates"] == {"external_ids": [], "idempotency_keys": []}
    assert (summary["without_external_id"], summary["without_key"]) == (0, 0)


def test_some_requests_met_a_dead_token_and_were_repeated_with_a_new_one(journey):
    outcomes = journey.site.ledger.summary()["by_outcome"]

    refused = sum(count for outcome, count in outcomes.items() if outcome.endswith(" unauthorized"))
    assert refused > 0
    assert outcomes["token granted"] >= 2


def test_every_exported_document_is_submitted_with_its_original_and_a_link_back(journey):
    originals = {row["name"]: (row["original"], row["media_type"], row["sha256"]) for row in INDEX}

    for name in exported():
        (booked,) = journey.site.ledger.find(name)
        assert booked.state == "submitted"
        (attached,) = booked.attachments
        assert (attached["name"], attached["media_type"], attached["sha256"]) == originals[name]
        document_id = journey.documents[name]["id"]
        assert [link.partition("/admin/")[2] for link in booked.links] == [f"exports/document/{document_id}/change/"]


def test_every_erp_id_stands_in_the_documents_fields(journey):
    for name, fields in FIELDS.items():
        booked = journey.site.ledger.find(name)
        answered = expected(fields, name).status == "exported"
        assert journey.field(name, "erp_id") == (booked[0].id if answered else "")
        if answered:
            assert journey.field(name, "erp_location") == f"/api/invoices/{booked[0].id}"
            assert journey.field(name, "erp_status") == "submitted"


def test_every_file_at_the_sftp_server_equals_its_rendering_byte_for_byte(journey):
    there = {path.name: path.read_bytes() for path in files_below(journey.site.files)}

    rendered = {f"{journey.field(name, 'erp_id')}.xml": journey.artifact(name, "invoice_xml") for name in exported()}
    assert there == rendered
    for name in exported():
        (receipt,) = journey.runs(name)["Upload"]["deliveries"]
        content = there[receipt["place"].rpartition("/")[2]]
        assert (receipt["size"], receipt["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_every_replys_headers_and_payload_can_be_read_back(journey):
    """What the API shows of each reply has the digest that the ERP noted when it sent it."""
    noted = Counter(
        entry.replied for entry in journey.site.ledger.entries if entry.operation != "token" and entry.replied
    )
    read: Counter[str] = Counter()

    for row in journey.site.all("exchanges", purpose="request"):
        exchange = journey.site.get(f"exchanges/{row['id']}").json()
        if exchange["status"] is None:
            assert exchange["error"]
            continue
        headers = dict(exchange["reply_headers"])
        assert headers["Server"] == "pretend-erp"
        body = journey.site.get(f"exchanges/{row['id']}/reply/body").content
        assert int(headers["Content-Length"]) == len(body) == exchange["reply_size"]
        read[hashlib.sha256(body).hexdigest()] += 1

    assert read == noted


def test_the_kept_reply_documents_are_the_replies(journey):
    for name in exported():
        payload = json.loads(journey.artifact(name, "api1_reply_payload"))
        headers = json.loads(journey.artifact(name, "api1_reply_headers"))
        assert payload["id"] == journey.field(name, "erp_id")
        assert payload["external_id"] == name
        assert headers["status_code"] == 201
        assert headers["headers"]["location"] == payload["url"]


def test_a_refusal_is_told_in_the_erps_own_words(journey):
    refused = [name for name, fields in FIELDS.items() if fields["sender_name"] == "[Seller name]"]

    assert refused
    for name in refused:
        told = [m["content"] for run in journey.attempts[name]["runs"] for m in run["messages"] if m["type"] == "error"]
        assert any("Supplier “[Seller name]” is unknown." in text for text in told)


def test_an_unconfirmed_document_has_one_request_without_a_reply_and_nothing_after_it(journey):
    cut = [name for name, fields in FIELDS.items() if expected(fields, name).reason == "unconfirmed"]

    assert cut
    for name in cut:
        runs = journey.runs(name)
        unanswered = [e for e in runs["Create draft"]["exchanges"] if e["purpose"] == "request" and e["status"] is None]
        assert len(unanswered) == 1
        assert runs["Upload"]["state"] == "blocked"
        assert runs["Upload"]["deliveries"] == []
