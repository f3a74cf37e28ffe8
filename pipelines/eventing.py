"""What happens that others may want to know, and by which ways they are told. Pure; the ways out are in exports/events.

The names are a promise to receivers: docs/events.md lists each, and a type never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Collection

WEBHOOK, SLACK, TEAMS, EMAIL = "webhook", "slack", "teams", "email"

KINDS = {
    WEBHOOK: "Webhook, signed (Standard Webhooks)",
    SLACK: "Slack, incoming webhook",
    TEAMS: "Microsoft Teams, Workflows webhook",
    EMAIL: "E-mail",
}
SEALED_ADDRESS = frozenset({SLACK, TEAMS})
"""Kinds whose address opens the door by itself: it is kept like a secret."""

TEST = "test"

TYPES = {
    "document.received": "A document came in",
    "document.received_again": "A known document came again and was changed",
    "document.corrected": "Somebody corrected its fields",
    "document.confirmed": "It was confirmed",
    "document.sent_back": "It was sent back to review",
    "document.postponed": "It was postponed",
    "document.rejected": "It was rejected in review",
    "document.deleted": "It was deleted",
    "document.restored": "It was restored",
    "document.purged": "Its contents were purged",
    "document.export_started": "Its export began",
    "document.requeued": "It is sent again",
    "document.export_cancelled": "Its export was cancelled",
    "document.exported": "It was exported, or a person said that it was delivered",
    "document.export_failed": "Its export failed; the attempt's reason says why",
    "attempt.succeeded": "An attempt succeeded",
    "attempt.failed": "An attempt failed for a known reason",
    "attempt.unconfirmed": "An attempt ended without anybody knowing what arrived",
    "attempt.waiting": "The other side is unavailable; the next automatic try is scheduled",
    "attempt.parked": "An attempt waits for an outside answer",
    "attempt.cancelled": "An attempt was cancelled",
    "attempt.settled": "An unconfirmed attempt was settled as delivered",
    "pipeline.published": "A pipeline was published",
    "destination.paused": "A destination was paused",
    "destination.resumed": "A destination was resumed",
    "destination.breaker_opened": "A destination turned several attempts away; the others wait",
    "destination.breaker_closed": "It takes them again",
    "job.started": "A bulk job began",
    "job.stopped": "A bulk job stopped by itself: its results, or its filter, say why",
    "job.finished": "A bulk job came to its end",
    "job.cancelled": "A bulk job was cancelled",
    "failure_group.opened": "Failures with a new cause appeared",
    "failure_group.reopened": "A resolved cause came back",
    "failure_group.resolved": "A cause of failures is resolved",
    "exports.silent": "Exports that used to come have stopped",
    "exports.resumed": "Exports that had stopped come again",
    "exports.overdue": "The oldest document that was not delivered has waited too long",
    "digest.daily": "The day in numbers",
    "worker.missing": "A worker went silent without saying good-bye",
    "sources.blocked": "Something that a source took is left alone until a person says what to do",
    "channel.disabled": "A channel was disabled, by itself, after failing for too long or because its receiver is gone",
    "channel.enabled": "A disabled channel was enabled again",
    TEST: "A person tries a channel; sent whatever it is subscribed to",
}

PUSHED = tuple(
    name for name in TYPES if name.startswith("document.") and name not in {"document.purged", "document.deleted"}
)
"""After these there is a document whose data can be pushed (pipelines.models.Subscription)."""


def kind_choices() -> list[tuple[str, str]]:
    """A callable, so that a new kind needs no migration."""
    return list(KINDS.items())


def matches(type_: str, wanted: Collection[str]) -> bool:
    """Whether a subscription has this type: by name, by its noun ("document.*"), or all ("*")."""
    return type_ in wanted or "*" in wanted or f"{type_.partition('.')[0]}.*" in wanted


def unknown(wanted: Collection[str]) -> list[str]:
    """Entries of a subscription that no type can match."""
    prefixes = {f"{type_.partition('.')[0]}.*" for type_ in TYPES if "." in type_}
    return [entry for entry in wanted if entry not in TYPES and entry not in prefixes and entry != "*"]
