"""Checks an organization's chain: that each event is still what was sealed, and that none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit.models import Event, Seal, Watermark
from audit.sealing import FIRST, digest


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the trail is not what was recorded."""

    what: str
    event_id: int | None = None
    number: int | None = None
    """Of the seal."""

    def __str__(self) -> str:
        return self.what


def verify(organization_id: int, *, expect: tuple[int, str] | None = None) -> list[Fault]:
    """Every fault in the organization's chain, in its order; none means whole. `expect` is the number and digest of a
    seal that was noted elsewhere (audit.sealing.head): without it, a cut at the end cannot be told from no event."""
    faults = list(_along(organization_id))
    settled = Watermark.objects.filter(pk=1).values_list("settled", flat=True).first() or 0
    missed = Event.objects.filter(organization_id=organization_id, seal=None, pk__lte=settled).order_by("pk")
    faults += [
        Fault(f"event {pk} was never sealed, though later ones were: it was put in afterwards", event_id=pk)
        for pk in missed.values_list("pk", flat=True)
    ]
    if expect is not None:
        faults += _noted(organization_id, *expect)
    return faults


def _along(organization_id: int) -> Iterator[Fault]:
    number, before = 0, {FIRST}
    for seal, event in _links(organization_id):
        if seal.number > number + 1:
            yield Fault(f"seals {number + 1} to {seal.number - 1} are gone", number=number + 1)
            before = set()  # the link to the one before cannot be checked
        number = seal.number
        at = {"event_id": seal.event_id, "number": seal.number}
        computed = set()
        if event is None:
            yield Fault(f"event {seal.event_id} is gone (seal {number})", **at)
        elif event.organization_id != organization_id:
            yield Fault(f"event {event.pk} stands in organization {event.organization_id} now (seal {number})", **at)
        else:
            computed = {digest(previous, event) for previous in before}
            if computed and seal.digest not in computed:
                yield Fault(f"event {event.pk} and its seal {number} do not agree: one of them was changed", **at)
        # Where one digest was changed, the next link still agrees with the one it had: one fault, not two.
        before = {seal.digest, *computed}


def _links(organization_id: int) -> Iterator[tuple[Seal, Event | None]]:
    number = 0
    rows = Seal.objects.filter(organization_id=organization_id).order_by("number")
    while seals := list(rows.filter(number__gt=number)[:1000]):
        events = Event.objects.in_bulk([seal.event_id for seal in seals])
        for seal in seals:
            yield seal, events.get(seal.event_id)
        number = seals[-1].number


def _noted(organization_id: int, number: int, noted: str) -> list[Fault]:
    if number == 0:
        return []
    seal = Seal.objects.filter(organization_id=organization_id, number=number).first()
    if seal is None:
        return [Fault(f"seal {number}, which was noted before, is gone: the end was cut off", number=number)]
    if seal.digest != noted:
        return [Fault(f"seal {number} is not the one that was noted before", event_id=seal.event_id, number=number)]
    return []
