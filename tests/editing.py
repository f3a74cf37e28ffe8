"""A pipeline as people edit it: a purge, a template over a table, a send, what reads its reply and what judges it."""

from __future__ import annotations

import json
from typing import Any

from exports.models import Attempt
from pipelines import publishing, vault
from pipelines.models import Pipeline, Queue, Stage
from tests import builders, desk

TEMPLATE = [
    "<Invoice>",
    "  <Number>{{ field.document_id }}</Number>",
    "  {% for row in field.line_items %}<Line>{{ row.item_description }}</Line>{% endfor %}",
    "</Invoice>",
]
TABLE = {
    "category": "multivalue", "id": "line_items", "label": "Line items",
    "children": {"category": "tuple", "id": "line_item", "children": [
        {"category": "datapoint", "id": "item_description", "label": "Description", "type": "string"},
        {"category": "datapoint", "id": "item_quantity", "label": "Quantity", "type": "number"},
    ]},
}  # fmt: skip
NUMBER = {"category": "datapoint", "id": "document_id", "label": "Invoice number", "type": "string"}

RENDER = {"export_configs": [{"export_reference_key": "payload", "file_content_template_multiline": TEMPLATE}]}
SEND = {
    "export_reference_key": "payload",
    "request": {
        "url": "https://erp.example/invoices?key={secret.token}",
        "headers": {"Authorization": "Bearer {secret.token}"},
        "content": "#{file_content}",
    },
    "response_headers_reference_key": "reply",
}
READ = {
    "extract": [
        {
            "format": "json",
            "source_reference_key": "reply",
            "extract_rules": [{"value_path": "status_code", "target_schema_id": "api_status"}],
        }
    ]
}
JUDGE = {"condition": "field.api_status not in ['200', '201']"}

SECRET = "hunter2-hunter2"


def pipeline(queue: Queue, *, publish: bool = True) -> Pipeline:
    """The pipeline, at the queue with its schema, and a secret `token` that it names."""
    made: Pipeline = builders.pipeline(
        {"name": "Clean", "kind": "purge"},
        {"name": "Render", "kind": "template", "config": json.dumps(RENDER, indent=2)},
        {"name": "Send", "kind": "rest_api", "config": json.dumps(SEND, indent=2)},
        {"name": "Read", "kind": "extract", "config": json.dumps(READ, indent=2)},
        {"name": "Judge", "kind": "evaluate", "config": json.dumps(JUDGE, indent=2)},
        name=f"Invoices of {queue.name}",
    )
    vault.put("token", SECRET, by=builders.owner(), pipeline=made)
    schema = builders.schema(NUMBER, "amount_total", "api_status", TABLE)
    Queue.objects.filter(pk=queue.pk).update(schema=schema, pipeline=made)
    queue.refresh_from_db()
    if publish:
        publishing.publish(made, by=builders.owner(), note="first")
        made.refresh_from_db()
    return made


def document(queue: Queue, number: str = "INV-1", **fields: Any):
    lines = [{"item_description": "Paper", "item_quantity": "3"}]
    given = {"document_id": number, "amount_total": "12.50", "api_status": "", "line_items": lines, **fields}
    return builders.document(queue, given, external_id=number)


def answered(of: Any, status: int = 201) -> Attempt:
    """An attempt of the document that got a reply, kept under the key that Send writes."""
    made = desk.attempt(of, "succeeded")
    desk.artifact(desk.run(made, "Send"), "reply", json.dumps({"status_code": status}).encode(), "application/json")
    return made


def change(of: Pipeline, name: str, old: str, new: str) -> Stage:
    """The draft's stage with its config changed, unpublished."""
    stage: Stage = of.stages.get(name=name)
    assert old in stage.config
    Stage.objects.filter(pk=stage.pk).update(config=stage.config.replace(old, new))
    stage.refresh_from_db()
    return stage
