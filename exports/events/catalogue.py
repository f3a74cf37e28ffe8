"""Which public type a verb of the trail is. What is not here is nobody's business outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exports.states import Reason
from exports.verbs import VERBS as VERBS
from pipelines import eventing

ANNOUNCED = "event.announce"


def type_of(verb: str, detail: Mapping[str, Any]) -> str:
    """The type, or "" where the event is not told. What was announced says its type itself."""
    if verb == ANNOUNCED:
        type_ = str(detail.get("type"))
        return type_ if type_ in eventing.TYPES else ""
    if verb == "attempt.fail" and detail.get("reason") == Reason.UNCONFIRMED:
        return "attempt.unconfirmed"
    return VERBS.get(verb, "")
