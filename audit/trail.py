"""Writing to the trail. Call inside the transaction of the move that the event records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit import rows
from audit.models import Event


def event(
    verb: str, subject: str, *, organization_id: int, actor: str, why: str = "", detail: Mapping[str, Any] | None = None
) -> Event:
    """An unsaved event, for callers that write many rows at once. `subject` is "noun:id", for example "attempt:12"."""
    return rows.new(
        Event,
        organization_id=organization_id,
        actor=actor[:200],
        verb=verb,
        subject=subject,
        why=_storable(why),
        detail=dict(detail or {}),
    )


def record(
    verb: str, subject: str, *, organization_id: int, actor: str, why: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Append one event."""
    event(verb, subject, organization_id=organization_id, actor=actor, why=why, detail=detail).save(force_insert=True)


def _storable(text: str) -> str:
    """Without what PostgreSQL or UTF-8 cannot hold: a reason that was typed must never stop the move it explains."""
    return text.replace("\0", "").encode(errors="replace").decode() if text else text
