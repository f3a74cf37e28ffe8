"""One attempt compared with another: what was sent, how it was answered, by which revision, with which fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.admin.desk import number
from exports import contents
from exports.admin import fieldtables
from exports.differences import bodies as differences
from exports.differences import reading
from exports.differences.bodies import Difference
from exports.models import Artifact, Attempt, Content, Exchange, FieldsVersion
from exports.states import State

STAGES = 12
"""Stages whose requests are compared."""

OFFERED = 30
"""Attempts of the document that are offered to compare with."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the comparison."""

    title: str
    difference: Difference
    about: str = ""


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    """GET `with`: previous, success (the last of this pipeline), or an attempt's id."""

    def view(request: HttpRequest, attempt_id: int) -> HttpResponse:
        model_admin.found(request, str(attempt_id))
        rows = Attempt.objects.select_related("document", "revision__pipeline")
        attempt = rows.get(pk=attempt_id)
        other, asked = _other(rows, attempt, request.GET.get("with", "previous"))
        if other is not None:
            model_admin.found(request, str(other.pk))
        made: HttpResponse = model_admin.page(
            request,
            "admin/exports/compare.html",
            attempt,
            title=f"{attempt.document}, attempt {attempt.number} compared",
            attempt=attempt,
            other=other,
            asked=asked,
            parts=_parts(other, attempt) if other is not None else [],
            everything="all" in request.GET,
            others=_offered(attempt),
            page=reverse("admin:exports_attempt_compare", args=[attempt.pk]),
        )
        return made

    return view


def _other(rows: Any, attempt: Attempt, asked: str) -> tuple[Attempt | None, str]:
    if asked == "success":
        succeeded = rows.filter(revision__pipeline=attempt.revision.pipeline_id, state=State.SUCCEEDED)
        return succeeded.exclude(pk=attempt.pk).order_by("-id").first(), asked
    if (pk := number(asked)) is not None:
        return rows.filter(pk=pk).exclude(pk=attempt.pk).first(), str(pk)
    before = rows.filter(document=attempt.document_id, number__lt=attempt.number)
    return before.order_by("-number").first(), "previous"


def _offered(attempt: Attempt) -> list[Attempt]:
    rows = Attempt.objects.filter(document=attempt.document_id).exclude(pk=attempt.pk)
    return list(rows.only("organization", "number", "state", "reason").order_by("-number")[:OFFERED])


def _parts(one: Attempt, other: Attempt) -> list[Part]:
    """In the order in which a clerk asks; a dozen queries whatever the attempts hold."""
    return [*_requests(one, other), _fields(one, other), *_revision(one, other), *_artifacts(one, other)]


def _requests(one: Attempt, other: Attempt) -> list[Part]:
    before, after = _last(one), _last(other)
    parts: list[Part] = []
    for stage in list(dict.fromkeys([*after, *before]))[:STAGES]:
        old, new = before.get(stage), after.get(stage)
        if old is None or new is None:
            said = "sent a request only now" if old is None else "sent no request this time"
            row = differences.Row("added" if old is None else "removed", stage, *_two(old, new))
            parts.append(Part(stage, Difference("request", [row]), said))
            continue
        sent = old.begun_at, new.begun_at
        line = differences.values(
            (("request", f"{old.method} {old.url}"), ("answered", _said(old))),
            (("request", f"{new.method} {new.url}"), ("answered", _said(new))),
        )
        payload = _bodies(old.request_content, new.request_content, sent, old.request_size, new.request_size)
        reply = _bodies(old.reply_content, new.reply_content, sent, old.reply_size, new.reply_size)
        parts += [
            Part(f"{stage}: payload", payload),
            Part(f"{stage}: address and answer", line),
            Part(f"{stage}: headers sent", differences.headers(old.request_headers, new.request_headers)),
            Part(f"{stage}: reply", reply),
            Part(f"{stage}: reply's headers", differences.headers(old.reply_headers, new.reply_headers)),
        ]
    return parts


def _last(attempt: Attempt) -> dict[str, Exchange]:
    """The last request of each stage."""
    rows = Exchange.objects.filter(attempt=attempt, purpose="request")
    rows = rows.select_related("run", "request_content", "reply_content")
    return {row.run.name: row for row in reversed(rows.order_by("-id")[:50])}


def _said(row: Exchange) -> str:
    return str(row.status) if row.status is not None else row.error or "no reply"


def _two(old: Exchange | None, new: Exchange | None) -> tuple[str, str]:
    return (f"{old.method} {old.url}" if old else "", f"{new.method} {new.url}" if new else "")


def _bodies(old: Content | None, new: Content | None, sent: Any, old_size: int, new_size: int) -> Difference:
    gone = next((row for row in (old, new) if row is not None and row.purged_at is not None), None)
    if gone is not None:
        return Difference(note="It was purged and cannot be compared.")
    if old is not None and new is not None and old.sha256 == new.sha256:
        return Difference()
    cut = any(row is not None and row.size < size for row, size in ((old, old_size), (new, new_size)))
    return differences.compare(_read(old), _read(new), cut=cut, sent=sent)


def _read(row: Content | None) -> bytes:
    if row is None:
        return b""
    with contents.blob(row).open() as stream:
        return stream.read(reading.MOST + 1)


def _fields(one: Attempt, other: Attempt) -> Part:
    return Part("Fields", differences.values(_values(one), _values(other)))


def _values(attempt: Attempt) -> list[tuple[str, str]]:
    """The fields as they were when the attempt began."""
    versions = FieldsVersion.objects.filter(document=attempt.document_id)
    at = attempt.started_at or attempt.created_at
    version = versions.filter(at__lte=at).first() or versions.last()
    found = []
    for section in fieldtables.sections(version.content if version else []):
        found += [(cell.label, cell.value) for cell in section.cells]
        for table in section.tables:
            for index, row in enumerate(table.rows, 1):
                found += [(f"{table.label} {index}: {cell.label}", cell.value) for cell in row.cells if cell]
    return found


def _revision(one: Attempt, other: Attempt) -> list[Part]:
    name = (
        f"{one.revision.pipeline.name} r{one.revision.number}",
        f"{other.revision.pipeline.name} r{other.revision.number}",
    )
    if one.revision_id == other.revision_id:
        return [Part("Revision", Difference(), name[0])]
    parts = [Part("Revision", differences.values((("revision", name[0]),), (("revision", name[1]),)))]
    before = {stage["name"]: stage for stage in one.revision.definition.get("stages", ())}
    after = {stage["name"]: stage for stage in other.revision.definition.get("stages", ())}
    for stage in list(dict.fromkeys([*after, *before]))[:STAGES]:
        configs = (str(side.get(stage, {}).get("config", "")).encode() for side in (before, after))
        difference = differences.compare(*configs)
        if not difference.is_empty:
            parts.append(Part(f"Revision: {stage}", difference))
    return parts


def _artifacts(one: Attempt, other: Attempt) -> list[Part]:
    """Files that stages of both made, where their bytes differ; what was sent as a payload stands above already."""
    sides = [
        {row.key: row for row in Artifact.objects.filter(attempt=side).select_related("content").order_by("id")[:50]}
        for side in (one, other)
    ]
    parts: list[Part] = []
    for key, new in list(sides[1].items()):
        old = sides[0].get(key)
        if old is not None and old.sha256 != new.sha256 and len(parts) < STAGES:
            difference = _bodies(old.content, new.content, (old.created_at, new.created_at), old.size, new.size)
            parts.append(Part(f"File {key}", difference))
    return parts
