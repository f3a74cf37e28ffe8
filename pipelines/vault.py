"""Secrets, sealed twice: each by its organization's data key, the data key by a key of the environment (WAYBILL_KEYS).

A sealed value is bound to its organization and its place (AES-256-GCM, associated data), so that a row copied to
another organization, destination or name does not open. Names that stages look up: whatever a config writes as
`{secret.NAME}`, and for file stores `password`, `ssh_key`, `ssh_key_passphrase` (sftp), `access_key_id`,
`secret_access_key`, `session_token` (s3). Renewing keys lives in pipelines/rotation.py.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from accounts.policy import Principal, require
from audit import trail
from pipelines.errors import Misconfigured
from pipelines.models import DataKey, Destination, Pipeline, Secret

NONCE = 12
LONGEST = 64 * 1024  # characters of a value: a private key with its certificate chain is a tenth of this
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


def put(
    name: str, value: str, *, by: Principal, destination: Destination | None = None, pipeline: Pipeline | None = None
) -> Secret:
    """Set a secret of the destination, of the pipeline, or (neither) of the whole organization.

    Line ends become line feeds, and the one at the end of a one-line value goes: browsers and terminals add them.
    Raises PermissionDenied, and ValidationError in the words of the form."""
    require(by, "pipelines.change_secret", destination)
    require(by, "pipelines.change_secret", pipeline)
    value = _checked(name, value, both=destination is not None and pipeline is not None)
    place: dict[str, Any] = {
        "destination_id": destination.pk if destination else None,
        "pipeline_id": pipeline.pk if pipeline else None,
        "name": name,
    }
    with transaction.atomic():
        key, sealed = seal(by.organization_id, value.encode(), _context(**place))
        secret: Secret
        secret, created = Secret.unscoped.update_or_create(
            organization_id=by.organization_id,
            **place,
            defaults={"key": key, "sealed": sealed, "changed_by": by.name, "changed_at": timezone.now()},
        )
        _record("add" if created else "change", secret, by)
    return secret


def remove(secret: Secret, *, by: Principal) -> None:
    """Forget a secret. Stages that name it fail as misconfigured from now on. Raises PermissionDenied."""
    require(by, "pipelines.delete_secret", secret)
    with transaction.atomic():
        _record("delete", secret, by)
        secret.delete()


def secrets_for(organization_id: int, *, destination_id: int | None, pipeline_id: int | None) -> dict[str, str]:
    """Every secret that a stage may use, plain, by name: the destination's before the pipeline's before the
    organization's. One query. Raises Misconfigured where one cannot be opened."""
    columns = ("name", "destination_id", "pipeline_id", "sealed", "key__wrapped", "key__wrapped_by")
    found: dict[str, tuple[int, str]] = {}
    rows = _reachable(organization_id, destination_id, pipeline_id).values_list(*columns)
    for name, destination, pipeline, sealed, wrapped, wrapped_by in rows:
        rank = 2 if destination else 1 if pipeline else 0
        if name in found and found[name][0] > rank:
            continue
        data_key = unwrap(organization_id, bytes(wrapped), wrapped_by)
        plain = _open(data_key, bytes(sealed), organization_id, _context(destination, pipeline, name))
        found[name] = (rank, plain.decode())
    return {name: plain for name, (_, plain) in found.items()}


def names_for(organization_id: int, *, destination_id: int | None, pipeline_id: int | None) -> frozenset[str]:
    """The names alone, for checks before publication and for forms."""
    return frozenset(_reachable(organization_id, destination_id, pipeline_id).values_list("name", flat=True))


def seal(organization_id: int, plain: bytes, context: str) -> tuple[DataKey, bytes]:
    """Seal by the organization's newest data key, which is made on first use. `context` names the place, for example
    "token/…"; the same is needed to open. Raises Misconfigured when WAYBILL_KEYS cannot open the data key."""
    key = newest_key(organization_id)
    return key, seal_by(key, plain, context)


def seal_by(key: DataKey, plain: bytes, context: str) -> bytes:
    data_key = unwrap(key.organization_id, bytes(key.wrapped), key.wrapped_by)
    return _close(data_key, plain, _binding(key.organization_id, context))


def unseal(key: DataKey, sealed: bytes | memoryview, context: str) -> bytes:
    """The plain bytes. Raises Misconfigured naming the key that is missing or wrong."""
    data_key = unwrap(key.organization_id, bytes(key.wrapped), key.wrapped_by)
    return _open(data_key, bytes(sealed), key.organization_id, context)


def newest_key(organization_id: int) -> DataKey:
    keys = DataKey.unscoped.filter(organization_id=organization_id, retired_at=None).order_by("-id")
    key: DataKey | None = keys.first()
    if key is None:
        with transaction.atomic():
            Organization.objects.select_for_update().get(pk=organization_id)  # two first secrets at once make one key
            key = keys.first() or make_key(organization_id)
    return key


def make_key(organization_id: int) -> DataKey:
    """A new data key, sealed by the environment's first key."""
    wrapped, wrapped_by = wrap(organization_id, AESGCM.generate_key(bit_length=256))
    key = DataKey(organization_id=organization_id, wrapped=wrapped, wrapped_by=wrapped_by)
    key.save(force_insert=True)
    return key


def wrap(organization_id: int, data_key: bytes) -> tuple[bytes, str]:
    """A data key sealed by the environment's first key, and that key's id."""
    key_id, key = next(iter(environment_keys(tuple(settings.KEYS)).items()))
    return _close(key, data_key, _binding(organization_id, "data key")), key_id


def unwrap(organization_id: int, wrapped: bytes, wrapped_by: str) -> bytes:
    return _unwrap(organization_id, wrapped, wrapped_by, tuple(settings.KEYS))


@lru_cache(
    maxsize=512
)  # by the wrapped bytes themselves: a rotated or rewrapped key is another entry, never a stale one
def _unwrap(organization_id: int, wrapped: bytes, wrapped_by: str, given: tuple[str, ...]) -> bytes:
    key = environment_keys(given).get(wrapped_by)
    if key is None:
        raise Misconfigured(
            f'The secrets are sealed by the key "{wrapped_by}", which WAYBILL_KEYS does not hold. Add it again (after '
            "the first one), or set every secret anew.",
            place="WAYBILL_KEYS",
        )
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE], wrapped[NONCE:], _binding(organization_id, "data key"))
    except InvalidTag:
        raise Misconfigured(
            f'The key "{wrapped_by}" in WAYBILL_KEYS is not the one that sealed the secrets: same id, other bytes. '
            "Put the former bytes back; a new key needs a new id.",
            place="WAYBILL_KEYS",
        ) from None


@lru_cache(maxsize=8)
def environment_keys(given: tuple[str, ...]) -> dict[str, bytes]:
    """WAYBILL_KEYS by id, first one first. Raises Misconfigured naming the entry, never its bytes."""
    keys: dict[str, bytes] = {}
    for position, entry in enumerate(given, 1):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,16}", key_id) or len(key) != 32:
            raise Misconfigured(
                f"Entry {position} must be an id of at most 16 letters and digits, a colon, and 32 bytes in base64.",
                place="WAYBILL_KEYS",
            )
        if key_id in keys:
            raise Misconfigured(f'Two entries have the id "{key_id}". Give the new key a new id.', place="WAYBILL_KEYS")
        keys[key_id] = key
    if not keys:
        raise Misconfigured("No key is given. Write id:base64 of 32 random bytes.", place="WAYBILL_KEYS")
    return keys


def context_of(secret: Secret) -> str:
    """What a secret's sealed value is bound to, besides its organization."""
    return _context(secret.destination_id, secret.pipeline_id, secret.name)


def _context(destination_id: int | None, pipeline_id: int | None, name: str) -> str:
    return f"secret/{destination_id or ''}/{pipeline_id or ''}/{name}"


def _binding(organization_id: int, context: str) -> bytes:
    return f"waybill/{organization_id}/{context}".encode()


def _close(key: bytes, plain: bytes, binding: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, binding)


def _open(data_key: bytes, sealed: bytes, organization_id: int, context: str) -> bytes:
    try:
        return AESGCM(data_key).decrypt(sealed[:NONCE], sealed[NONCE:], _binding(organization_id, context))
    except InvalidTag:
        what, _, name = context.rpartition("/")
        raise Misconfigured(
            f'The {what.split("/")[0]} "{name}" cannot be opened: its row was changed or copied from elsewhere. '
            "Set it anew.",
            place=f"{what.split('/')[0]}.{name}",
        ) from None


def _reachable(organization_id: int, destination_id: int | None, pipeline_id: int | None) -> QuerySet[Any]:
    mine = Q(destination=None, pipeline=None)
    if pipeline_id is not None:
        mine |= Q(destination=None, pipeline=pipeline_id)
    if destination_id is not None:
        mine |= Q(destination=destination_id)
    return Secret.unscoped.filter(mine, organization_id=organization_id)


def _checked(name: str, value: str, *, both: bool) -> str:
    if both:
        raise ValidationError("A secret belongs to a destination or to a pipeline, not to both.")
    if not NAME.fullmatch(name):
        raise ValidationError(
            {"name": "A letter, then letters, digits, _ - and . (at most 100), as in {secret.client_secret}."}
        )
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if value.count("\n") == 1:
        value = value.removesuffix("\n")
    if not value:
        raise ValidationError({"value": "Give a value. To take a secret away, remove it."})
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValidationError({"value": "This holds half a character. Paste it again from its source."})
    if len(value) > LONGEST:
        raise ValidationError({"value": f"At most {LONGEST:,} characters; this has {len(value):,}."})
    return value


def _record(action: str, secret: Secret, by: Principal) -> None:
    trail.record(
        f"secret.{action}",
        f"secret:{secret.pk}",
        organization_id=secret.organization_id,
        actor=by.name,
        detail={"name": secret.name, "destination": secret.destination_id, "pipeline": secret.pipeline_id},
    )
