"""What a person may do with a failure group, and what becomes of one by itself.

A group's state says who has to look at it, never what became of its documents: those of an ignored group have failed
all the same. Merging and splitting move the boundary between causes; neither changes a document or an attempt's end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, QuerySet, Value
from django.db.models.functions import StrIndex, TruncHour
from django.utils import timezone

from accounts.models import Membership, User
from accounts.policy import Principal, require
from audit import trail
from exports import transitions
from exports.models import Attempt, FailureGroup, FailureHour
from exports.states import GroupState, Reason, State
from pipelines.refusals import Refused

CHANGE = "exports.change_failuregroup"


def acknowledge(group: FailureGroup, *, by: Principal, note: str = "") -> FailureGroup:
    """Somebody knows of it. It stays in the default view, and alerts no more until it was resolved and comes back."""
    require(by, CHANGE, group)
    return _move(group, GroupState.ACKNOWLEDGED, by=by, verb="acknowledge", note=note, snoozed_until=None)


def snooze(group: FailureGroup, until: datetime, *, by: Principal, note: str = "") -> FailureGroup:
    """Out of the default view until then."""
    require(by, CHANGE, group)
    if until <= timezone.now():
        raise Refused("Choose a time that is still to come.")
    detail = {"until": until.isoformat()}
    return _move(group, GroupState.SNOOZED, by=by, verb="snooze", note=note, detail=detail, snoozed_until=until)


def ignore(group: FailureGroup, *, by: Principal, note: str) -> FailureGroup:
    """Out of the default view and of all alerts, until somebody opens it again. Its documents still count as failed."""
    require(by, CHANGE, group)
    if not note.strip():
        raise Refused("Say why it can be ignored: whoever comes after you will ask.")
    return _move(group, GroupState.IGNORED, by=by, verb="ignore", note=note, snoozed_until=None)


def reopen(group: FailureGroup, *, by: Principal, note: str = "") -> FailureGroup:
    """Back to open, whatever it was: not acknowledged, not snoozed, not ignored any more."""
    require(by, CHANGE, group)
    now = timezone.now()
    return _move(
        group, GroupState.OPEN, by=by, verb="reopen", note=note, snoozed_until=None, resolved_at=None, opened_at=now
    )


def assign(group: FailureGroup, owner: User | None, *, by: Principal) -> FailureGroup:
    """Give it to a member of the organization, or to nobody. The same owner again changes nothing."""
    require(by, CHANGE, group)
    if owner is not None and not members(by.organization_id).filter(pk=owner.pk).exists():
        raise Refused(f"{owner.get_username()} is no member of this organization.")
    with transaction.atomic():
        current = _locked(group)
        if current.owner_id != (owner.pk if owner else None):
            FailureGroup.objects.filter(pk=group.pk).update(owner_id=owner.pk if owner else None)
            _record("assign", current, by, detail={"owner": owner.get_username() if owner else ""})
    return _again(group)


def rename(group: FailureGroup, title: str, *, by: Principal) -> FailureGroup:
    """What staff call it; empty shows the pattern again."""
    require(by, CHANGE, group)
    title = " ".join(title.replace("\0", "").split())
    if len(title) > 200:
        raise Refused(f"A name has 200 characters at most; this one has {len(title)}.")
    with transaction.atomic():
        current = _locked(group)
        if current.title != title:
            FailureGroup.objects.filter(pk=group.pk).update(title=title)
            _record("rename", current, by, detail={"title": title, "was": current.title})
    return _again(group)


def merge(groups: Sequence[FailureGroup], into: FailureGroup, *, by: Principal, why: str = "") -> FailureGroup:
    """Say that these have one cause with `into`, which lists their failures from now on. Each keeps its signature and
    its own failures, so that `unmerge` takes it back."""
    for group in (into, *groups):
        require(by, CHANGE, group)
    if not groups:
        raise Refused("Choose at least one group to merge.")
    with transaction.atomic():
        rows = _all_locked({into.pk, *(group.pk for group in groups)})
        target = rows[into.pk]
        if target.merged_into_id is not None:
            raise Refused(f'"{target}" is itself merged into another group; merge into that one.')
        for pk in sorted({group.pk for group in groups}):
            _merge(rows[pk], target, by=by, why=why)
        if target.state == GroupState.RESOLVED and _open_failures([target.pk]).exists():
            _move(target, GroupState.OPEN, by=by, verb="reopen", resolved_at=None, opened_at=timezone.now())
    return _again(into)


def _merge(group: FailureGroup, target: FailureGroup, *, by: Principal, why: str) -> None:
    if group.pk == target.pk:
        raise Refused("A group is not merged into itself.")
    if group.merged_into_id is not None:
        raise Refused(f'"{group}" is merged already. Take that back first.')
    if (group.reason == Reason.UNCONFIRMED) != (target.reason == Reason.UNCONFIRMED):
        raise Refused(
            "A group whose outcome nobody knows is not merged with one that is: what is safe for one is not safe for "
            "the other."
        )
    if target.split_from_id == group.pk:
        raise Refused(f'"{target}" was split off from this one. Merge the other way round.')
    FailureGroup.objects.filter(merged_into=group).update(merged_into=target)
    FailureGroup.objects.filter(pk=group.pk).update(merged_into=target)
    FailureGroup.objects.filter(pk=target.pk, last_seen__lt=group.last_seen).update(last_seen=group.last_seen)
    _record("merge", group, by, why=why, detail={"into": target.pk})
    _record("take_in", target, by, why=why, detail={"group": group.pk})


def unmerge(group: FailureGroup, *, by: Principal, why: str = "") -> FailureGroup:
    """Let a group that was merged stand for itself again, with its own failures."""
    require(by, CHANGE, group)
    with transaction.atomic():
        current = _locked(group)
        if current.merged_into_id is None:
            raise Refused("It is not merged into another group.")
        FailureGroup.objects.filter(pk=group.pk).update(merged_into=None)
        _record("unmerge", current, by, why=why, detail={"from": current.merged_into_id})
        if current.state == GroupState.RESOLVED and _open_failures([group.pk]).exists():
            _move(current, GroupState.OPEN, by=by, verb="reopen", resolved_at=None, opened_at=timezone.now())
    return _again(group)


def split(group: FailureGroup, text: str, *, by: Principal, title: str = "") -> FailureGroup:
    """A group of its own for the failures of this one whose message contains `text`, now and from now on."""
    require(by, CHANGE, group)
    text = text.strip().replace("\0", "")
    if not 3 <= len(text) <= 200:
        raise Refused("Give 3 to 200 characters that the messages of the new group contain.")
    with transaction.atomic():
        parent = _locked(group)
        signature = hashlib.sha256(f"split\x1f{parent.signature}\x1f{text}".encode()).hexdigest()
        if FailureGroup.objects.filter(signature=signature).exists():
            raise Refused(f'It was split by "{text}" already.')
        failures = Attempt.objects.filter(group=parent)
        saying = failures.annotate(found=StrIndex("message", Value(text))).filter(found__gt=0)
        if not saying.exists():
            raise Refused(f'No failure of this group says "{text}". Upper and lower case count.')
        if not failures.exclude(pk__in=saying.values("pk")).exists():
            raise Refused(f'Every failure of this group says "{text}", so nothing would be left here.')
        return _split(parent, signature, text, title, saying, by)


def _split(
    parent: FailureGroup, signature: str, text: str, title: str, saying: QuerySet[Any], by: Principal
) -> FailureGroup:
    seen = saying.aggregate(number=Count("pk"), first=Min("finished_at"), last=Max("finished_at"))
    newest = saying.order_by("-pk")[0]
    child = FailureGroup.own(
        signature=signature, split_from=parent, split_text=text, title=title.strip()[:200],
        **{name: getattr(parent, name) for name in ("destination_id", "pipeline_id", "stage", "reason", "code")},
        pattern=parent.pattern, sample=newest.message, revision_id=newest.revision_id, attempts_seen=seen["number"],
        first_seen=seen["first"] or parent.first_seen, last_seen=seen["last"] or parent.last_seen,
        opened_at=timezone.now(),
    )  # fmt: skip
    child.save()
    hours = saying.order_by().annotate(hour=TruncHour("finished_at")).values_list("hour").annotate(Count("pk"))
    for hour, number in list(hours):
        if hour is not None:
            FailureHour.own(group=child, hour=hour, attempts=number).save()
            FailureHour.objects.filter(group=parent, hour=hour, attempts__gte=number).update(
                attempts=F("attempts") - number
            )
    FailureGroup.objects.filter(pk=parent.pk, attempts_seen__gte=seen["number"]).update(
        attempts_seen=F("attempts_seen") - seen["number"]
    )
    Attempt.objects.filter(pk__in=list(saying.values_list("pk", flat=True))).update(group=child)
    _record("split", parent, by, detail={"text": text, "group": child.pk, "failures": seen["number"]})
    _record("open", child, by, detail={"state": GroupState.OPEN, "reason": child.reason, "split_from": parent.pk})
    return _again(child)


def tend(now: datetime, *, most: int = 200) -> tuple[int, int]:
    """Part of the sweep: how many groups resolved because no failure of theirs is open, and how many woke."""
    return _resolve(now, most), _wake(now, most)


def _resolve(now: datetime, most: int) -> int:
    unsettled = [GroupState.OPEN, GroupState.ACKNOWLEDGED, GroupState.SNOOZED]
    done = FailureGroup.unscoped.filter(state__in=unsettled, attempts_seen__gt=0).filter(
        ~Exists(_open_of("group")), ~Exists(_open_of("group__merged_into"))
    )  # fmt: skip
    found = list(done.order_by("pk").values_list("pk", flat=True)[:most])
    resolved = 0
    for pk in found:
        with transaction.atomic():
            locked = FailureGroup.unscoped.select_for_update(skip_locked=True).filter(pk=pk).first()
            # Asked again under the lock that a failure takes when it finds its group.
            if locked is not None and done.filter(pk=pk).exists():
                by = Principal.system("sweep", locked.organization_id)
                resolved += transitions.move_group(
                    pk, GroupState.RESOLVED, by=by, verb="resolve", resolved_at=now, snoozed_until=None
                )
    return resolved


def _open_of(path: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = Attempt.unscoped.filter(
        **{path: OuterRef("pk")}, organization=OuterRef("organization"), state=State.FAILED, resolution=""
    )
    return rows


def _wake(now: datetime, most: int) -> int:
    due = FailureGroup.unscoped.filter(state=GroupState.SNOOZED, snoozed_until__lte=now).order_by("snoozed_until")
    return sum(
        transitions.move_group(
            pk, GroupState.OPEN, by=Principal.system("sweep", owner), verb="wake", snoozed_until=None, opened_at=now
        )
        for pk, owner in list(due.values_list("pk", "organization_id")[:most])
    )


def members(organization_id: int) -> QuerySet[User]:
    """Who may own a group."""
    those = Membership.objects.filter(organization_id=organization_id, user__is_active=True)
    return User.objects.filter(pk__in=those.values("user")).order_by("username")


def _open_failures(group_ids: Sequence[int]) -> QuerySet[Any]:
    rows: QuerySet[Any] = Attempt.objects.filter(state=State.FAILED, resolution="", group__in=group_ids) | (
        Attempt.objects.filter(state=State.FAILED, resolution="", group__merged_into__in=group_ids)
    )
    return rows


def _move(
    group: FailureGroup,
    to: GroupState,
    *,
    by: Principal,
    verb: str,
    note: str = "",
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> FailureGroup:
    note = note.strip().replace("\0", "")[:2000]
    moved = transitions.move_group(group.pk, to, by=by, verb=verb, why=note, detail=detail, note=note, **changes)
    if not moved:
        state = _again(group).state
        raise Refused(f"It is {state}" + (" already." if state == to else f" and cannot become {to} from there."))
    return _again(group)


def _all_locked(ids: set[int]) -> dict[int, FailureGroup]:
    """In the order of their ids, as failures lock them."""
    locked = FailureGroup.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in locked}


def _locked(group: FailureGroup) -> FailureGroup:
    return _all_locked({group.pk})[group.pk]


def _again(group: FailureGroup) -> FailureGroup:
    row: FailureGroup = FailureGroup.objects.get(pk=group.pk)
    return row


def _record(verb: str, group: FailureGroup, by: Principal, *, why: str = "", detail: dict[str, Any]) -> None:
    trail.record(
        f"failure_group.{verb}",
        f"failure_group:{group.pk}",
        organization_id=group.organization_id,
        actor=by.name,
        why=why[:500],
        detail=detail,
    )
