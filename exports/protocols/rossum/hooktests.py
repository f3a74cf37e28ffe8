"""`hooks/{id}/test`: a stage played for a real annotation; nothing is sent, nothing kept (exports/rehearsal.py)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exports import rehearsal
from exports.models import Document
from exports.protocols.rossum.hooks import every
from exports.protocols.rossum.view import View
from exports.rehearsal import Played
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines import publishing
from pipelines.models import Stage

MOST = 16_384
"""Characters of a file that are shown."""


class TryHook(View):
    """The stages before it are played too, for it reads what they make. `payload.settings` are tried in the place of
    the stage's own; secrets stand as their names."""

    verbs = {"post": ("pipelines.change_stage", "exports.view_document")}

    def post(self, request: Request, pk: str) -> Response:
        stage: Stage = self.row(every(), pk)
        payload = self.body().get("payload")
        if not isinstance(payload, dict):
            raise WrongValue("payload", "Send the payload of hooks/{id}/generate_payload, or one like it.")
        document = _document(payload.get("annotation"))
        settings = payload.get("settings")
        drafts = publishing.drafts(stage.pipeline)
        if isinstance(settings, dict) and settings:
            typed = json.dumps(settings, indent=2, ensure_ascii=False)
            drafts = [replace(one, config=typed) if one.name == stage.name else one for one in drafts]
        known = rehearsal.Known.of(stage.pipeline, drafts)
        played = rehearsal.play(drafts, document, pipeline=stage.pipeline, known=known, only_up_to=stage.name)
        last = next((one for one in played if one.stage == stage.name), None)
        if last is None:
            raise WrongValue("payload", f'The stage "{stage.name}" does not run for the queue of this annotation.')
        return Response({"response": _told(last)})


def _document(given: Any) -> Document:
    reference = given.get("url") or given.get("id") if isinstance(given, dict) else given
    pk = id_of(reference, "annotations")
    rows = Document.objects.select_related("queue__schema", "fields", "original")
    found: Document | None = rows.filter(pk=pk).first() if pk is not None else None
    if found is None:
        raise WrongValue("payload", "payload.annotation names no annotation.")
    return found


def _told(played: Played) -> dict[str, Any]:
    """A hook's reply, and beside it what a hook's reply has no place for."""
    messages = [{"type": one.type, "content": one.content, "id": "all"} for one in played.messages]
    if played.error is not None:
        messages.append({"type": "error", "content": str(played.error), "id": "all"})
    told: dict[str, Any] = {
        "messages": messages,
        "operations": [],
        "fields": [{"schema_id": name, "before": old, "after": new} for name, old, new in played.changes],
        "files": [
            {"key": key, "name": blob.name, "mime_type": blob.media_type, "size": blob.size, "text": _text(blob.read())}
            for key, blob in played.files.items()
        ],
        "deliveries": [{"key": put.key, "place": put.place, "size": put.blob.size} for put in played.puts],
        "skipped": played.skipped or (f'Waits for a reply to "{played.unanswered}".' if played.unanswered else ""),
    }
    if (request := played.request) is not None:
        body = _text(request.body.read()) if request.body is not None else None
        told["request"] = {
            "method": request.method, "url": request.url, "headers": dict(request.headers), "body": body,
        }  # fmt: skip
    return told


def _text(data: bytes) -> str | None:
    """None where it is no text."""
    try:
        return data.decode()[:MOST]
    except UnicodeDecodeError:
        return None
