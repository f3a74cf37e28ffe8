"""An inbound webhook: others send documents here, signed (docs/sources/webhook.md). It asks nobody and tells nobody;
the door is exports/protocols/webhooks.py. No request is read here, only what was in it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import jmespath
from django.conf import settings
from jmespath.exceptions import JMESPathError
from pydantic import Field, field_validator

from exports.sources import shaped
from exports.sources.contract import Outcome, Polled, SourceConfig
from exports.sources.shaped import Shaped
from pipelines import signing
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull

POLLS = False
RATE = None
REPORTS = frozenset({Outcome.EXPORTED, Outcome.FAILED})

_HEX = re.compile(r"(?:sha256=)?([0-9a-fA-F]{64})")
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")


class Stranger(Exception):
    """The call is not signed by anybody who may."""


class Config(SourceConfig):
    """How calls are signed, and where in their body a document stands."""

    secrets: tuple[str, ...] = Field(("webhook_secret",), min_length=1)
    """Names of the secrets that calls are signed with; several while one is being changed."""
    signature: Literal["standard", "sha256"] = "standard"
    """`standard`: the three headers of Standard Webhooks, with secrets that begin with whsec_. `sha256`: the
    HMAC-SHA256 of the body in hex in one header, as GitHub and Rossum send it, with any text as secret."""
    header: str = "X-Hub-Signature-256"
    """For sha256: the header of the signature."""
    id_header: str = ""
    """For sha256: a header with the message's id. Without one, the same body is the same message."""
    tolerance_seconds: int = Field(300, ge=10, le=86_400)
    """For standard: how old a call may be, or how far ahead its clock."""
    document: str = ""
    """JMESPath of the document in the body; empty: all of it."""
    fields: dict[str, str] = Field(default_factory=dict)
    """JMESPath of each field by its name, within the document. Empty: the document is in Waybill's own shape."""
    external_id: str = ""
    """JMESPath of the id, within the document. Empty: that of Waybill's own shape, else the message's id."""
    original: str = ""
    """JMESPath of the original in base64, within the document."""
    original_name: str = ""
    """JMESPath of its file name."""

    @field_validator("document", "external_id", "original", "original_name")
    @classmethod
    def _path(cls, path: str) -> str:
        return _checked(path)

    @field_validator("fields")
    @classmethod
    def _paths(cls, paths: dict[str, str]) -> dict[str, str]:
        return {name: _checked(path) for name, path in paths.items()}

    @field_validator("header", "id_header")
    @classmethod
    def _header(cls, name: str) -> str:
        if name and not _NAME.fullmatch(name):
            raise ValueError("This is the name of a header: letters, digits and hyphens.")
        return name


@dataclass(frozen=True, slots=True)
class Sent:
    """One document out of a call."""

    external_id: str
    fields: Any
    metadata: dict[str, Any] | None
    original: Blob | None


def check(config: Config, pull: Pull) -> str:
    for name in config.secrets:
        secret = pull.secret(name, place="config.secrets")
        if config.signature == "standard":
            _standard_key(name, secret)
    return f"It listens at {settings.PUBLIC_URL}/sources/{pull.source.pk}. Its secrets are there."


def poll(pull: Pull) -> Polled:  # noqa: ARG001 - every kind's signature
    return Polled()


def fetch(pull: Pull, claim: Claim) -> None:
    pull.released(claim, "Only its sender can send it again.")


def report(pull: Pull, claims: Sequence[Claim]) -> None:
    """Who wants to hear how it ended subscribes a channel to it."""
    for claim in claims:
        pull.reported(claim)


def message_id(pull: Pull, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Of a call that is signed as it must be. Raises Stranger, and Misconfigured where a secret is missing."""
    config: Config = pull.config
    held = [pull.secret(name, place="config.secrets") for name in config.secrets]
    if config.signature == "sha256":
        given = _HEX.fullmatch(headers.get(config.header, "").strip())
        made = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in held]
        same = [given is not None and hmac.compare_digest(one, given[1].lower()) for one in made]
        if not any(same):
            raise Stranger(f"The signature in {config.header} is missing or wrong.")
        named = headers.get(config.id_header, "").strip() if config.id_header else ""
        return (named or f"sha256:{hashlib.sha256(body).hexdigest()}")[:400]
    for name, secret in zip(config.secrets, held, strict=True):
        _standard_key(name, secret)
    name, stamp = headers.get("webhook-id", "").strip(), headers.get("webhook-timestamp", "").strip()
    if not name or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise Stranger("The headers webhook-id, webhook-timestamp and webhook-signature belong to a call.")
    if abs(now.timestamp() - int(stamp)) > config.tolerance_seconds:
        raise Stranger(f"The call is more than {config.tolerance_seconds} s old, or its clock is wrong.")
    if not signing.holds(
        held, message_id=name, timestamp=int(stamp), body=body, given=headers.get("webhook-signature", "")
    ):
        raise Stranger("The signature in webhook-signature is wrong.")
    return name[:400]


def sent(config: Config, data: bytes, *, file: Blob | None = None) -> Sent:
    """The document in a JSON body; `file` is the original that came as a part of its own. Raises Rejected."""
    whole = shaped.read(data, place="body")
    inside = jmespath.search(config.document, whole) if config.document else whole
    if inside is None:
        raise Rejected(f"There is nothing at {config.document}.", place="body")
    own = Shaped() if config.fields else shaped.shaped(_without(config, inside), place="body")
    told = {name: _found(path, inside) for name, path in config.fields.items()} if config.fields else own.fields
    external = _found(config.external_id, inside) if config.external_id else own.external_id
    if external is not None and not isinstance(external, str):
        raise Rejected("The id is a text or a number.", place=f"body.{config.external_id}")
    original = file or _original(config, inside)
    return Sent(external or "", told, own.metadata or None, original)


def _without(config: Config, inside: Any) -> Any:
    """The document without its original, which is no field: where that stands under a plain name of its own."""
    if not config.original or not isinstance(inside, Mapping):
        return inside
    return {key: value for key, value in inside.items() if key not in {config.original, config.original_name}}


def _original(config: Config, inside: Any) -> Blob | None:
    text = _found(config.original, inside) if config.original else None
    if text is None:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Rejected("The original is base64 text.", place=f"body.{config.original}") from None
    name = _found(config.original_name, inside) if config.original_name else None
    return Blob.of(data, name=name if isinstance(name, str) else "original")


def _found(path: str, inside: Any) -> Any:
    try:
        return jmespath.search(path, inside)
    except JMESPathError as error:
        raise Rejected(f"{path}: {error}", place="body") from error


def _checked(path: str) -> str:
    if len(path) > 500:
        raise ValueError("500 characters are the most.")
    try:
        if path:
            jmespath.compile(path)
    except JMESPathError as error:
        raise ValueError(f"{path!r} is no JMESPath: {error}") from error
    return path


def _standard_key(name: str, secret: str) -> None:
    try:
        signing.key_of(secret)
    except ValueError as error:
        raise Misconfigured(f'The secret "{name}" cannot check Standard Webhooks. {error}') from error
