"""Saving and deleting configuration that is one row: queues, schemas, triggers, destinations, sources and channels,
each with its permission, its check, its refusals and its audit event. A pipeline is edited as a draft (drafts) and only
deleted here; secrets have the vault, what is sealed of a channel has channels.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import CASCADE, PROTECT
from django.utils import timezone

from accounts.policy import Principal, require
from audit import trail
from pipelines import (
    channelrules,
    definition,
    destinations,
    rossumrules,
    schemas,
    sourcing,
    subscriptionrules,
    triggering,
)
from pipelines.models import (
    Channel,
    Destination,
    Pipeline,
    Queue,
    RossumAccount,
    Schema,
    Source,
    Subscription,
    Trigger,
)
from pipelines.refusals import InUse, Refused

Configured = Queue | Schema | Trigger | Destination | Channel | Source | RossumAccount | Subscription
Row = TypeVar("Row", bound=Configured)

NOUNS = {
    Queue: "queue", Schema: "schema", Trigger: "trigger", Destination: "destination", Pipeline: "pipeline",
    Channel: "channel", Source: "source", RossumAccount: "rossumaccount",
    Subscription: "subscription",
}  # fmt: skip
"""As the trail and the permissions say it."""

MANY = 1000
"""Rows that a refusal counts to."""


def save(row: Row, *, by: Principal) -> Row:
    """Insert or change. Only what differs is written; where nothing does, nothing happens.

    Raises Refused beginning with the column whose value cannot be, and PermissionDenied."""
    noun, new = NOUNS[type(row)], row.pk is None
    require(by, f"pipelines.{'add' if new else 'change'}_{noun}", row)
    for message in problems(row):
        raise Refused(message)
    with transaction.atomic():
        before = None if new else _held(row)
        changed = [name for name in _columns(row) if before is None or getattr(before, name) != getattr(row, name)]
        if not changed:
            return row
        written = [*changed, *(_bring_forward(row, before) if isinstance(row, Trigger) and before else ())]
        try:
            with transaction.atomic():
                row.save(force_insert=new, update_fields=None if new else written)
        except IntegrityError as error:
            raise Refused(f'name: There is already a {row._meta.verbose_name} named "{row.name}".') from error
        _record("add" if new else "change", row, by=by, detail={"name": row.name, "changed": sorted(changed)})
    return row


def delete(row: Configured | Pipeline, *, by: Principal) -> None:
    """Delete a row and what is only its own (`goes_with`). Raises InUse saying what needs it, and PermissionDenied."""
    require(by, f"pipelines.delete_{NOUNS[type(row)]}", row)
    with transaction.atomic():
        _held(row)
        if needed := needed_by(row):
            raise InUse(f'"{row.name}" cannot be deleted. It is needed by {", ".join(needed)}.')
        _record("delete", row, by=by, detail={"name": row.name, "with": goes_with(row)})
        row.delete()


def problems(row: Configured) -> list[str]:
    """What is wrong with a row that is about to be saved, each "column: message", for forms and the API too."""
    if isinstance(row, Destination):
        return destinations.problems(row)
    if isinstance(row, Channel):
        return channelrules.problems(row)
    found = [] if row.name.strip() else [f"name: Give the {row._meta.verbose_name} a name."]
    if isinstance(row, Schema):
        found += [f"content: {problem}" for problem in schemas.problems(row.content)]
    if isinstance(row, Queue) and not isinstance(row.metadata, dict):
        found.append("metadata: This is a JSON object, {} for none.")
    if isinstance(row, Source):
        found += sourcing.problems(row)
    if isinstance(row, RossumAccount):
        found += rossumrules.problems(row.base_urls, row.allowed_networks)
    if isinstance(row, Subscription):
        found += subscriptionrules.problems(row)
    if isinstance(row, Trigger):
        found += _of_trigger(row)
    return found


def _of_trigger(row: Trigger) -> list[str]:
    found = []
    if row.on not in triggering.KINDS:
        found.append(f"on: Choose one of {', '.join(triggering.KINDS)}.")
    if row.every_minutes < 1:
        found.append("every_minutes: At least 1 minute. To stop a trigger, make it inactive.")
    return found


def needed_by(row: Configured | Pipeline) -> list[str]:
    """What would break without a row, each as "3 documents"; empty where it may go."""
    found = []
    for relation in _relations(row):
        if relation.many_to_many or relation.on_delete is PROTECT:
            rows = relation.related_model.objects.filter(**{relation.field.name: row})
            if count := rows[: MANY + 1].count():
                kind = relation.related_model._meta
                name = kind.verbose_name if count == 1 else kind.verbose_name_plural
                found.append(f"more than {MANY:,} {name}" if count > MANY else f"{count:,} {name}")
    if isinstance(row, Destination):
        found += [f"{revision}, which is published" for revision in _sending_to(row)]
    return [*found, *(f"channel {name}, which tells of it alone" for name in channelrules.only_of(row))]


def goes_with(row: Configured | Pipeline) -> list[str]:
    """What is deleted with a row, each as "trigger Nightly"."""
    own = [relation for relation in _relations(row) if relation.on_delete is CASCADE and not relation.hidden]
    return [
        f"{relation.related_model._meta.verbose_name} {other}"
        for relation in own
        for other in relation.related_model.objects.filter(**{relation.field.name: row})
    ]


def _sending_to(destination: Destination) -> list[str]:
    published = Pipeline.objects.exclude(published=None).select_related("published")
    return [
        f"{pipeline.name} r{pipeline.published.number}"
        for pipeline in published
        if any(step.destination_id == destination.pk for step in definition.drafts_of(pipeline.published.definition))
    ]


def _bring_forward(trigger: Trigger, before: Trigger) -> list[str]:
    """A schedule that was made closer does not first wait out the longer one. Returns the column that this writes."""
    soon = timezone.now() + timedelta(minutes=trigger.every_minutes)
    if trigger.every_minutes == before.every_minutes or before.next_at <= soon:
        return []
    trigger.next_at = soon
    return ["next_at"]


def _held(row: Any) -> Any:
    """The row as it stands, held until the end of the transaction."""
    found = type(row).objects.select_for_update().filter(pk=row.pk).first()
    if found is None:
        raise Refused(f'"{row.name}" is gone: somebody deleted it.')
    return found


def _columns(row: Any) -> list[str]:
    """What people set. The rest is moved by verbs of its own, perhaps while a form is open."""
    fields = (field for field in row._meta.concrete_fields if field.editable and not field.primary_key)
    return [field.name for field in fields if field.name != "organization"]


def _relations(row: Any) -> list[Any]:
    """Whatever points at a row from another model; hidden ones (related_name "+") too."""
    fields = row._meta.get_fields(include_hidden=True)
    return [field for field in fields if field.auto_created and field.is_relation and not field.concrete]


def _record(verb: str, row: Any, *, by: Principal, detail: dict[str, Any]) -> None:
    subject = f"{NOUNS[type(row)]}:{row.pk}"
    owner = row.organization_id
    trail.record(f"{NOUNS[type(row)]}.{verb}", subject, organization_id=owner, actor=by.name, detail=detail)
