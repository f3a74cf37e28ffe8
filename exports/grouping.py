"""A failure finds its group, in the transaction in which its attempt fails: counted, opened or opened again.

Costs nothing while nothing fails, and a few statements for a whole group of commit points. Groups are locked in the
order of their ids, so that two such transactions wait for each other and never in a circle."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.policy import Principal
from audit import trail
from exports import signatures, transitions
from exports.models import Attempt, FailureGroup, FailureHour
from exports.states import GroupState, State
from pipelines.models import Destination, Revision

log = logging.getLogger(__name__)

HOURS_KEPT = timedelta(days=35)
"""Of a cause's counts by the hour; pages draw a day of them. Older ones go when the cause fails in a new hour."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that fails in this transaction. `message` is already redacted."""

    attempt_id: int
    organization_id: int
    reason: str
    stage: str
    message: str
    code: int | None = None
    at: datetime | None = None

    @classmethod
    def of(cls, attempt_id: int, organization_id: int, changes: Mapping[str, Any]) -> Failure:
        """`changes` of the attempt's row, as the ledger writes them."""
        return cls(
            attempt_id,
            organization_id,
            str(changes.get("reason") or ""),
            changes.get("stage") or "",
            changes.get("message") or "",
            changes.get("http_status"),
        )


@dataclass(frozen=True, slots=True)
class Cause:
    """What the failures of one group share."""

    organization_id: int
    signature: str
    destination_id: int | None
    pipeline_id: int
    stage: str
    reason: str
    code: int | None
    pattern: str


@lru_cache(maxsize=512)
def places_of(revision_id: int) -> tuple[int, dict[str, int | None]]:
    """A revision's pipeline, and each stage's destination; read once a process, for revisions never change.

    A stage that has none of its own, as one that judges a reply, has that of the stages it comes after, where those
    share one."""
    pipeline_id, definition = Revision.unscoped.values_list("pipeline_id", "definition").get(pk=revision_id)
    stages = {str(stage["name"]): stage for stage in definition.get("stages", ())}
    own = {name: stage.get("destination_id") for name, stage in stages.items()}

    def before(name: str, seen: set[str]) -> set[int]:
        found: set[int] = set()
        for earlier in stages.get(name, {}).get("run_after") or ():
            if earlier not in seen:
                seen.add(earlier)
                there = own.get(earlier)
                found |= {there} if there is not None else before(earlier, seen)
        return found

    places: dict[str, int | None] = {}
    for name, there in own.items():
        reached = {there} if there is not None else before(name, {name})
        places[name] = next(iter(reached)) if len(reached) == 1 else None
    return pipeline_id, places


def find(failures: Sequence[Failure]) -> None:
    """Give each of these attempts its group, inside the caller's transaction.

    A fault of ours here must not keep an attempt from ending: it is logged, and the sweep finds the group later.
    Raises OperationalError, as the caller's own statements do: the whole transaction is tried again."""
    try:
        with transaction.atomic():
            _find(failures)
    except OperationalError:
        raise
    except Exception:
        log.exception("failures found no group", extra={"attempts": [failure.attempt_id for failure in failures]})


def adopt(most: int = 200) -> int:
    """Give open failures without a group theirs: those from before groups were kept, and what `find` could not do."""
    with transaction.atomic():
        orphans = Attempt.unscoped.filter(state=State.FAILED, resolution="", group=None).order_by("organization", "-id")
        found = [
            Failure(pk, owner, reason, stage, message, code, at)
            for pk, owner, reason, stage, message, code, at in orphans.select_for_update(skip_locked=True).values_list(
                "id", "organization_id", "reason", "stage", "message", "http_status", "finished_at"
            )[:most]
        ]
        if found:
            _find(found)
    return len(found)


def _find(failures: Sequence[Failure]) -> None:
    now = timezone.now()
    revisions = dict(
        Attempt.unscoped.filter(pk__in=[failure.attempt_id for failure in failures]).values_list("pk", "revision_id")
    )
    causes = {failure.attempt_id: _cause(failure, revisions[failure.attempt_id]) for failure in failures}
    groups = _locked(set(causes.values()), now)
    splits: dict[int, list[FailureGroup]] = defaultdict(list)
    for group in groups.values():
        if group.split_from_id is not None and group.split_text:
            splits[group.split_from_id].append(group)
    by_signature = {(group.organization_id, group.signature): group for group in groups.values()}
    members: dict[int, list[Failure]] = defaultdict(list)
    for failure in failures:
        cause = causes[failure.attempt_id]
        group = _split(by_signature[cause.organization_id, cause.signature], failure.message, splits)
        members[group.pk].append(failure)
    for pk in sorted(members):
        _count(groups[pk], members[pk], revisions, now)
        root = groups[groups[pk].merged_into_id or pk]
        _open(root, groups[pk], now)


def _cause(failure: Failure, revision_id: int) -> Cause:
    pipeline_id, places = places_of(revision_id)
    destination_id = places.get(failure.stage)
    pattern = signatures.mask(failure.message)
    signature = signatures.signature(destination_id, failure.stage, failure.reason, failure.code, pattern)
    return Cause(
        failure.organization_id, signature, destination_id, pipeline_id, failure.stage, failure.reason, failure.code,
        pattern,
    )  # fmt: skip


def _locked(causes: set[Cause], now: datetime) -> dict[int, FailureGroup]:
    """The groups of these causes, made where there are none, with those they are merged into and split into, by id.

    Another transaction may make one at the same moment: then its row is the one, and this one has waited for it."""
    wanted = {(cause.organization_id, cause.signature): cause for cause in causes}
    known = _known(wanted)
    missing = [wanted[key] for key in sorted(wanted.keys() - known.keys())]
    if missing:
        _make(missing, now)
        known = _known(wanted)
    family = set(known.values())
    while True:
        locked = FailureGroup.unscoped.select_for_update(of=("self",)).filter(pk__in=family).order_by("pk")
        groups: dict[int, FailureGroup] = {group.pk: group for group in locked.defer("sample", "note")}
        kin = {group.merged_into_id for group in groups.values() if group.merged_into_id is not None}
        kin |= set(FailureGroup.unscoped.filter(split_from__in=family).values_list("pk", flat=True))
        if kin <= family:
            return groups
        family |= kin


def _known(wanted: Mapping[tuple[int, str], Cause]) -> dict[tuple[int, str], int]:
    rows = FailureGroup.unscoped.filter(
        organization_id__in={owner for owner, _ in wanted}, signature__in={signature for _, signature in wanted}
    )
    found = {(owner, signature): pk for pk, owner, signature in rows.values_list("pk", "organization_id", "signature")}
    return {key: pk for key, pk in found.items() if key in wanted}


def _make(causes: Sequence[Cause], now: datetime) -> None:
    """Insert what nobody else has made meanwhile. A destination that is gone leaves its place empty."""
    there = Destination.unscoped.filter(pk__in={cause.destination_id for cause in causes if cause.destination_id})
    destinations = set(there.values_list("pk", flat=True))
    FailureGroup.unscoped.bulk_create(
        [
            FailureGroup(
                organization_id=cause.organization_id,
                signature=cause.signature,
                destination_id=cause.destination_id if cause.destination_id in destinations else None,
                pipeline_id=cause.pipeline_id,
                stage=cause.stage,
                reason=cause.reason,
                code=cause.code,
                pattern=cause.pattern,
                first_seen=now,
                last_seen=now,
                opened_at=now,
            )
            for cause in causes
        ],
        ignore_conflicts=True,
    )


def _split(group: FailureGroup, message: str, splits: Mapping[int, list[FailureGroup]]) -> FailureGroup:
    """The group that was split off for failures that say so, and again from that one."""
    for child in sorted(splits.get(group.pk, ()), key=lambda child: child.pk):
        if child.split_text in message:
            return _split(child, message, splits)
    return group


def _count(group: FailureGroup, failures: Sequence[Failure], revisions: Mapping[int, int], now: datetime) -> None:
    """Under the group's lock, which guards its hours too."""
    newest = max(failures, key=lambda failure: (failure.at or now, failure.attempt_id))
    earliest = min(failure.at or now for failure in failures)
    if new := group.attempts_seen == 0 and group.split_from_id is None:
        trail.record(
            "failure_group.open",
            f"failure_group:{group.pk}",
            organization_id=group.organization_id,
            actor="waybill:grouping",
            why=newest.message[:500],
            detail={"state": GroupState.OPEN, "reason": group.reason, "attempt": newest.attempt_id},
        )
    last = newest.at or now
    FailureGroup.unscoped.filter(pk=group.pk).update(
        attempts_seen=F("attempts_seen") + len(failures),
        first_seen=earliest if new else min(group.first_seen, earliest),
        last_seen=last if new else max(group.last_seen, last),
        sample=newest.message,
        revision_id=revisions[newest.attempt_id],
    )
    hours = Counter(
        (failure.at or now).astimezone(UTC).replace(minute=0, second=0, microsecond=0) for failure in failures
    )
    for hour, number in sorted(hours.items()):
        counted = FailureHour.unscoped.filter(group_id=group.pk, hour=hour)
        if not counted.update(attempts=F("attempts") + number):
            first = FailureHour(organization_id=group.organization_id, group_id=group.pk, hour=hour, attempts=number)
            FailureHour.unscoped.bulk_create([first])
            FailureHour.unscoped.filter(group_id=group.pk, hour__lt=now - HOURS_KEPT).delete()
    Attempt.unscoped.filter(pk__in=[failure.attempt_id for failure in failures]).update(group_id=group.pk)


def _open(root: FailureGroup, group: FailureGroup, now: datetime) -> None:
    """What comes back opens its group again; of one that was merged, the one it was merged into."""
    if root.pk != group.pk:
        FailureGroup.unscoped.filter(pk=root.pk, last_seen__lt=now).update(last_seen=now)
    for each in {root.pk: root, group.pk: group}.values():
        if each.state == GroupState.RESOLVED:
            by = Principal.system("grouping", each.organization_id)
            transitions.move_group(each.pk, GroupState.OPEN, by=by, verb="reopen", opened_at=now, resolved_at=None)
