"""What the page of a source shows besides its form, and which sources Home names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404

from exports import sources
from exports.admin.homestuck import Stuck, link
from exports.models import Claim, SourceState
from exports.models.sources import OPEN
from exports.states import ClaimState
from pipelines.models import Source

SHOWN = ("last_at", "next_at", "lag_seconds", "errors", "error", "error_at", "last_found", "last_taken")
"""Columns of a source's state that lists and pages show."""

LAST = 25
SHOWN_AT_HOME = 6
SEVERAL = 3
"""Failed turns in a row from which a source is in trouble: one may be a hiccup."""

MEANS = {
    ClaimState.CLAIMED: "ours, and not here yet",
    ClaimState.RUNNING: "their document is here",
    ClaimState.TO_REPORT: "ended, not told yet",
    ClaimState.BLOCKED: "wait for a person",
    ClaimState.REPORTED: "told",
    ClaimState.RELEASED: "given back",
}
TONES = {
    ClaimState.CLAIMED: "busy", ClaimState.RUNNING: "busy", ClaimState.TO_REPORT: "busy", ClaimState.BLOCKED: "warn",
    ClaimState.REPORTED: "good", ClaimState.RELEASED: "quiet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """How many claims are in one state."""

    state: str
    title: str
    means: str
    number: int
    chosen: bool
    bad: bool


def of(source: Source, state: str) -> dict[str, Any]:
    """Counts by state, and the claims that changed last: of one state where one is asked for."""
    rows = Claim.objects.filter(source=source)
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    chosen = state if state in {*ClaimState} else ""
    shown = rows.filter(state=chosen) if chosen else rows
    claims = list(shown.select_related("document").order_by("-changed_at")[:LAST])
    for claim in claims:
        claim.tone = _tone(claim)
        claim.waits = claim.state in {ClaimState.CLAIMED, ClaimState.TO_REPORT}
        claim.open = claim.state in OPEN
        claim.attempt = None if claim.document is None else claim.document.attempts.order_by("-number").first()
    return {
        "state": SourceState.objects.filter(source=source).first() or SourceState(source=source),
        "polls": polls(source.kind),
        "address": f"{settings.PUBLIC_URL}/sources/{source.pk}",
        "chosen": chosen,
        "tiles": [
            Tile(
                one, one.replace("_", " ").capitalize(), means, counts.get(one, 0), one == chosen,
                one == ClaimState.BLOCKED and bool(counts.get(one)),
            )
            for one, means in MEANS.items()
        ],
        "claims": claims,
        "more": sum(counts.values() if not chosen else [counts.get(chosen, 0)]) - len(claims),
    }  # fmt: skip


def found(claim_id: int) -> Claim:
    """Raises Http404."""
    claim: Claim | None = Claim.objects.select_related("source").filter(pk=claim_id).first()
    if claim is None:
        raise Http404("There is no such claim in this organization.")
    return claim


def polls(kind: str) -> bool:
    try:
        return bool(sources.get(kind).POLLS)
    except KeyError:
        return False


def stuck() -> list[Stuck]:
    """Sources that do not go on by themselves. One statement."""
    states = SourceState.objects.filter(source=OuterRef("pk"))
    blocked = Claim.objects.filter(source=OuterRef("pk"), state=ClaimState.BLOCKED).order_by().values("source")
    rows = Source.objects.annotate(
        blocked=Subquery(blocked.annotate(number=Count("pk")).values("number")),
        **{name: Subquery(states.values(name)[:1]) for name in ("errors", "error", "error_at")},
    )
    found = []
    trouble = Q(paused_at__isnull=False) | Q(blocked__gt=0) | Q(errors__gte=SEVERAL)
    for source in rows.filter(trouble)[:SHOWN_AT_HOME]:
        where = f"Source {source.name}: "
        if source.paused_at is not None:
            why = source.paused_why or "No reason was given."
            found.append(Stuck("warn", "pause_circle", f"{where}paused", why, _page(source), source.paused_at))
        elif (source.errors or 0) >= SEVERAL:
            what = f"{where}failing, {source.errors:,} times in a row"
            found.append(Stuck("bad", "input", what, source.error, _page(source), source.error_at))
        if source.blocked:
            some = "one thing waits" if source.blocked == 1 else f"{source.blocked:,} things wait"
            why = "What became of them is not known, so the other side is told nothing. Settle their attempts."
            found.append(Stuck("warn", "block", f"{where}{some} for a person", why, _page(source, "state=blocked")))
    return found


def _page(source: Source, query: str = "") -> str:
    return link("pipelines_source_change", source.pk, query=query)


def _tone(claim: Claim) -> str:
    if claim.state == ClaimState.REPORTED and claim.outcome == "failed":
        return "bad"
    if claim.state in {ClaimState.CLAIMED, ClaimState.TO_REPORT} and claim.error:
        return "warn"
    return TONES[ClaimState(claim.state)]
