"""Rows that the desk's pages show: attempts that ended in every way, with what was sent and answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from exports import contents
from exports.models import Artifact, Attempt, Document, Exchange, StageRun
from exports.states import ENDED, Status
from pipelines import publishing
from tests import builders

TEMPLATE = {"export_configs": [{"export_reference_key": "out", "file_content_template": "No {{ field.document_id }}"}]}


def pipeline(name: str = "To the ERP"):
    """A published pipeline of one template stage."""
    draft = builders.pipeline({"name": "Render", "kind": "template", "config": TEMPLATE}, name=name)
    publishing.publish(draft, by=builders.owner())
    return draft


def document(queue, number: str = "INV-1", **values: Any) -> Document:
    fields = {"document_id": number, "sender_name": "Acme Paper", "amount_total": "12.50", "currency": "eur"}
    return builders.document(queue, fields, external_id=values.pop("external_id", number), **values)


def attempt(of: Document, state: str = "failed", reason: str = "", *, number: int = 1, **values: Any) -> Attempt:
    """An attempt as it stood or ended, and its document in the status that follows."""
    now = timezone.now()
    ended = now if state in ENDED else None
    made = Attempt(
        organization_id=of.organization_id,
        document=of,
        revision=of.queue.pipeline.published,
        number=number,
        trigger="person",
        requested_by="user:olga",
        state=state,
        reason=reason,
        lane=values.pop("lane", "1/1"),
        created_at=now - timedelta(minutes=3),
        started_at=now - timedelta(minutes=2),
        finished_at=ended,
        **values,
    )
    made.save()
    follows = {"failed": Status.FAILED_EXPORT, "succeeded": Status.EXPORTED}.get(state, Status.EXPORTING)
    Document.objects.filter(pk=of.pk).update(status=follows)
    return made


def run(of: Attempt, name: str = "Send", state: str = "finished", position: int = 0, **values: Any) -> StageRun:
    begun = of.created_at
    made = StageRun(
        organization_id=of.organization_id,
        attempt=of,
        name=name,
        kind=values.pop("kind", "rest_api"),
        position=position,
        state=state,
        begun_at=begun,
        finished_at=begun + timedelta(seconds=1),
        **values,
    )
    made.save()
    return made


def exchange(
    of: StageRun, *, reply: bytes = b"", sent: bytes = b"", status: int | None = 200, **values: Any
) -> Exchange:
    made = Exchange(
        organization_id=of.organization_id,
        run=of,
        attempt=of.attempt,
        purpose="request",
        method="POST",
        url="https://erp.example/invoices",
        request_headers=[["Content-Type", "application/json"]],
        request_content=_kept(sent, of) if sent else None,
        request_size=len(sent),
        status=status,
        reply_headers=values.pop("reply_headers", [["Content-Type", "text/html"]]),
        reply_content=_kept(reply, of) if reply else None,
        reply_size=values.pop("reply_size", len(reply)),
        begun_at=of.begun_at,
        ended_at=of.begun_at + timedelta(seconds=1),
        **values,
    )
    made.save()
    return made


def artifact(of: StageRun, key: str, data: bytes, media_type: str = "text/plain") -> Artifact:
    content = _kept(data, of)
    made = Artifact(
        organization_id=of.organization_id,
        attempt=of.attempt,
        run=of,
        key=key,
        name=f"{key}.txt",
        media_type=media_type,
        content=content,
        size=content.size,
        sha256=content.sha256,
    )
    made.save()
    return made


def _kept(data: bytes, of: StageRun) -> contents.Content:
    content = contents.keep(data, of.organization_id)
    content.save()
    return content
