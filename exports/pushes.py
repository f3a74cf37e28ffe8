"""Making documents of what subscriptions push, and beginning their export. Called by the worker's loop on each look.

Of one document and subscription the next push begins when the one before has ended, so that the other side gets them
in the order in which they happened. A push is named by its id: begun twice, it is the same document.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal
from exports import arrivals, contents
from exports.models import Document, Push
from exports.states import Status
from pipelines.errors import StageError
from pipelines.refusals import Refused

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Pushes that one look begins."""


def begin() -> int:
    """Begin the export of what may go out now; how many there were."""
    rows = Push.unscoped.filter(begun_at=None)
    before = Push.unscoped.filter(
        Q(begun_at=None) | Q(made__status=Status.EXPORTING),
        document=OuterRef("document"),
        subscription=OuterRef("subscription"),
        pk__lt=OuterRef("pk"),
    )
    ready = rows.exclude(Exists(before)).select_related("subscription__into__pipeline", "subscription__into__schema")
    found = list(ready.select_related("document__queue", "document__original", "fields").order_by("pk")[:AT_ONCE])
    for push in found:
        with scope.to(push.organization_id):
            _begin(push)
    return len(found)


def _begin(push: Push) -> None:
    made, refused = None, ""
    try:
        made = _made(push)
    except (Refused, StageError, contents.PurgedError) as error:
        refused = str(error)
        log.warning("a push was refused", extra={"push": push.pk, "why": refused})
    Push.unscoped.filter(pk=push.pk, begun_at=None).update(made=made, refused=refused, begun_at=timezone.now())


def _made(push: Push) -> Document:
    subscription, document = push.subscription, push.document
    if subscription is None:
        raise Refused("Its subscription was deleted before the push began.")
    original = None
    if subscription.with_original and document.original is not None:
        original = contents.blob(document.original, name=document.file_name, media_type=document.media_type)
    made, _ = arrivals.receive(
        subscription.into,
        by=Principal.system(f"subscription {subscription.name}", push.organization_id),
        external_id=f"push-{push.pk}",
        fields=list(push.fields.content) if push.fields else [],
        original=original,
        metadata={"pushed": _told(push)},
        confirmed=True,
    )
    return made


def _told(push: Push) -> dict[str, Any]:
    """What the pipeline may want to say of the event."""
    document = push.document
    return {
        "event": push.type,
        "happened_at": push.happened_at.isoformat(),
        "document": document.pk,
        "external_id": document.external_id,
        "queue": document.queue.name,
        "version": push.fields.number if push.fields else 0,
    }
