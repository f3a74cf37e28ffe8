"""What tests of repeating to the byte share: an ERP, a pipeline that renders, sends, reads and judges, and the repeat."""

from __future__ import annotations

import pytest

from exports import attempts, cases, documents, loop, repeating
from exports.models import Attempt, Document
from pipelines import vault
from pipelines.fields import Operation
from tests import builders
from tests.servers import http

TEMPLATE = {
    "export_configs": [
        {"export_reference_key": "invoice", "file_content_template": '{"no": "{{ field.number }}"}'},
    ]
}


@pytest.fixture
def erp():
    with http.running() as server:
        yield server


@pytest.fixture
def place():
    made = builders.destination("ERP", allowed_networks=["127.0.0.0/8"])
    vault.put("erp_key", "first-s3cr3t", by=builders.owner(), destination=made)
    return made


def stages(erp, place, **request):
    """Render, send with a secret, read the number out of the reply, judge by it."""
    send = {
        "export_reference_key": "invoice",
        "request": {
            "url": f"{erp.url}/in",
            "content": "#{file_content}",
            "headers": {"Content-Type": "application/json", "Authorization": "Bearer {secret.erp_key}", "X-No": "@{number}"},
            **request,
        },
        "response_payload_reference_key": "answer",
    }  # fmt: skip
    rule = {"source_reference_key": "answer", "extract_rules": [{"value_path": "id", "target_schema_id": "erp_id"}]}
    return (
        {"name": "Render", "kind": "template", "config": TEMPLATE},
        {"name": "Send", "kind": "rest_api", "destination": place, "config": send},
        {"name": "Read", "kind": "extract", "config": {"extract": [rule]}},
        {
            "name": "Judge",
            "kind": "evaluate",
            "config": {"condition": "field.erp_id == ''", "message": "No ERP number"},
        },
    )


def ran(*made, fields=None, **values) -> Attempt:
    started = builders.attempt(*made, fields=fields or {"number": "INV-1", "erp_id": ""}, **values)
    return loop.run_now(started.pk)


def corrected(document: Document, **values: str) -> None:
    document.refresh_from_db()
    operations = [Operation.assign(name, text) for name, text in values.items()]
    documents.correct(document, by=builders.owner(), operations=operations)


def again(attempt: Attempt, **how) -> Attempt:
    made = attempts.requeue(attempt, by=builders.owner(), why="the ERP was wrong", **{"frozen": True, **how})
    return loop.run_now(made.pk)


def why_not(attempt: Attempt) -> str:
    return repeating.repeat(attempt, cases.definition_of(attempt.revision_id)).why_not
