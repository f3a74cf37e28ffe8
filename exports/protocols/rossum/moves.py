"""Changing an annotation's status as Rossum's clients do: which changes a robot may ask for, and the verb of each.

Rossum's documentation has no table of the changes that PATCH allows; this is Waybill's (docs/protocols/rossum.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request

from accounts.policy import Principal
from exports import attempts, documents, robots
from exports.models import Document
from exports.protocols.rossum.errors import Answer
from exports.robots import RobotRequest
from exports.states import Status
from pipelines.refusals import Refused

NAME = "Rossum"
WHY = "Asked for over Rossum's protocol."
REPLAYED = timedelta(seconds=60)
"""A client that got no answer sends the same request again within this time; it must not export twice by that."""

ALLOWED: dict[Status, frozenset[Status]] = {
    Status.TO_REVIEW: frozenset({Status.POSTPONED, Status.DELETED, Status.REJECTED}),
    Status.REVIEWING: frozenset({Status.TO_REVIEW, Status.POSTPONED, Status.DELETED, Status.REJECTED}),
    Status.CONFIRMED: frozenset({
        Status.FAILED_EXPORT, Status.EXPORTING, Status.EXPORTED, Status.TO_REVIEW, Status.POSTPONED, Status.DELETED
    }),
    Status.FAILED_EXPORT: frozenset({Status.TO_REVIEW, Status.EXPORTING, Status.CONFIRMED, Status.DELETED}),
    Status.EXPORTED: frozenset({Status.EXPORTING, Status.TO_REVIEW, Status.DELETED}),
    Status.POSTPONED: frozenset({Status.TO_REVIEW, Status.DELETED}),
    Status.REJECTED: frozenset({Status.TO_REVIEW, Status.DELETED}),
    Status.FAILED_IMPORT: frozenset({Status.DELETED}),
    Status.DELETED: frozenset({Status.TO_REVIEW}),
}  # fmt: skip
"""To `importing` nothing leads: Waybill does not extract. What is exporting belongs to its attempt until that ends."""


def move(document: Document, to: str, *, by: Principal, request: RobotRequest, message: str = "") -> None:
    """The document as it was read, to another status; where it is already, nothing happens. `message` tells why an
    export failed. Raises Answer where no such change is allowed, Refused where somebody else moved it meanwhile."""
    if to == document.status:
        return
    if to not in ALLOWED.get(Status(document.status), ()):
        told = f"Transition from {document.status} to {to} is not allowed."
        raise Answer(400, {"status": [told]})
    match to:
        case Status.EXPORTED:
            _delivered(document, by, request)
        case Status.FAILED_EXPORT:
            robots.refused(document, by=by, protocol=NAME, request=request, message=message)
        case Status.EXPORTING:
            _export(document, by)
        case Status.CONFIRMED:
            with transaction.atomic():
                documents.confirm(documents.send_back(document, by=by, why=WHY), by=by)
        case _:
            _VERBS[Status(to)](document, by=by, why=message[:500] or WHY)


_VERBS: dict[Status, Callable[..., Any]] = {
    Status.TO_REVIEW: documents.send_back,
    Status.POSTPONED: documents.postpone,
    Status.REJECTED: documents.reject,
    Status.DELETED: documents.delete,
}


def _delivered(document: Document, by: Principal, request: RobotRequest) -> None:
    """Out of confirmed alone: what another robot has reported as failed meanwhile is not turned into a success."""
    confirmed = frozenset({Status.CONFIRMED})
    if robots.deliver([document], by=by, protocol=NAME, request=request, sources=confirmed):
        return
    now = Document.objects.values_list("status", flat=True).get(pk=document.pk)
    if now != Status.EXPORTED:
        raise Refused(f"The annotation is {now} meanwhile.")


def _export(document: Document, by: Principal) -> None:
    """The queue's pipeline exports it, for the first time or once more. The same robot asking again within a minute is
    taken for a replay, however quickly the attempt has ended."""
    last = document.attempts.order_by("-number").first()
    if last is None or document.status == Status.CONFIRMED:
        documents.ask_export(document, by=by, trigger="robot", why=WHY)
    elif (last.trigger, last.requested_by) != ("robot", by.name) or timezone.now() - last.created_at > REPLAYED:
        attempts.requeue(last, by=by, why=WHY, trigger="robot", although_delivered=True)


def request_of(request: Request, reply: Callable[[Document], Any]) -> RobotRequest:
    """What a robot sent, for the record; `reply` makes what it is answered of the document as it then stands."""
    return RobotRequest(
        method=request.method or "",
        url=request.build_absolute_uri(),
        headers=[(name, value) for name, value in request.headers.items() if value],
        body=json.dumps(request.data, ensure_ascii=False).encode(),
        begun_at=timezone.now(),
        reply_headers=[("Content-Type", "application/json")],
        reply=lambda moved: {one.pk: json.dumps(reply(one), ensure_ascii=False).encode() for one in moved},
    )
