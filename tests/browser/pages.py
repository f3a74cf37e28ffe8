"""Every page of the admin with an example address, from the URL resolver: a new page is found by itself, and one whose
address has a part that is unknown here fails the walk (test_every_page.py)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from exports.models import Artifact, Exchange
from exports.states import JobState, Reason, State, Status
from pipelines.models import Pipeline, Revision, Stage
from tests.filled import Filled

NO_PAGE = {
    "admin/search/": "a part that the command palette puts into another page",
    "admin/login/": "for whoever is not signed in: the walk of the doors has it",
    "admin/accounts/": "leads home: the sidebar is the list of pages",
    "admin/audit/": "leads home likewise",
    "admin/exports/": "leads home likewise",
    "admin/pipelines/": "leads home likewise",
    "admin/autocomplete/": "data that a field of another page asks for",
    "admin/jsi18n/": "a script",
    "admin/r/<path:content_type_id>/<path:object_id>/": "leads out of the admin, where no row has a page",
    "admin/exports/attempt/exchanges/<uuid:exchange_id>/<str:side>/": "a file to be saved",
    "admin/exports/attempt/artifacts/<uuid:artifact_id>/": "a file to be saved",
    "admin/exports/document/<int:document_id>/original/": "the original itself: the document's page shows it",
    "admin/exports/document/<int:document_id>/received/<int:file_id>/": "a file to be saved",
    "admin/exports/document/preview/<int:pipeline_id>/choices/": "data that the editor asks for",
    "admin/exports/hint/fits/": "data that the form of a hint asks for",
    "admin/exports/job/new/": "needs to know what: it is among the pages with a question",
    "admin/exports/job/<int:job_id>/report.csv": "a file to be saved",
    "admin/exports/failuregroup/<path:object_id>/history/": "the group's own page tells it, and it leads there",
    "admin/pipelines/pipeline/<int:pipeline_id>/offers/": "data that the editor asks for",
    "admin/pipelines/source/offers/": "likewise",
}
"""Answers a GET, and is no page: why."""

NEVER_ADDED = "what happened is not made by hand"
NEVER_DELETED = "what happened stays"
REFUSES = {
    "admin/exports/alert/add/": NEVER_ADDED,
    "admin/exports/attempt/add/": NEVER_ADDED,
    "admin/exports/eventdelivery/add/": NEVER_ADDED,
    "admin/exports/extensioncall/add/": NEVER_ADDED,
    "admin/exports/failuregroup/add/": NEVER_ADDED,
    "admin/exports/job/add/": "a job begins where its subjects are chosen",
    "admin/exports/push/add/": NEVER_ADDED,
    "admin/audit/event/add/": NEVER_ADDED,
    **{
        f"admin/{model}/<path:object_id>/delete/": NEVER_DELETED
        for model in (
            "audit/event", "exports/alert", "exports/attempt", "exports/eventdelivery", "exports/extensioncall",
            "exports/failuregroup", "exports/job", "exports/push",
        )
    },
    "admin/accounts/apikey/<path:object_id>/delete/": "a key is revoked",
    "admin/accounts/organization/<path:object_id>/delete/": "what belongs to it would go with it",
    "admin/accounts/user/<path:object_id>/delete/": "a person is deactivated: the trail names them",
    "admin/accounts/membership/<path:object_id>/delete/": "the last owner of an organization stays",
    "admin/pipelines/pipeline/<path:object_id>/delete/": "documents went through it",
    "admin/exports/alertrule/<path:object_id>/delete/": "the general rule of a kind stays",
    "admin/exports/document/<path:object_id>/delete/": "a verb with a button of its own",
}  # fmt: skip
"""Answers 403, to the walk's administrator too: why."""

QUESTIONS = {
    "documents-found": "/admin/exports/document/?q=INV",
    "documents-none-found": "/admin/exports/document/?q=nothing-is-called-like-this",
    "documents-failed": "/admin/exports/document/?tab=exported",
    "attempts-open": "/admin/exports/attempt/?open=1",
    "attempts-none-found": "/admin/exports/attempt/?reply=nothing",
    "groups-all": "/admin/exports/failuregroup/?state=all",
    "job-new-requeue": "/admin/exports/job/new/?verb=requeue&reason=rejected",
    "job-new-none": "/admin/exports/job/new/?verb=requeue&q=nothing-is-called-like-this",
    "job-new-documents": "/admin/exports/job/new/?verb=postpone&of=documents&status=confirmed",
    "events-of-one": "/admin/audit/event/?q=attempt",
}
"""Pages that are another page with a question."""


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Of every address of the admin that has a name."""
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, pattern)
        elif isinstance(entry, URLPattern) and entry.name and pattern.startswith("admin/"):
            yield from _labels(pattern)


def _labels(pattern: str) -> Iterator[str]:
    """Django's page of one app is one pattern for all of them."""
    found = re.fullmatch(r"admin/\^\(\?P<app_label>([\w|]+)\)/\$", pattern)
    yield from ([f"admin/{label}/" for label in found[1].split("|")] if found else [pattern])


def addresses() -> dict[str, str]:
    """By pattern. Where a row is needed: of pipelines the published one, of anything else the newest."""
    pipeline = Pipeline.objects.get(name__startswith="Invoices of")
    known = {
        "pipeline_id": pipeline.pk,
        "stage_id": Stage.objects.get(pipeline=pipeline, name="Judge").pk,
        "number": Revision.objects.filter(pipeline=pipeline).values_list("number", flat=True).last(),
        "exchange_id": Exchange.objects.exclude(reply_content=None).values_list("pk", flat=True).first(),
        "artifact_id": Artifact.objects.values_list("pk", flat=True).first(),
        "name": "documents",
        "task_id": uuid.UUID(int=1),
    }
    wanted = [pattern for pattern in patterns() if pattern not in NO_PAGE]
    rowless = sorted({model.__name__ for model in map(_model, wanted) if model and not model._default_manager.exists()})
    assert rowless == [], "tests/filled.py has no row of these to show"
    return {pattern: _put(pattern, known) for pattern in wanted}


def _model(pattern: str) -> Any:
    """Whose row the address of a pattern names; None where it names none."""
    return apps.get_model(*pattern.split("/")[1:3]) if "<path:object_id>" in pattern else None


def _put(pattern: str, known: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1].rpartition(":")[2]
        if name in known:
            return str(known[name])
        model = apps.get_model(*pattern.split("/")[1:3])
        return str(known["pipeline_id"] if model is Pipeline else model._default_manager.order_by("-pk")[0].pk)

    return "/" + re.sub(r"<([^>]+)>", value, pattern)


def in_every_state(filled: Filled) -> dict[str, str]:
    """The pages that look different by the state of their row."""
    of = {f"document-{key}": f"/admin/exports/document/{row.pk}/change/" for key, row in filled.documents.items()}
    of |= {f"attempt-{key}": f"/admin/exports/attempt/{row.pk}/change/" for key, row in filled.attempts.items()}
    of |= {f"group-{key}": f"/admin/exports/failuregroup/{row.pk}/change/" for key, row in filled.groups.items()}
    of |= {f"job-{key}": f"/admin/exports/job/{row.pk}/change/" for key, row in filled.jobs.items()}
    assert {f"document-{status}" for status in Status} <= of.keys()
    assert {f"attempt-{state}" for state in [*(set(State) - {State.FAILED}), *Reason]} <= of.keys()
    assert {f"job-{state}" for state in JobState} <= of.keys()
    return of
