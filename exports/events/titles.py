"""What a message says to a person who reads only its first line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipelines import eventing

LONGEST_TITLE = 150
LONGEST_MESSAGE = 2000

_WORDS = {
    "document.received": "{document} came in",
    "document.received_again": "{document} came again, changed",
    "document.corrected": "{document} was corrected",
    "document.confirmed": "{document} was confirmed",
    "document.sent_back": "{document} was sent back to review",
    "document.postponed": "{document} was postponed",
    "document.rejected": "{document} was rejected",
    "document.deleted": "{document} was deleted",
    "document.restored": "{document} was restored",
    "document.purged": "{document} was purged",
    "document.export_started": "The export of {document} began",
    "document.requeued": "{document} is sent again",
    "document.export_cancelled": "The export of {document} was cancelled",
    "document.exported": "{document} was exported",
    "document.export_failed": "The export of {document} failed",
    "attempt.succeeded": "Attempt {number} of {document} succeeded",
    "attempt.failed": "Attempt {number} of {document} failed",
    "attempt.unconfirmed": "Nobody knows whether {document} arrived",
    "attempt.waiting": "{document} waits: the other side is unavailable",
    "attempt.parked": "{document} waits for an answer from outside",
    "attempt.cancelled": "Attempt {number} of {document} was cancelled",
    "attempt.settled": "{document} was settled as delivered",
    "pipeline.published": "Pipeline {pipeline} was published",
    "destination.paused": "Destination {destination} was paused",
    "destination.resumed": "Destination {destination} was resumed",
    "destination.breaker_opened": "Destination {destination} turns exports away",
    "destination.breaker_closed": "Destination {destination} takes exports again",
    "failure_group.opened": "A new cause of failures: {group}",
    "failure_group.reopened": "A cause of failures came back: {group}",
    "failure_group.resolved": "A cause of failures is resolved: {group}",
    "job.started": "A bulk job began",
    "job.stopped": "A bulk job stopped by itself",
    "job.finished": "A bulk job came to its end",
    "job.cancelled": "A bulk job was cancelled",
    "channel.disabled": "Channel {channel} was disabled",
    "channel.enabled": "Channel {channel} was enabled again",
    eventing.TEST: "A test from Waybill: this channel works",
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Line ends and what turns the direction of text: a subject line has none."""


def title(type_: str, data: Mapping[str, Any]) -> str:
    """One line. A payload's own title wins."""
    if own := data.get("title"):
        return one_line(str(own))
    document = data.get("document") or {}
    named = {
        "document": document.get("external_id") or "A document",
        "group": (data.get("failure_group") or {}).get("title") or "?",
        "number": (data.get("attempt") or {}).get("number", ""),
        **{noun: (data.get(noun) or {}).get("name") or "?" for noun in ("pipeline", "destination", "channel")},
    }
    return one_line(_WORDS.get(type_, eventing.TYPES.get(type_, type_)).format(**named))


def facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and text of what a person wants to see at once."""
    found: list[tuple[str, Any]] = []
    for label, noun, member in (
        ("Queue", "queue", "name"),
        ("Pipeline", "pipeline", "name"),
        ("Destination", "destination", "name"),
        ("Stage", "attempt", "stage"),
        ("Reason", "attempt", "reason"),
        ("HTTP status", "attempt", "http_status"),
    ):
        found.append((label, (data.get(noun) or {}).get(member)))
    found += [(str(pair[0]), pair[1]) for pair in data.get("facts") or () if isinstance(pair, list) and len(pair) == 2]
    if data.get("why"):
        found.append(("Why", data["why"]))
    if data.get("held_back"):
        found.append(("Held back", f"{data['held_back']} more like this since the last message"))
    return [(one_line(label), cut(one_line(str(text)), 300)) for label, text in found if text not in {None, ""}]


def one_line(text: str, most: int = LONGEST_TITLE) -> str:
    return cut(" ".join(_CONTROL.sub(" ", text).split()), most)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
