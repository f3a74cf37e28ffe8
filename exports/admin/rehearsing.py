"""An attempt tried without sending: everything is rendered, compared with what the attempt sent, and nothing leaves.

Of a repeat to the byte it shows what leaves again, and how that differs from what today's fields would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from exports import cases, contents, dryrun, rehearsal, repeating
from exports.admin import actions, outputs, payloads, preview
from exports.differences import bodies as differences
from exports.differences import reading
from exports.models import Attempt, Document, Exchange
from exports.rehearsal import Known, Played
from exports.repeating import Fate, Repeat
from exports.states import Status
from pipelines.definition import drafts_of
from pipelines.errors import StageError


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, attempt_id: int) -> HttpResponse:
        model_admin.found(request, str(attempt_id))
        attempt = Attempt.objects.select_related("revision__pipeline__published").get(pk=attempt_id)
        rows = Document.objects.select_related("queue__schema", "fields", "original")
        document = rows.filter(pk=attempt.document_id).exclude(status__in=(Status.DELETED, Status.PURGED)).first()
        if document is None:
            raise Http404("There is no document to try it with.")
        published = attempt.revision.pipeline.published
        sends = request.GET.get("revision", payloads.SAME)
        newest = sends == payloads.NEWEST and published is not None
        revision = published if newest and published is not None else attempt.revision
        with preview.TURNS.turn((request.user.pk, "rehearsal")) as granted:
            played, problem = _played(revision, document) if granted else ([], "Others are trying just now. Ask again.")
        newer = Attempt.objects.filter(document=document, number__gt=attempt.number).exists()
        scene = actions.scene(attempt, document, newest=not newer, back="document")
        offered = actions.of(scene, request.user, sends=payloads.NEWEST if newest else sends)
        requeue = next(action for action in offered if action.name == "requeue")
        exact = sends == payloads.SENT and not scene.exact
        made: HttpResponse = model_admin.page(
            request,
            "admin/exports/rehearsal.html",
            attempt,
            title=f"{document.external_id}, tried without sending",
            attempt=attempt,
            document=document,
            revision=revision,
            published=published,
            sends=payloads.NEWEST if newest else payloads.SENT if exact else payloads.SAME,
            exact=scene.exact,
            problem=problem,
            stages=_against(played, attempt, _exactly(attempt, document) if exact else None),
            requeue=requeue,
            risks=actions.risks(scene),
        )
        return made

    return view


def _played(revision: Any, document: Document) -> tuple[list[Played], str]:
    pipeline = revision.pipeline
    try:
        drafts = drafts_of(revision.definition)
        return rehearsal.play(drafts, document, pipeline=pipeline, known=Known.of(pipeline, drafts)), ""
    except (StageError, KeyError, TypeError, ValueError) as error:
        return [], f"Its revision cannot be read: {error}"


def _exactly(attempt: Attempt, document: Document) -> Repeat:
    attempt.document = document
    whole = repeating.repeat(attempt, cases.definition_of(attempt.revision_id))
    return whole.resumed(attempt.stage) if whole.why_not else whole


def _against(played: list[Played], attempt: Attempt, exact: Repeat | None) -> list[dict[str, Any]]:
    """Each stage with what it makes, and how its request differs from the one that the attempt sent; of a repeat to
    the byte what becomes of the stage, and what leaves again."""
    fates = exact.fates if exact is not None else {}
    rows = Exchange.objects.filter(attempt=attempt, purpose="request").select_related("run", "request_content")
    sent = {row.run.name: row for row in rows.order_by("id")[:50]}
    told = []
    for one in played:
        row = sent.get(one.stage)
        difference = None
        if one.request is not None and row is not None and one.request.body is not None:
            difference = _difference(one, row)
        fate = fates.get(one.stage)
        again = exact.held[one.stage].sent if exact is not None and fate is Fate.SENT else ()
        leaves = one.request is not None or bool(one.puts)
        shown = outputs.of_stage(one) if fate is None or (fate is Fate.RUNS and leaves) else []
        told.append({
            "played": one, "outputs": shown, "difference": difference, "sent": row, "fate": fate, "again": again,
            "leaves": leaves,
        })  # fmt: skip
    return told


def _difference(one: Played, row: Exchange) -> differences.Difference | None:
    content = row.request_content
    if content is None or content.purged_at is not None or one.request is None or one.request.body is None:
        return None
    with contents.blob(content).open() as stream, one.request.body.open() as now:
        before, after = stream.read(), now.read(reading.MOST + 1)
    made = dryrun.unmarked(after.decode("utf-8", errors="surrogateescape"), ("access_token",))
    after = made.encode("utf-8", errors="surrogateescape")
    return differences.compare(before, after, cut=content.size < row.request_size)
