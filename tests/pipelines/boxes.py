"""What a stage is handed in these tests: an inbox from the flat shape, and the real sandbox as its tools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines import sandbox, shapes
from pipelines.blobs import Blob
from pipelines.contract import DocumentFacts, Inbox


class SandboxTools:
    """The one tool that these stages use. Whatever else they ask for is missing, and would fail."""

    def __init__(self) -> None:
        self.sandbox = sandbox.shared()


def inbox(flat: Mapping[str, Any], artifacts: Mapping[str, bytes] | None = None, **more: Any) -> Inbox:
    facts = DocumentFacts(
        7, "EXT-7", "inv-7.pdf", "application/pdf", "exporting", 3, "AP", datetime(2026, 11, 23, tzinfo=UTC)
    )
    kept = {key: Blob.of(content) for key, content in (artifacts or {}).items()}
    return Inbox("tested", facts, shapes.from_flat(flat), kept, **more)


def run(module: Any, config: Mapping[str, Any], box: Inbox) -> Any:
    return module.run(module.Config.model_validate(config), box, SandboxTools())


def written(outcome: Any) -> dict[str, str]:
    """What the operations leave in each field, the last one winning."""
    return {one.schema_id: one.value["content"]["value"] for one in outcome.operations}


def said(outcome: Any) -> list[tuple[str, str]]:
    return [(message.type, message.content) for message in outcome.messages]


def number(schema_id: str) -> dict[str, Any]:
    return {"category": "datapoint", "id": schema_id, "type": "number"}


def day(schema_id: str) -> dict[str, Any]:
    return {"category": "datapoint", "id": schema_id, "type": "date"}


def section(*nodes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"category": "section", "id": "header", "children": list(nodes)}]


def table(schema_id: str, *cells: dict[str, Any]) -> dict[str, Any]:
    row = {"category": "tuple", "id": f"{schema_id}_row", "children": list(cells)}
    return {"category": "multivalue", "id": schema_id, "children": row}
