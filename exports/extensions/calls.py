"""Calls as rows: known by their request id, held by the one thread that has their token, finished once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from exports.extensions import answers
from exports.extensions.answers import Reply
from exports.ids import uuid7
from exports.models import ExtensionCall
from exports.states import ENDED
from exports.wire.rossum.hookpayload import FRESH, HookCall
from pipelines.models import RossumAccount

HELD = timedelta(seconds=45)
"""How long a thread that fell silent keeps its call: longer than one exchange with Rossum."""
KEPT = timedelta(days=30)
"""How long calls are remembered; longer than they may be played again."""
PATIENCE = timedelta(hours=2)
"""How long an export that goes on is waited for, once nobody holds its call: Rossum's token lives no longer."""
assert KEPT > FRESH

_places = signing.Signer(salt="exports.extensions.calls")


class OtherCallError(Exception):
    """The request id belongs to another call."""


def take(account: RossumAccount, call: HookCall) -> tuple[ExtensionCall, bool]:
    """The row of a call, and whether it is new. Raises OtherCallError."""
    name = {
        "account": account, "extension": call.extension, "hook": call.hook, "request_id": call.request_id
    }  # fmt: skip
    row: ExtensionCall | None = ExtensionCall.objects.filter(**name).first()
    if row is None:
        row = ExtensionCall.own(**name, annotation=call.annotation_url, fingerprint=call.fingerprint)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:  # the same call, sent twice at once
            row = ExtensionCall.objects.get(**name)
        else:
            return row, True
    if row.fingerprint != call.fingerprint:
        raise OtherCallError
    return row, False


def hold(row: ExtensionCall) -> UUID | None:
    """Take a call that nobody works on; None where somebody does, or it is finished."""
    now, holder = timezone.now(), uuid7()
    free = ExtensionCall.objects.filter(Q(held_until=None) | Q(held_until__lt=now), pk=row.pk, finished_at=None)
    return holder if free.update(holder=holder, held_until=now + HELD) else None


def keep(row: ExtensionCall, holder: UUID) -> bool:
    """Hold it for longer; False where it was given to somebody else, or was finished."""
    mine = ExtensionCall.objects.filter(pk=row.pk, holder=holder, finished_at=None)
    return bool(mine.update(held_until=timezone.now() + HELD))


def finish(row: ExtensionCall, reply: Reply, *, holder: UUID | None) -> bool:
    """Keep what it is answered, once; False where somebody else has done so."""
    mine = ExtensionCall.objects.filter(pk=row.pk, holder=holder, finished_at=None)
    return bool(mine.update(reply=reply, failed=answers.failed(reply), finished_at=timezone.now(), held_until=None))


def place_of(row: ExtensionCall) -> str:
    """What stands for a call in the address where its answer is asked for: nobody can guess another's."""
    return _places.sign(f"{row.pk}").replace(":", "~")


def at(place: str) -> ExtensionCall | None:
    """The call whose place this is. Who knows the place may read its answer."""
    try:
        pk = _places.unsign(place.replace("~", ":"))
    except signing.BadSignature:
        return None
    return ExtensionCall.unscoped.filter(pk=pk).first()


def abandoned(now: datetime) -> int:
    """Finish calls whose thread is gone with their token; part of the sweep. What was sent stays sent: the next call
    for the same annotation finds it, and writes to Rossum what could not be written now."""
    open_calls = ExtensionCall.unscoped.filter(finished_at=None).select_related("attempt__document__fields")
    finished = 0
    for row in open_calls.filter(Q(held_until__lt=now) | Q(held_until=None, created_at__lt=now - HELD))[:100]:
        going_on = row.attempt is not None and row.attempt.state not in ENDED
        if going_on and row.created_at > now - PATIENCE:
            continue
        if going_on:
            said = "The export takes too long for a call of Rossum's; it goes on in Waybill. Export again to be told."
        elif row.attempt is None:
            said = "Waybill was restarted before it had begun with this. Nothing was sent. Export again."
        else:
            said = (
                "Waybill was restarted while this was exported. What came of it is kept there; export again, and it is "
                "told and written here without being sent twice."
            )
        finished += finish_for(row, answers.error(said))
    return finished


def finish_for(row: ExtensionCall, reply: Reply) -> int:
    mine = ExtensionCall.unscoped.filter(pk=row.pk, holder=row.holder, finished_at=None, held_until=row.held_until)
    return mine.update(reply=reply, failed=answers.failed(reply), finished_at=timezone.now(), held_until=None)


def forget(now: datetime) -> int:
    """Delete calls whose time is over, the oldest first; part of the sweep. Returns how many."""
    over = ExtensionCall.unscoped.filter(created_at__lt=now - KEPT).order_by("created_at")
    return ExtensionCall.unscoped.filter(pk__in=list(over.values_list("pk", flat=True)[:1000])).delete()[0]
