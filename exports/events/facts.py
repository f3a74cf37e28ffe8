"""What a message says of the rows that an event is about: ids, names, states, reasons, and the page of the desk.

Read for a whole batch at once, when the messages are made: a moment after the event. A row that is gone by then is left
out; its id stands in the subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.urls import NoReverseMatch, reverse

from audit.models import Event
from exports.events import titles
from exports.events.catalogue import ANNOUNCED
from exports.models import Attempt, Document, FailureGroup, Job
from exports.states import State
from pipelines.fields import Content
from pipelines.models import Channel, Destination, Pipeline

MOST_FIELDS = 256 * 1024
"""Characters of a document's fields in one message, as JSON."""

_DOCUMENT = ("id", "external_id", "file_name", "status", "queue_id", "queue__name", "fields_id")
_ATTEMPT = (
    "id", "number", "document_id", "state", "reason", "stage", "message", "http_status", "trigger", "lane",
    "revision__number", "revision__pipeline_id", "revision__pipeline__name", "group__destination_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one event. `places` are the ids by which channels are limited; an absent one limits nothing."""

    data: dict[str, Any]
    places: dict[str, int] = field(default_factory=dict)


class Batch:
    """The rows that a batch of one organization's events speaks of, in a handful of queries."""

    def __init__(self, events: Sequence[Event]) -> None:
        ids: dict[str, set[int]] = {}
        for event in events:
            noun, _, number = event.subject.partition(":")
            if number.isdigit() and len(number) < 19:
                ids.setdefault(noun, set()).add(int(number))
        self.attempts = _by_id(Attempt.objects.filter(pk__in=ids.get("attempt", ())).values(*_ATTEMPT))
        documents = ids.get("document", set()) | {row["document_id"] or 0 for row in self.attempts.values()}
        self.documents = _by_id(Document.objects.filter(pk__in=documents).values(*_DOCUMENT))
        newest = Attempt.objects.filter(document_id__in=ids.get("document", ())).order_by().values("document_id")
        newest_ids = list(newest.annotate(newest=Max("pk")).values_list("newest", flat=True))
        of_documents = Attempt.objects.filter(pk__in=newest_ids).values(*_ATTEMPT)
        self.newest = {row["document_id"]: row for row in of_documents}
        places = {_destination_of(row) for row in (*self.attempts.values(), *self.newest.values())}
        destinations = ids.get("destination", set()) | places
        self.destinations = _names(Destination, destinations)
        self.pipelines = _names(Pipeline, ids.get("pipeline", ()))
        self.channels = _names(Channel, ids.get("channel", ()))
        jobs = Job.objects.filter(pk__in=ids.get("job", ())).values("id", "kind", "done", "requested_by")
        self.jobs = _by_id(jobs)
        groups = FailureGroup.objects.filter(pk__in=ids.get("failure_group", ()))
        self.groups = {group.pk: group for group in groups.select_related("pipeline", "destination")}
        self._fields: dict[int, Any] = {}

    def of(self, type_: str, event: Event) -> Facts:
        """What every message about the event says, whoever it goes to."""
        given = event.detail.get("payload") if event.verb == ANNOUNCED else self._about(event)
        data: dict[str, Any] = {
            **(given if isinstance(given, dict) else {}),
            "event_id": event.pk,
            "subject": event.subject,
            "by": event.actor,
            "why": titles.cut(event.why, titles.LONGEST_MESSAGE),
        }
        data["title"] = titles.title(type_, data)
        if data.get("url"):
            data["url"] = _whole(str(data["url"]))
        return Facts(data, _places(data))

    def fields_of(self, facts: Facts) -> dict[str, Any]:
        """The captured fields of the event's document, flat, for channels that want them; {} where there are none."""
        document = self.documents.get((facts.data.get("document") or {}).get("id", 0))
        if document is None or document["fields_id"] is None:
            return {}
        if document["id"] not in self._fields:
            version = Document.objects.filter(pk=document["id"]).values_list("fields__content", flat=True).first()
            self._fields[document["id"]] = Content(version or []).values
        return {"fields": self._fields[document["id"]]}

    def _about(self, event: Event) -> dict[str, Any]:
        noun, _, number = event.subject.partition(":")
        pk = int(number) if number.isdigit() and len(number) < 19 else 0
        match noun:
            case "document":
                return self._document(self.documents.get(pk), self.newest.get(pk), page=("document", pk))
            case "attempt":
                attempt = self.attempts.get(pk)
                document = self.documents.get(attempt["document_id"]) if attempt else None
                return self._document(document, attempt, page=("attempt", pk))
            case "destination":
                return {"destination": _named(self.destinations, pk), "url": _page("pipelines_destination", pk)}
            case "pipeline":
                return {"pipeline": _named(self.pipelines, pk), "url": _page("pipelines_pipeline", pk)}
            case "channel":
                return {
                    "channel": _named(self.channels, pk),
                    "message": event.why,
                    "url": _page("pipelines_channel", pk),
                }
            case "failure_group":
                return _group(pk, self.groups.get(pk))
            case "job":
                return {"job": self.jobs.get(pk, {"id": pk}), "url": _page("exports_job", pk)}
        return {}

    def _document(self, document: Any, attempt: Any, *, page: tuple[str, int]) -> dict[str, Any]:
        data: dict[str, Any] = {"url": _page(f"exports_{page[0]}", page[1])}
        if document is not None:
            data["document"] = {name: document[name] for name in ("id", "external_id", "file_name", "status")}
            data["queue"] = {"id": document["queue_id"], "name": document["queue__name"]}
        if attempt is not None:
            told = ("id", "number", "state", "reason", "stage", "http_status", "trigger")
            data["attempt"] = {name: attempt[name] for name in told}
            data["message"] = titles.cut(attempt["message"], titles.LONGEST_MESSAGE)
            data["pipeline"] = {
                "id": attempt["revision__pipeline_id"],
                "name": attempt["revision__pipeline__name"],
                "revision": attempt["revision__number"],
            }
            if destination := _destination_of(attempt):
                data["destination"] = _named(self.destinations, destination)
        return data


def _group(pk: int, group: FailureGroup | None) -> dict[str, Any]:
    """A cause of failures: its title or pattern, how many, and the page where it is acknowledged."""
    data: dict[str, Any] = {"failure_group": {"id": pk}, "url": _page("exports_failuregroup", pk)}
    if group is None:
        return data
    told = {"title": str(group), "state": group.state, "reason": group.reason, "attempts_seen": group.attempts_seen}
    data["failure_group"] |= told
    data["attempt"] = {"stage": group.stage, "reason": group.reason, "http_status": group.code}
    data["message"] = titles.cut(group.sample, titles.LONGEST_MESSAGE)
    for noun, row in (("pipeline", group.pipeline), ("destination", group.destination)):
        if row is not None:
            data[noun] = {"id": row.pk, "name": row.name}
    return data


def _by_id(rows: Iterable[Any]) -> dict[int, Any]:
    return {row["id"]: dict(row) for row in rows}


def _names(model: Any, ids: Iterable[int]) -> dict[int, str]:
    return dict(model.objects.filter(pk__in=set(ids) - {0}).values_list("pk", "name"))


def _destination_of(attempt: Any) -> int:
    """Where a failure happened; of an attempt that has none, where its pipeline sends to first. 0: nowhere."""
    failed = attempt["group__destination_id"] if attempt["state"] == State.FAILED else None
    return int(failed or attempt["lane"].partition("/")[2] or 0)


def _named(names: dict[int, str], pk: int) -> dict[str, Any]:
    return {"id": pk, "name": names.get(pk, "")}


def _page(model: str, pk: int) -> str:
    try:
        return reverse(f"admin:{model}_change", args=[pk])
    except NoReverseMatch:  # it has no page of its own
        return reverse("admin:index")


def _whole(url: str) -> str:
    """An address of the desk, from its path; anything but the web is no link."""
    if url.startswith("/") and not url.startswith("//"):
        return f"{settings.PUBLIC_URL}{url}"
    return url if url.startswith(("https://", "http://")) else settings.PUBLIC_URL


def _places(data: dict[str, Any]) -> dict[str, int]:
    found = {}
    for noun, column in (("queue", "queues"), ("pipeline", "pipelines"), ("destination", "destinations")):
        place = data.get(noun)
        if isinstance(place, dict) and isinstance(place.get("id"), int):
            found[column] = place["id"]
    return found
