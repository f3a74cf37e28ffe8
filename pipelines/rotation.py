"""Renewing the keys behind the secrets. Both kinds may be stopped at any point and run again: they go on.

`rewrap` follows a new environment key (cheap: one row an organization); `rotate` makes a new data key and seals every
secret and token of the organization anew, those of its channels too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from accounts.policy import Principal, require
from accounts.scope import Scoped
from audit import trail
from pipelines import channelsecrets, rossumsecrets, tokens, vault
from pipelines.models import ChannelSecret, DataKey, RossumSecret, Secret, Token


def rewrap() -> int:
    """Seal every data key by the environment's first key; returns how many were changed. Raises Misconfigured where
    the former key is missing; what was done until then stays done."""
    changed = 0
    for key in DataKey.unscoped.order_by("id"):
        plain = vault.unwrap(key.organization_id, bytes(key.wrapped), key.wrapped_by)
        wrapped, wrapped_by = vault.wrap(key.organization_id, plain)
        if wrapped_by == key.wrapped_by:
            continue
        with transaction.atomic():
            same = DataKey.unscoped.filter(pk=key.pk, wrapped_by=key.wrapped_by)
            if not same.update(wrapped=wrapped, wrapped_by=wrapped_by):
                continue  # another machine rewrapped it just now
            _record("data_key.rewrap", key, "waybill:rotate_keys", {"from": key.wrapped_by, "to": wrapped_by})
        changed += 1
    return changed


def rotate(organization_id: int, *, by: Principal) -> int:
    """Give the organization a new data key and seal everything by it; returns how many values were sealed anew.

    Values are readable all the while. Where an earlier rotation was cut short, that one is finished instead."""
    with transaction.atomic():
        organization = Organization.objects.select_for_update().get(pk=organization_id)
        require(by, "pipelines.change_secret", organization)
        live = list(DataKey.unscoped.filter(organization_id=organization_id, retired_at=None).order_by("-id"))
        key = live[0] if len(live) > 1 else vault.make_key(organization_id)
    changed = _reseal(Secret, key, vault.context_of) + _reseal(Token, key, tokens.context_of)
    changed += _reseal(ChannelSecret, key, channelsecrets.context_of)
    changed += _reseal(RossumSecret, key, rossumsecrets.context_of)
    with transaction.atomic():
        older = DataKey.unscoped.filter(organization_id=organization_id, retired_at=None, pk__lt=key.pk)
        older.update(retired_at=timezone.now())
        _record("data_key.rotate", key, by.name, {"values": changed})
    return changed


def _reseal(model: type[Scoped], key: DataKey, context_of: Callable[[Any], str]) -> int:
    """Row by row, each only if nobody changed it meanwhile; again until none is left under an older key."""
    changed = 0
    stale = model.unscoped.filter(organization_id=key.organization_id, key__lt=key.pk).select_related("key")
    while rows := list(stale.order_by("id")[:200]):
        for row in rows:
            context = context_of(row)
            plain = vault.unseal(row.key, bytes(row.sealed), context)
            same = model.unscoped.filter(pk=row.pk, sealed=row.sealed)
            changed += same.update(key=key, sealed=vault.seal_by(key, plain, context))
    return changed


def _record(verb: str, key: DataKey, actor: str, detail: dict[str, Any]) -> None:
    trail.record(verb, f"data_key:{key.pk}", organization_id=key.organization_id, actor=actor, detail=detail)
