"""Which advice fits a failure group: the first of the rules that staff keep, else what Waybill knows by itself.

A rule's pattern is plain text with `*` for anything. There are no regular expressions from staff: matching takes time
in proportion to the message, whatever is typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.validators import URLValidator
from django.db import transaction

from accounts.policy import Principal, require
from audit import trail
from exports import advice
from exports.models import FailureGroup, Hint
from exports.states import Reason
from pipelines.refusals import Refused


@dataclass(frozen=True, slots=True)
class Advice:
    """What a clerk reads beside a group. `rule` is the id of the staff's rule, None for Waybill's own."""

    text: str
    link: str = ""
    rule: int | None = None


def fits(pattern: str, text: str) -> bool:
    """Whether the words of `pattern` stand in `text` in their order, `*` standing for anything between them. Upper and
    lower case are the same."""
    text, at = text.casefold(), 0
    for piece in pattern.casefold().split("*"):
        found = text.find(piece.strip(), at)
        if found < 0:
            return False
        at = found + len(piece.strip())
    return True


def hint_for(group: FailureGroup, rules: Sequence[Hint] | None = None) -> Advice:
    """The advice for a group. `rules` are those of its organization, active and in order, for callers with many
    groups; else they are read."""
    rule = next((rule for rule in (active() if rules is None else rules) if applies(rule, group)), None)
    return Advice(rule.advice, rule.link, rule.pk) if rule is not None else own(group)


def active() -> list[Hint]:
    """The rules of the organization in scope that are asked, in order."""
    return list(Hint.objects.filter(active=True).order_by("position", "id"))


def applies(rule: Hint, group: FailureGroup) -> bool:
    """Whether everything that the rule names is so: what it leaves empty fits all."""
    return (
        (not rule.reason or rule.reason == group.reason)
        and (rule.code is None or rule.code == group.code)
        and (rule.destination_id is None or rule.destination_id == group.destination_id)
        and (not rule.pattern or fits(rule.pattern, group.sample) or fits(rule.pattern, group.pattern))
    )


def count(rule: Hint, groups: Iterable[FailureGroup]) -> int:
    """How many of these groups a rule fits, whatever stands before it."""
    return sum(applies(rule, group) for group in groups)


def own(group: FailureGroup) -> Advice:
    """Waybill's own advice. An unknown outcome comes before everything: whatever caused it, one looks first."""
    if group.reason == Reason.UNCONFIRMED:
        return Advice(advice.BY_REASON[Reason.UNCONFIRMED])
    said = group.sample or group.pattern
    by_words = next((text for pattern, text in advice.BY_WORDS if fits(pattern, said)), "")
    if by_words and (group.code is None or group.reason != Reason.REJECTED):
        return Advice(by_words)
    if group.code is not None and (text := advice.BY_CODE.get(group.code)):
        return Advice(text)
    if group.code is not None and group.code >= 500:
        return Advice(
            "Their system has a fault. Nothing is wrong with the documents; send again when they have mended it."
        )
    return Advice(advice.BY_REASON.get(group.reason, "Open one of its documents to see what was sent and answered."))


def problems(rule: Hint) -> list[str]:
    """What is wrong with a rule, each "column: message"."""
    found = []
    if not rule.advice.strip():
        found.append("advice: Say what to do, in one or two sentences.")
    if not (rule.pattern.strip(" *") or rule.reason or rule.code or rule.destination_id):
        found.append("pattern: Give words of the message, a reason, a code or a destination: a rule for all is none.")
    if rule.link:
        try:
            URLValidator(schemes=["http", "https"])(rule.link)
        except Exception:  # noqa: BLE001  # the validator's own kinds; each means the same here
            found.append("link: An address that begins with https:// or http://.")
    return found


def save(rule: Hint, *, by: Principal) -> Hint:
    """Insert or change. Raises Refused beginning with the column whose value cannot be."""
    new = rule.pk is None
    require(by, f"exports.{'add' if new else 'change'}_hint", rule)
    for message in problems(rule):
        raise Refused(message)
    with transaction.atomic():
        if new and not rule.position:
            last = Hint.objects.order_by("-position").values_list("position", flat=True).first()
            rule.position = (last or 0) + 1
        rule.save()
        _record("add" if new else "change", rule, by)
    return rule


def delete(rule: Hint, *, by: Principal) -> None:
    require(by, "exports.delete_hint", rule)
    with transaction.atomic():
        _record("delete", rule, by)
        rule.delete()


def move(rule: Hint, *, by: Principal, up: bool) -> None:
    """Before or after its neighbour; the first that fits is shown. At the end it stays."""
    require(by, "exports.change_hint", rule)
    with transaction.atomic():
        rows = list(Hint.objects.select_for_update().order_by("position", "id"))
        at = next(index for index, row in enumerate(rows) if row.pk == rule.pk)
        to = at - 1 if up else at + 1
        if not 0 <= to < len(rows):
            return
        rows[at], rows[to] = rows[to], rows[at]
        for position, row in enumerate(rows, 1):
            if row.position != position:
                Hint.objects.filter(pk=row.pk).update(position=position)
        _record("move", rule, by, position=to + 1)


def _record(verb: str, rule: Hint, by: Principal, **more: Any) -> None:
    trail.record(
        f"hint.{verb}",
        f"hint:{rule.pk}",
        organization_id=rule.organization_id,
        actor=by.name,
        detail={"advice": rule.advice[:200], "pattern": rule.pattern, **more},
    )
