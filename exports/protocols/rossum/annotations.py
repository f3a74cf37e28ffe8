"""Annotations: documents as Rossum's API lists and shows them, with what stands beside them on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Organization
from audit.models import Event
from exports.models import Document
from exports.protocols.rossum import filters, people, queues
from exports.protocols.rossum.documents import originals
from exports.protocols.rossum.view import View
from exports.wire.rossum import annotations as wire
from exports.wire.rossum import trees
from exports.wire.rossum.annotations import Deed
from exports.wire.rossum.parameters import Given
from exports.wire.rossum.urls import Addresses
from pipelines.models import Queue, Schema

SIDELOADS = frozenset({
    "documents", "queues", "modifiers", "schemas", "content", "users", "organizations", "workspaces",
    "automation_blockers", "assignees", "pages", "notes", "labels", "relations", "child_relations", "emails",
    "related_emails", "suggested_edits",
})  # fmt: skip
"""Arrays that a client may ask for beside `results`; those of things that Waybill has not are empty."""


def every() -> Any:
    """Documents with what a list shows, without the fields' content."""
    return Document.objects.select_related("queue", "fields").defer("fields__content", "queue__metadata")


def shapes(rows: Sequence[Document], at: Addresses) -> list[dict[str, Any]]:
    """Annotations, with two or three queries for all of them: their events, and the people in them."""
    deeds = _deeds(rows)
    modifiers = {row.pk: row.reviewer or (row.fields.by if row.fields else "") for row in rows}
    names = {*modifiers.values(), *(event.actor for done in deeds.values() for event in done.values())}
    ids = people.ids_of(names)
    return [
        wire.annotation(
            wire.Annotation(
                row.pk,
                status=row.status,
                queue=row.queue_id,
                schema=row.queue.schema_id,
                organization=row.organization_id,
                created_at=row.created_at,
                modified_at=row.modified_at,
                assigned_at=row.review_began_at,
                confirmed_at=row.confirmed_at,
                exported_at=row.exported_at,
                export_failed_at=row.export_failed_at,
                deleted_at=row.deleted_at,
                purged_at=row.purged_at,
                modifier=ids.get(modifiers[row.pk]),
                creator=ids.get(deeds[row.pk]["created"].actor) if "created" in deeds[row.pk] else None,
                assignees=[row.assignee_id] if row.assignee_id else [],
                messages=row.messages,
                metadata=row.metadata,
                automated=row.automated,
                deeds={name: Deed(ids.get(event.actor), event.at) for name, event in deeds[row.pk].items()},
            ),
            at,
        )
        for row in rows
    ]


_VERBS = {verb: name.removesuffix("_by") for name, verbs in filters.WHO.items() for verb in verbs} | {
    "document.receive": "created"
}


def _deeds(rows: Sequence[Document]) -> dict[int, dict[str, Event]]:
    """The last event of each kind, where it still holds: what was sent back is neither confirmed nor exported."""
    found: dict[int, dict[str, Event]] = {row.pk: {} for row in rows}
    if not rows:
        return found
    events = Event.objects.filter(
        organization_id=rows[0].organization_id,
        subject__in=[f"document:{row.pk}" for row in rows],
        verb__in=list(_VERBS),
    )
    for event in events.only("verb", "subject", "actor", "at").order_by("pk"):
        if event.actor.startswith("waybill:"):
            continue  # the worker ended what somebody asked for
        found[int(event.subject.partition(":")[2])][_VERBS[event.verb]] = event
    for row in rows:
        done = found[row.pk]
        for name, stands in (
            ("confirmed", row.confirmed_at), ("exported", row.exported_at), ("deleted", row.deleted_at),
            ("purged", row.purged_at), ("rejected", row.status == "rejected"),
        ):  # fmt: skip
            if not stands:
                done.pop(name, None)
    return found


def narrowed_keys(given: Given, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`fields` and `fields!`, also in the spelling `-fields`."""
    wanted, unwanted = given.words("fields"), [*given.words("fields!"), *given.words("-fields")]
    return [wire.chosen(one, wanted, unwanted) for one in shown] if wanted or unwanted else shown


def beside(rows: Sequence[Document], given: Given, at: Addresses) -> dict[str, list[Any]]:
    """The arrays that `sideload` asks for, each there even if it is empty; unknown names are ignored."""
    wanted = [name for name in given.words("sideload") if name in SIDELOADS]
    return {name: _array(name, rows, given, at) for name in wanted}


def _array(name: str, rows: Sequence[Document], given: Given, at: Addresses) -> list[Any]:
    match name:
        case "documents":
            return originals(rows, at)
        case "queues":
            return queues.queues(list(Queue.objects.filter(pk__in={row.queue_id for row in rows}).order_by("pk")), at)
        case "schemas":
            ids = {row.queue.schema_id for row in rows if row.queue.schema_id}
            return queues.schemas(list(Schema.objects.filter(pk__in=ids).order_by("pk")), at)
        case "modifiers" | "users" | "assignees":
            return _users(name, rows, at)
        case "content":
            only = given.words("content.schema_id")
            trees_of = Document.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
            return [
                node
                for pk, content in trees_of.values_list("pk", "fields__content")
                for node in trees.datapoints(content or (), pk, at, only)
            ]
        case "organizations":
            return queues.organizations(list(Organization.objects.filter(pk__in={r.organization_id for r in rows})), at)
        case "workspaces":
            return queues.workspaces(list(Organization.objects.filter(pk__in={r.organization_id for r in rows})), at)
        case _:
            return []


def _users(name: str, rows: Sequence[Document], at: Addresses) -> list[Any]:
    wanted: set[str] = set()
    assigned: set[int] = set()
    if name != "assignees":
        wanted = {row.reviewer or (row.fields.by if row.fields else "") for row in rows}
    if name != "modifiers":
        assigned = {row.assignee_id for row in rows if row.assignee_id}
    return people.shapes({*people.ids_of(wanted).values(), *assigned}, at)


class Annotations(View):
    """The list, with every filter of Rossum's."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request) -> Response:
        rows = filters.narrowed(every(), self.given)
        return self.listed(
            rows,
            lambda found: narrowed_keys(self.given, shapes(found, self.at)),
            keys=filters.ORDER,
            beside=lambda found: beside(found, self.given, self.at),
        )


class OneAnnotation(View):
    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        return self.shown(self.row(every(), pk))

    def shown(self, document: Document) -> Response:
        return Response(narrowed_keys(self.given, shapes([document], self.at))[0])


class Content(View):
    """The tree of an annotation's fields."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        return Response(tree(self, pk))


def tree(view: View, pk: str | int) -> dict[str, Any]:
    """An annotation's content as it is now."""
    document = view.row(Document.objects.select_related("fields"), pk)
    return trees.body(document.fields.content if document.fields else (), document.pk, view.at)


class ProcessingDuration(View):
    """Time that people spent: Waybill does not measure it."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        document = self.row(Document.objects.only("pk"), pk)
        names = ("active", "overall", "edit", "blockers", "emails", "opening")
        return Response(
            {
                "annotation": self.at.annotation(document.pk),
                **{f"time_spent_{name}": 0.0 for name in names},
                "duration_latest_validate_started": None,
                "duration_latest_validate_updated_before_confirm": None,
            }
        )
