"""What the editor of a stage offers while typing: names of fields, keys, stages and secrets, and the words of its kind.

Names only: a secret's value is never read here. What templates may say comes from the sandbox itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines import configs, publishing, schematree, stages, vault
from pipelines.definition import StageDraft, ancestors
from pipelines.models import Pipeline, Queue, Stage
from pipelines.sandbox import vocabulary

PAYLOAD: dict[str, list[str]] = {
    "event": [], "action": [], "request_id": [], "base_url": [], "settings": [],
    "annotation": [
        "id", "url", "status", "previous_status", "document", "queue", "organization", "automated", "metadata",
        "created_at", "content",
    ],
    "document": [
        "id", "url", "external_id", "mime_type", "original_file_name", "created_at", "arrived_at", "metadata",
    ],
    "queue": ["id", "name"],
    "schemas": [], "updated_datapoints": [],
}  # fmt: skip
"""The names below `payload` in a template (exports.payloads builds it; a test holds the two together)."""

FILE: dict[str, list[str]] = {"original_file": []}
"""The names below `file`."""

PLACEHOLDERS = (
    "annotation.id", "document.id", "document.external_id", "document.original_file_name", "queue.id",
)  # fmt: skip
"""What @{…} knows besides the fields (pipelines.transports.placeholders)."""


def offers(pipeline: Pipeline, stage: Stage | None, kind: str, *, secrets: bool) -> dict[str, Any]:
    """Everything for one stage, fit for JSON. `stage` is None for a new one; without `secrets` their names are left
    out, for who may not see them."""
    drafts = publishing.drafts(pipeline)
    return {
        "kind": kind,
        "schema": schema_of(kind),
        "fields": fields(pipeline),
        "template": {**vocabulary.words(), "payload": PAYLOAD, "file": FILE},
        "placeholders": list(PLACEHOLDERS),
        "keys": keys(drafts, stage.name if stage else ""),
        "stages": [draft.name for draft in drafts],
        "secrets": _secrets(pipeline, stage) if secrets else [],
    }


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind's config; empty where nobody provides the kind."""
    try:
        config = stages.get(kind).Config
    except (KeyError, ImportError):
        return {}
    schema: dict[str, Any] = config.model_json_schema()
    return schema


def fields(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The fields of the queues that use the pipeline: {"id", "label", "type", "table", "queues"}, tables among them
    with the type "table". A field of one name at several queues is offered once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for queue in Queue.objects.filter(pipeline=pipeline).select_related("schema").order_by("name"):
        for one in _fields(queue.schema.content if queue.schema else []):
            known = found.setdefault((one["table"], one["id"]), {**one, "queues": []})
            known["queues"].append(queue.name)
    return list(found.values())


def keys(drafts: Sequence[StageDraft], name: str) -> list[dict[str, str]]:
    """The reference keys that other stages write: {"key", "stage"}, those of stages that come before first. For a
    stage that is not saved yet all of them count as before."""
    before = ancestors({draft.name: draft.run_after for draft in drafts}).get(name)
    own = [draft for draft in drafts if draft.name != name]
    near = own if before is None else [draft for draft in own if draft.name in before]
    return [{"key": key, "stage": draft.name} for draft in near for key in sorted(_writes(draft))]


def _writes(draft: StageDraft) -> Iterable[str]:
    try:
        module = stages.get(draft.kind)
    except (KeyError, ImportError):
        return ()
    config = configs.parse(draft.name, module, draft.config).config
    written: Iterable[str] = module.writes(config) if config is not None else ()
    return written


def _fields(sections: Any) -> Iterator[dict[str, Any]]:
    tables = {}
    for field in schematree.fields(sections):
        if field.table and field.table not in tables:
            tables[field.table] = True
            yield {"id": field.table, "label": _label(sections, field.table), "type": "table", "table": ""}
        label = str(field.node.get("label") or "")
        yield {"id": field.id, "label": label, "type": field.type, "table": field.table}


def _label(sections: Any, table: str) -> str:
    nodes: Iterator[Mapping[str, Any]] = (node for section in sections for node in schematree.children(section))
    return next((str(node.get("label") or "") for node in nodes if node.get("id") == table), "")


def _secrets(pipeline: Pipeline, stage: Stage | None) -> list[str]:
    destination = stage.destination_id if stage else None
    return sorted(vault.names_for(pipeline.organization_id, destination_id=destination, pipeline_id=pipeline.pk))
