"""The tour of docs/demo.md, walked over the API: correct and repeat, look and settle, look and send again."""

from __future__ import annotations

import json
import shutil

import pytest

from demo.door import Terms
from demo.write_invoices import FOLDER
from tests.journeys.site import Site, running

pytestmark = pytest.mark.slow
NAMES = ["unknown-supplier-1", "echo-chamber-42", "lost-and-found-13", "maintenance-window-1"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    documents = folder / "documents"
    shutil.copytree(FOLDER, documents)
    rows = [row for row in json.loads((documents / "index.json").read_text()) if row["name"] in NAMES]
    (documents / "index.json").write_text(json.dumps(rows))
    with running(folder, documents, queues=["Simple API"], terms=Terms()) as site:
        site.settle(seconds=120)
        yield site


def last(site: Site, name: str) -> dict:
    """The document's newest attempt; attempts are listed newest first."""
    return next(row for row in site.all("attempts") if row["external_id"] == name)


def ended(site: Site, name: str) -> tuple[str, str, int]:
    """The document's status once it rests, and its newest attempt's state and number."""
    document = next(row for row in site.settle(seconds=120) if row["external_id"] == name)
    attempt = last(site, name)
    return document["status"], attempt["state"], attempt["number"]


def count(site: Site, name: str) -> dict[str, int]:
    return site.ledger.summary()["external_ids"][f"csv {name}"]


def test_a_refused_document_is_corrected_sent_again_and_passes(site):
    attempt = last(site, "unknown-supplier-1")
    assert (attempt["state"], attempt["reason"]) == ("failed", "rejected")
    assert "Supplier “Unknown Supplier Inc.” is unknown." in attempt["message"]

    value = {"content": {"value": "Harbour Lights Ltd"}}
    operation = {"op": "replace", "schema_id": "sender_name", "value": value}
    correction = {"operations": [operation], "why": "Read again from the scan"}
    corrected = site.session.patch(f"{site.url}/api/v1/documents/{attempt['document']}/fields", json=correction)
    assert corrected.status_code == 200, corrected.text
    twice = [site.post(f"attempts/{attempt['id']}/requeue", {"why": "Supplier corrected"}) for _ in range(2)]

    assert [reply.status_code for reply in twice] == [202, 202]
    assert twice[0].json()["id"] == twice[1].json()["id"]
    assert ended(site, "unknown-supplier-1") == ("exported", "succeeded", 2)
    assert site.get(f"attempts/{attempt['id']}").json()["state"] == "failed"
    assert count(site, "unknown-supplier-1") == {"received": 2, "took_effect": 1}


def test_an_unconfirmed_document_is_not_sent_again_before_somebody_looked(site):
    attempt = last(site, "echo-chamber-42")
    assert (attempt["state"], attempt["reason"], attempt["http_status"]) == ("failed", "unconfirmed", None)

    refused = site.post(f"attempts/{attempt['id']}/requeue", {"why": "Try again"})

    assert refused.status_code == 409, refused.text
    assert count(site, "echo-chamber-42") == {"received": 1, "took_effect": 1}


def test_what_the_erp_has_booked_is_settled_and_not_sent_again(site):
    attempt = last(site, "echo-chamber-42")
    (booked,) = site.ledger.find("echo-chamber-42")

    settled = site.post(
        f"attempts/{attempt['id']}/settle",
        {"delivered": True, "reference": booked.id, "why": "It is in the ERP's books"},
    )

    assert settled.status_code == 200, settled.text
    assert ended(site, "echo-chamber-42") == ("exported", "succeeded", 1)
    assert count(site, "echo-chamber-42") == {"received": 1, "took_effect": 1}


def test_what_the_erp_has_not_booked_is_sent_again_after_a_look(site):
    attempt = last(site, "lost-and-found-13")
    assert site.ledger.find("lost-and-found-13") == []

    settled = site.post(f"attempts/{attempt['id']}/settle", {"delivered": False, "why": "It is not in the books"})

    assert settled.status_code == 202, settled.text
    assert ended(site, "lost-and-found-13") == ("exported", "succeeded", 2)
    assert count(site, "lost-and-found-13") == {"received": 2, "took_effect": 1}


def test_maintenance_was_waited_for_in_one_attempt_with_one_key(site):
    attempt = last(site, "maintenance-window-1")

    exchanges = [
        exchange
        for run in site.get(f"attempts/{attempt['id']}").json()["runs"]
        for exchange in run["exchanges"]
        if exchange["purpose"] == "request"
    ]

    assert attempt["number"] == 1
    assert [exchange["status"] for exchange in exchanges] == [503, 503, 200]
    assert len({exchange["idempotency_key"] for exchange in exchanges}) == 1
    assert count(site, "maintenance-window-1") == {"received": 3, "took_effect": 1}
