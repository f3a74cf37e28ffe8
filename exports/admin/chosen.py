"""What the document's page shows of the chosen attempt: one tab at a time, and only what that tab needs is read."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse

from accounts.admin.desk import here
from audit.models import Event
from exports import contents, curl
from exports.admin import fieldtables, timeline
from exports.models import Artifact, Attempt, Content, Document, Exchange, StageRun
from exports.states import ENDED
from pipelines.definition import Definition
from pipelines.errors import StageError

TABS = (("fields", "Fields"), ("sent", "Sent"), ("reply", "Reply"), ("revision", "Revision"), ("audit", "Audit"),
        ("versions", "Versions"), ("files", "Files"))  # fmt: skip

EXCHANGES = 12
"""Requests of one attempt that the page shows with their bodies, the last ones; the attempt's page has all."""


def tab_of(asked: str) -> str:
    return asked if asked in dict(TABS) else TABS[0][0]


def of(tab: str, document: Document, attempt: Attempt | None) -> dict[str, Any]:
    """The context of the tab."""
    match tab:
        case "sent" | "reply" if attempt is not None:
            return _exchanges(attempt, tab)
        case "revision" if attempt is not None:
            return _revision(attempt, document)
        case "audit":
            return {"events": _events(document)}
        case "versions":
            return {"versions": document.versions.defer("content")[:50]}
        case "files":
            return {
                "attachments": document.attachments.select_related("artifact__run").order_by("key"),
                "received": document.received.filter(replaced_at=None),
            }
        case _:
            return {}


def sections(document: Document) -> list[fieldtables.Section]:
    tree = document.fields.content if document.fields else []
    return fieldtables.sections(tree, document.queue.schema.content if document.queue.schema else [])


def absent(document: Document) -> list[tuple[str, str]]:
    tree = document.fields.content if document.fields else []
    return fieldtables.absent(tree, document.queue.schema.content if document.queue.schema else [])


def _exchanges(attempt: Attempt, side: str) -> dict[str, Any]:
    side = "request" if side == "sent" else "reply"
    rows = Exchange.objects.filter(attempt=attempt).select_related("run", f"{side}_content").order_by("-id")
    shown = list(rows[: EXCHANGES + 1])
    made = []
    for row in reversed(shown[:EXCHANGES]):
        sent = timeline.sent(row, over=attempt.state in ENDED, request=side == "request", reply=side == "reply")
        made.append({"sent": sent, "stage": row.run.name, "can_repeat": _is_http(row)})
    return {"exchanges": made, "more_exchanges": len(shown) > EXCHANGES}


def _is_http(row: Exchange) -> bool:
    return row.url.startswith(("http://", "https://"))


def command(row: Exchange) -> dict[str, Any]:
    """The request as a curl command, and where the files are that it reads."""
    if not _is_http(row):
        return {}
    content = row.request_content
    kept = content is not None and content.purged_at is None
    if _is_form(row) and kept and content is not None:
        parts, links = _parts(row, content)
        made = curl.command(row.method, row.url, row.request_headers, parts=parts)
        return {"command": made, "links": links}
    name = f"request-{str(row.pk)[:8]}.bin"
    body = None
    whole = content is not None and content.size >= row.request_size
    if kept and content is not None:
        with contents.blob(content).open() as stream:
            body = stream.read(curl.INLINE + 1)
    elif row.request_size:
        body, whole = b"", False
    made = curl.command(row.method, row.url, row.request_headers, body=body, whole=whole, file=name)
    links = []
    if made.body_is_file:
        links = [{"file": name, "url": _link(row, row.request_sha256, whole=whole and kept), "sha256": ""}]
    return {"command": made, "links": links}


def _is_form(row: Exchange) -> bool:
    """Of a form the parts are kept as a list, not its bytes."""
    content = row.request_content
    return content is not None and content.purged_at is None and content.sha256 == row.request_sha256 and (
        content.size != row.request_size
    )  # fmt: skip


def _parts(row: Exchange, content: Content) -> tuple[list[curl.Part], list[dict[str, str]]]:
    import json

    try:
        told = json.loads(contents.blob(content).read())
    except ValueError:
        return [], []
    parts, links = [], []
    for part in told:
        if "text" in part:
            parts.append(curl.Part(str(part.get("name", "")), text=str(part["text"])))
            continue
        file = str(part.get("file_name") or "file").replace("/", "_")
        parts.append(
            curl.Part(str(part.get("name", "")), file=file, file_name=file, media_type=str(part.get("media_type", "")))
        )
        links.append({"file": file, "url": _link(row, str(part.get("sha256", "")), whole=False), "sha256": ""})
    return parts, links


def _link(row: Exchange, sha256: str, *, whole: bool) -> str:
    """Where the bytes are downloaded: the body as it is kept, an artifact or the original with the same digest."""
    if whole:
        return reverse("admin:exports_attempt_body", args=[row.pk, "request"])
    same = Q(sha256=sha256, content__purged_at=None, attempt__document=row.attempt.document_id)
    artifact = Artifact.objects.filter(same).only("pk").first() if sha256 else None
    if artifact is not None:
        return reverse("admin:exports_attempt_artifact", args=[artifact.pk])
    document = Document.objects.filter(pk=row.attempt.document_id, original__sha256=sha256).only("pk").first()
    return f"{reverse('admin:exports_document_original', args=[document.pk])}?download" if document else ""


def _revision(attempt: Attempt, document: Document) -> dict[str, Any]:
    from pipelines.models import Revision

    revision = Revision.objects.select_related("pipeline__published").get(pk=attempt.revision_id)
    published = revision.pipeline.published
    try:
        steps = Definition.load(revision.definition).for_queue(document.queue_id)
    except (StageError, KeyError, TypeError, ValueError):
        steps = ()
    ran = dict(StageRun.objects.filter(attempt=attempt).values_list("name", "state"))
    differences = []
    if published is not None and published.pk != revision.pk:
        differences = _between(revision.definition, published.definition)
    return {
        "revision": revision,
        "published": published,
        "steps": [{"step": step, "state": ran.get(step.name, "")} for step in steps],
        "differences": differences,
    }


def _between(old: Any, new: Any) -> list[dict[str, str]]:
    """Which stages differ, each with its config's difference."""
    from pipelines.admin import differing

    before = {stage["name"]: stage for stage in old.get("stages", ())}
    after = {stage["name"]: stage for stage in new.get("stages", ())}
    found: list[dict[str, Any]] = []
    for name in [*after, *(name for name in before if name not in after)]:
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        what = "added" if one is None else "removed" if other is None else "changed"
        lines = differing.unified(str((one or {}).get("config", "")), str((other or {}).get("config", "")))
        found.append({"stage": name, "what": what, "lines": lines[:200]})
    return found


def _events(document: Document) -> Any:
    """Of the document and of all its attempts."""
    attempts = Attempt.objects.filter(document=document).order_by("-number").values_list("pk", flat=True)[:200]
    subjects = [f"document:{document.pk}", *(f"attempt:{pk}" for pk in attempts)]
    return Event.objects.filter(organization_id=here(), subject__in=subjects).order_by("-id")[:200]
