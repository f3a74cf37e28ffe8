"""Raising an event that no move of a row is: an alert, a digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import Organization
from audit import trail
from pipelines import eventing


def announce(
    type_: str, subject: str, payload: Mapping[str, Any], organization: Organization | int, *, why: str = ""
) -> None:
    """Tell every channel that subscribed to `type_` (of pipelines.eventing.TYPES) what is the matter with `subject`.

    Call it in the transaction of whatever found it out: the event is durable with that, and with nothing else; sending
    happens behind, within seconds. Announcing twice tells twice, except where a channel keeps quiet: at most one
    message of a type about the same subject in its `quiet_minutes`, the next one with the number of those in between.
    So let the subject name what a person would count as one matter, for example "failure_group:12", and keep it.

    `payload` is JSON and stands in the message's `data`. These members are also used by what people read: `title` (one
    line, without a full stop), `message` (some sentences), `url` (a path of the desk, "/admin/…", or a whole address:
    where the matter is looked at and acknowledged), `facts` (pairs of label and text), and `queue`, `pipeline`,
    `destination` ({"id", "name"}), by which channels that are limited to some are chosen. No field values and no
    secrets: they would be in the audit trail for good.

    What the trail says by itself (failure_group.open, destination.pause, …) is told without this: announcing it too
    would tell it twice. Raises ValueError for a type that the catalogue does not have."""
    if type_ not in eventing.TYPES or type_ == eventing.TEST:
        raise ValueError(f'"{type_}" is no type of event; pipelines.eventing.TYPES has them all.')
    trail.record(
        "event.announce",
        subject,
        organization_id=organization if isinstance(organization, int) else organization.pk,
        actor="waybill:events",
        why=why,
        detail={"type": type_, "payload": dict(payload)},
    )
