"""Rossum's hook payload as templates read it, without secrets and token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from exports.wire.rossum import hookpayload

if TYPE_CHECKING:
    from exports.cases import Case
    from pipelines.fields import Content


class Payload(Mapping[str, Any]):
    """Built when first read: most stages never look."""

    def __init__(self, case: Case, content: Content) -> None:
        self._case = case
        self._content = content
        self._built: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        if self._built is None:
            self._built = build(self._case, self._content)
        return self._built

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def build(case: Case, content: Content) -> dict[str, Any]:
    """Everything a template may read of the document. `external_id` and `organization` are ours, the rest Rossum's.

    A document that came with a hook's own payload has that one, with the fields as they are now."""
    if (kept := case.artifacts.get(hookpayload.KEPT_AS)) is not None:
        came: dict[str, Any] = json.loads(kept.read())
        came["annotation"]["content"] = list(content.sections)
        return {**came, "schemas": [{"content": list(case.schema)}]}
    base = f"{settings.PUBLIC_URL}/rossum/api/v1"
    facts = case.facts
    created_at = facts.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "event": "annotation_content",
        "action": "export",
        "request_id": f"{case.attempt_id}",
        "base_url": settings.PUBLIC_URL,
        "settings": {},
        "annotation": {
            "id": facts.id,
            "url": f"{base}/annotations/{facts.id}",
            "status": "exporting",
            "previous_status": "confirmed",
            "document": f"{base}/documents/{facts.id}",
            "queue": f"{base}/queues/{facts.queue_id}",
            "organization": f"{base}/organizations/{case.organization_id}",
            "automated": facts.automated,
            "metadata": dict(facts.metadata),
            "created_at": created_at,
            "content": list(content.sections),
        },
        "document": {
            "id": facts.id,
            "url": f"{base}/documents/{facts.id}",
            "external_id": facts.external_id,
            "mime_type": facts.media_type,
            "original_file_name": facts.file_name,
            "created_at": created_at,
            "arrived_at": created_at,
            "metadata": dict(facts.metadata),
        },
        "queue": {"id": facts.queue_id, "name": facts.queue_name},
        "schemas": [{"content": list(case.schema)}],
        "updated_datapoints": [],
    }
