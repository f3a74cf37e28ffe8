"""The only module that moves claims from one state to another: one conditional UPDATE and its audit event."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal
from audit import trail
from exports.models import Claim
from exports.states import CLAIM_MOVES, ClaimState


def move(
    claim: Claim,
    to: ClaimState,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    sources: Collection[ClaimState] | None = None,
    **changes: Any,
) -> bool:
    """False when the claim is in no state that leads to `to`. `claim` then holds what is in its row, or keeps still."""
    leads_there = {source for source, targets in CLAIM_MOVES.items() if to in targets}
    movable = Claim.objects.filter(pk=claim.pk, state__in=sorted(leads_there & set(sources or leads_there)))
    now = timezone.now()
    changes = {"tries": 0, "not_before": now, "error": "", "changed_at": now, **changes}
    with transaction.atomic():
        if not movable.update(state=to, **changes):
            return False
        _record(claim, verb, by, why, to)
    claim.state = to
    for name, value in changes.items():
        setattr(claim, name, value)
    return True


def make(claim: Claim, *, by: Principal) -> Claim:
    """Insert a new claim, in the caller's transaction."""
    claim.save(force_insert=True)
    _record(claim, "take", by, "", ClaimState.CLAIMED)
    return claim


def _record(claim: Claim, verb: str, by: Principal, why: str, to: ClaimState) -> None:
    trail.record(
        f"claim.{verb}",
        f"claim:{claim.pk}",
        organization_id=claim.organization_id,
        actor=by.name,
        why=why,
        detail={"state": to, "source": claim.source_id, "key": claim.key[:200]},
    )
