"""Which public type a verb of the trail is. What is not here is nobody's business outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exports.states import Reason
from pipelines import eventing

ANNOUNCED = "event.announce"

VERBS = {
    "document.receive": "document.received",
    "document.receive_again": "document.received_again",
    "document.correct": "document.corrected",
    "document.confirm": "document.confirmed",
    "document.send_back": "document.sent_back",
    "document.postpone": "document.postponed",
    "document.reject": "document.rejected",
    "document.delete": "document.deleted",
    "document.restore": "document.restored",
    "document.purge": "document.purged",
    "document.export": "document.export_started",
    "document.requeue": "document.requeued",
    "document.cancel_export": "document.export_cancelled",
    "document.settle": "document.exported",
    "document.deliver_elsewhere": "document.exported",
    "document.finish_export": "document.exported",
    "document.fail_export": "document.export_failed",
    "attempt.succeed": "attempt.succeeded",
    "attempt.fail": "attempt.failed",
    "attempt.time_out": "attempt.failed",
    "attempt.wait": "attempt.waiting",
    "attempt.park": "attempt.parked",
    "attempt.cancel": "attempt.cancelled",
    "attempt.settle": "attempt.settled",
    "pipeline.publish": "pipeline.published",
    "destination.pause": "destination.paused",
    "destination.resume": "destination.resumed",
    "destination.open_breaker": "destination.breaker_opened",
    "destination.close_breaker": "destination.breaker_closed",
    "failure_group.open": "failure_group.opened",
    "failure_group.reopen": "failure_group.reopened",
    "failure_group.resolve": "failure_group.resolved",
    "job.start": "job.started",
    "job.stop": "job.stopped",
    "job.finish": "job.finished",
    "job.cancel": "job.cancelled",
    "channel.disable": "channel.disabled",
    "channel.enable": "channel.enabled",
}


def type_of(verb: str, detail: Mapping[str, Any]) -> str:
    """The type, or "" where the event is not told. What was announced says its type itself."""
    if verb == ANNOUNCED:
        type_ = str(detail.get("type"))
        return type_ if type_ in eventing.TYPES else ""
    if verb == "attempt.fail" and detail.get("reason") == Reason.UNCONFIRMED:
        return "attempt.unconfirmed"
    return VERBS.get(verb, "")
