"""What the alert rules look at: one function a kind, each a rule that can be told in a sentence. Part of the sweep."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, F, Min, Q
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse

from accounts import scope
from accounts.display import span
from accounts.models import Organization
from exports import alertrules, alerts, digest, health, looks, rounds, worklist
from exports.alerts import Found
from exports.models import AlertRule, Attempt, Breaker, Claim, FailureGroup, Loop, Round, Tally
from exports.states import ACTIVE, ClaimState, GroupState
from exports.tallies import FINE, NAME, floor
from pipelines.models import Destination

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
FRESH = timedelta(days=1)
"""A cause that opened longer ago is no news."""
LOST = timedelta(seconds=60)
WEEKS, ENOUGH_WEEKS = 4, 3
BEHIND = timedelta(minutes=15)
"""Where the counts are further behind than that, nobody can say that exports stopped."""


def run(now: datetime) -> None:
    """All rules of all organizations; one loop of all does it. One rule's fault leaves the others."""
    if not rounds.mine("alerts", EVERY, now):
        return
    for organization_id in Organization.objects.values_list("pk", flat=True):
        with scope.to(organization_id):
            alertrules.ensure()
            for kind, rules in _rules().items():
                try:
                    LOOKS[kind](rules, now)
                except Exception:
                    log.exception("a kind of alert rule failed", extra={"kind": kind, "organization": organization_id})


def _rules() -> dict[str, list[AlertRule]]:
    found: defaultdict[str, list[AlertRule]] = defaultdict(list)
    for rule in AlertRule.objects.select_related("destination", "queue").order_by("pk"):
        if rule.kind in LOOKS:
            found[rule.kind].append(rule)
    return found


def causes(rules: Sequence[AlertRule], now: datetime) -> None:
    """A cause that is open and was not told since it opened, and not told at all within the rule's minutes."""
    rule = rules[0]
    told = alerts.going_on(alertrules.CAUSE)
    known = {int(subject.rpartition(":")[2]): alert for subject, alert in told.items()}
    open_ones = set(
        FailureGroup.objects.filter(pk__in=known).exclude(state=GroupState.RESOLVED).values_list("pk", flat=True)
    )
    alerts.end([alert for pk, alert in known.items() if pk not in open_ones], now)
    if not rule.active:
        return
    fresh = FailureGroup.objects.filter(state=GroupState.OPEN, merged_into=None, opened_at__gte=now - FRESH)
    for group in fresh.select_related("destination").order_by("pk")[:200]:
        subject = f"failure_group:{group.pk}"
        if alerts.told_lately(subject, alertrules.CAUSE, now - timedelta(minutes=rule.minutes)):
            continue
        alerts.tell(_cause(group, subject))


def _cause(group: FailureGroup, subject: str) -> Found:
    returned = group.opened_at - group.first_seen > timedelta(seconds=1)
    number = Attempt.objects.filter(health.OPEN, group=group).count()
    side = looks.side_of(group.reason)
    facts = [
        ("Documents so far", f"{number:,}"),
        ("Reason", looks.of_reason(group.reason).text),
        ("Stage", group.stage),
    ]
    if group.destination is not None:
        facts.append(("Destination", group.destination.name))
    try:
        link = reverse("admin:exports_failuregroup_change", args=[group.pk])
    except NoReverseMatch:
        link = ""
    return Found(
        alertrules.CAUSE,
        f"cause:{group.pk}:{group.opened_at.timestamp():.3f}",
        "failure_group.reopened" if returned else "failure_group.opened",
        subject,
        f"{'Back' if returned else 'New'}: {str(group)[:120]}",
        side.advice if side else "",
        tuple(facts),
        link,
        _about(group.destination),
    )


def _about(destination: Destination | None) -> dict[str, object]:
    return {} if destination is None else {"destination": {"id": destination.pk, "name": destination.name}}


def silence(rules: Sequence[AlertRule], now: datetime) -> None:
    """A destination where nothing ended for some time, although in the same hours of past weeks much did."""
    told = alerts.going_on(alertrules.SILENCE)
    general = next(rule for rule in rules if rule.destination_id is None)
    own = {rule.destination_id: rule for rule in rules if rule.destination_id is not None}
    mark = Round.objects.filter(name=NAME).values_list("upto", flat=True).first()
    if mark is None or mark < now - BEHIND:
        return
    named = dict(Destination.objects.values_list("pk", "name"))
    over = []
    for alert in told.values():
        lane = health.lane_of(int(alert.subject.rpartition(":")[2]))
        if Attempt.objects.filter(lane=lane, finished_at__gte=alert.raised_at).exists():
            over.append(alert)
    alerts.end(over, now)
    for rule in rules:
        for place, usual in _missing(rule, now).items():
            chosen = own.get(place, general)
            if chosen.pk == rule.pk and rule.active and place in named and f"destination:{place}" not in told:
                alerts.tell(_silent(place, named[place], usual, rule, now))


def _missing(rule: AlertRule, now: datetime) -> dict[int, list[int]]:
    """Destinations from which nothing came in the rule's hours, with what came in those of past weeks."""
    zone, end = ZoneInfo(rule.zone), floor(now)
    spans = []
    for week in range(WEEKS + 1):
        until = (end.astimezone(zone).replace(tzinfo=None) - timedelta(weeks=week)).replace(tzinfo=zone).astimezone(UTC)
        spans.append((until - timedelta(minutes=rule.minutes), until))
    times = Q()
    for since, until in spans:
        times |= Q(at__gte=since, at__lt=until)
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    rows = Tally.objects.filter(times, minutes=FINE).exclude(outcome="cancelled")
    for at, lane, number in rows.values_list("at", "lane", "attempts"):
        for week, (since, until) in enumerate(spans):
            if since <= at < until:
                counts[lane][week] += number
    found = {}
    for lane, weeks in counts.items():
        usual = [weeks[week] for week in range(1, WEEKS + 1)]
        if (
            not weeks[0]
            and sum(number >= rule.least for number in usual) >= ENOUGH_WEEKS
            and not _stirs(lane, spans[0][0])
        ):
            found[worklist.place(lane)] = usual
    return found


def _stirs(lane: str, since: datetime) -> bool:
    """Something ended that is not counted yet, or is under way: exports come, and other rules tell what keeps them."""
    return bool(
        Attempt.objects.filter(lane=lane, finished_at__gte=since).exists()
        or Attempt.objects.filter(lane=lane, state__in=sorted(ACTIVE)).exists()
    )


def _silent(place: int, name: str, usual: list[int], rule: AlertRule, now: datetime) -> Found:
    told = ", ".join(str(number) for number in usual)
    return Found(
        alertrules.SILENCE,
        f"silence:{place}:{floor(now).isoformat()}",
        "exports.silent",
        f"destination:{place}",
        f"No export to {name} for {span(rule.minutes * 60)}",
        f"In the same hours of the past four weeks there were {told}; now there is none, and none is under way. Look "
        "whether documents still come in and are confirmed.",
        (("Usual", told), ("Hours", f"{span(rule.minutes * 60)} up to now, {rule.zone}")),
        about={"destination": {"id": place, "name": name}},
    )


def overdue(rules: Sequence[AlertRule], now: datetime) -> None:
    """Something undelivered whose export was asked for too long ago: by queue, by destination, else for all of them."""
    told = alerts.going_on(alertrules.OVERDUE)
    late = {found.subject: found for found in _late(rules, now)}
    alerts.end([alert for subject, alert in told.items() if subject not in late], now)
    for subject, found in late.items():
        if subject not in told:
            alerts.tell(found)


def _late(rules: Sequence[AlertRule], now: datetime) -> Iterator[Found]:
    own = {rule.destination_id: rule for rule in rules if rule.destination_id is not None}
    general = next(rule for rule in rules if rule.destination_id is None and rule.queue_id is None)
    named = dict(Destination.objects.values_list("pk", "name"))
    for place, there in health.undone(now).places.items():
        rule = own.get(place, general)
        since = there.undelivered_since
        if rule.active and since is not None and now - since > timedelta(minutes=rule.minutes):
            name = named.get(place, "no destination")
            yield _old(f"destination:{place}", name, since, rule, now, {"destination": {"id": place, "name": name}})
    undelivered = health.OPEN | Q(state__in=sorted(ACTIVE))
    for rule in rules:
        if rule.active and rule.queue is not None:
            rows = Attempt.objects.filter(undelivered, document__queue=rule.queue)
            first = rows.aggregate(first=Min(Coalesce(F("lineage"), F("pk"), output_field=BigIntegerField())))["first"]
            since = Attempt.objects.filter(pk=first).values_list("created_at", flat=True).first()
            if since is not None and now - since > timedelta(minutes=rule.minutes):
                queue = {"queue": {"id": rule.queue.pk, "name": rule.queue.name}}
                yield _old(f"queue:{rule.queue.pk}", rule.queue.name, since, rule, now, queue)


def _old(
    subject: str, name: str, since: datetime, rule: AlertRule, now: datetime, about: Mapping[str, object]
) -> Found:
    return Found(
        alertrules.OVERDUE,
        f"overdue:{subject}:{now.timestamp():.3f}",
        "exports.overdue",
        subject,
        f"{name}: a document is undelivered for {span(now - since)}",
        f"The rule allows {span(rule.minutes * 60)}. Look at what failed, waits or is paused there.",
        (("Undelivered for", span(now - since)),),
        about=dict(about),
    )


def breakers(rules: Sequence[AlertRule], now: datetime) -> None:
    told = alerts.going_on(alertrules.BREAKER)
    broken = {
        f"destination:{row.destination_id}": row
        for row in Breaker.objects.filter(opened_at__isnull=False).select_related("destination")
    }
    alerts.end([alert for subject, alert in told.items() if subject not in broken], now)
    for subject, row in broken.items():
        if rules[0].active and subject not in told:
            alerts.tell(Found(
                alertrules.BREAKER, f"breaker:{row.destination_id}:{row.opened_at.timestamp():.3f}",
                "destination.breaker_opened", subject, f"{row.destination.name} turns exports away",
                f"{row.why[:500]} What is meant for it waits and keeps its tries; one probe at a time is sent.",
                about=_about(row.destination),
            ))  # fmt: skip


def workers(rules: Sequence[AlertRule], now: datetime) -> None:
    for loop in Loop.objects.filter(seen_at__lt=now - LOST) if rules[0].active else ():
        alerts.tell(Found(
            alertrules.WORKER, f"worker:{loop.pk}", "worker.missing", f"worker:{loop.worker}"[:100],
            f"The worker {loop.worker} is missing",
            f"It was last heard of at {loop.seen_at:%Y-%m-%d %H:%M} UTC and did not say good-bye. What it had is taken "
            "up by the others; look whether it was started again.",
        ))  # fmt: skip


def sources(rules: Sequence[AlertRule], now: datetime) -> None:
    """One alert a source, for as long as something of it is blocked."""
    told = alerts.going_on(alertrules.SOURCE)
    blocked = Claim.objects.filter(state=ClaimState.BLOCKED).order_by("source_id", "pk").select_related("source")
    first: dict[str, Claim] = {}
    for claim in blocked[:1000]:
        first.setdefault(f"source:{claim.source_id}", claim)
    alerts.end([alert for subject, alert in told.items() if subject not in first], now)
    for subject, claim in first.items():
        if rules[0].active and subject not in told:
            alerts.tell(Found(
                alertrules.SOURCE, f"blocked:{claim.pk}:{claim.changed_at.timestamp():.3f}", "sources.blocked",
                subject, f"{claim.source.name} waits for a person",
                f"{claim.error[:500]} It is listed at the source as blocked, and with it whatever else is.",
                (("The other side's id", claim.key),),
            ))  # fmt: skip


LOOKS = {
    alertrules.CAUSE: causes,
    alertrules.SILENCE: silence,
    alertrules.OVERDUE: overdue,
    alertrules.BREAKER: breakers,
    alertrules.WORKER: workers,
    alertrules.SOURCE: sources,
    alertrules.DIGEST: digest.look,
}
