"""One try: a message goes out by its channel's way, and what came of it. No database here: it runs beside others."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from exports.events import mail, messages
from pipelines import channelrules, eventing, keepable, signing
from pipelines.blobs import Blob
from pipelines.channelsecrets import Opened
from pipelines.errors import StageError
from pipelines.redaction import Redactor
from pipelines.refusals import Refused
from pipelines.transports.answers import retry_after
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client, Reply, Request

log = logging.getLogger(__name__)

SECONDS = 15.0
"""For one exchange, connect to last byte."""
KEPT = 16 * 1024
"""Bytes of a reply."""
GONE = 410
ASKS_TO_WAIT = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that a worker holds the lease of, with all that sending it needs."""

    delivery_id: UUID
    lease: UUID
    channel_id: int
    organization_id: int
    kind: str
    message_id: str
    payload: Mapping[str, Any]
    tries: int
    failures: int
    opened: Opened | None
    egress: Egress
    trouble: str = ""
    """Why it cannot even be tried: a key is missing, for example."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. `error` is empty where it was delivered."""

    begun_at: datetime
    status: int | None = None
    headers: Sequence[Sequence[str]] = ()
    body: str = ""
    size: int = 0
    error: str = ""
    retry_after: float | None = None
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    jitter: float = field(default_factory=random.random)

    @property
    def delivered(self) -> bool:
        return not self.error

    @property
    def gone(self) -> bool:
        return self.status == GONE


def send(parcel: Parcel, client: Client) -> Outcome:
    """Try once. Never raises: whatever goes wrong is the outcome."""
    begun = datetime.now(UTC)
    if parcel.opened is None:
        return Outcome(begun, error=parcel.trouble)
    try:
        if parcel.kind == eventing.EMAIL:
            return _mailed(parcel, begun, parcel.opened.address)
        return _posted(parcel, begun, client, parcel.opened)
    except StageError as error:
        return Outcome(begun, error=_redactor(parcel).text(_of_channel(error.message)))
    except Refused as refusal:
        return Outcome(begun, error=refusal.message)
    except Exception as error:  # noqa: BLE001  # a bug of ours; its text may quote an address, so its name must do
        log.error("sending an event failed", extra={"delivery": str(parcel.delivery_id), "error": type(error).__name__})  # noqa: TRY400
        return Outcome(begun, error=f"Sending failed inside Waybill ({type(error).__name__}).")


def _posted(parcel: Parcel, begun: datetime, client: Client, opened: Opened) -> Outcome:
    body = {eventing.SLACK: messages.slack, eventing.TEAMS: messages.teams}.get(parcel.kind, messages.webhook)(
        parcel.payload
    )
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if parcel.kind == eventing.WEBHOOK:
        stamp = int(time.time())
        headers |= signing.headers(opened.signing, message_id=parcel.message_id, timestamp=stamp, body=body)
    redactor = _redactor(parcel)
    request = Request("POST", opened.address, headers, Blob.of(body), timeout=SECONDS, idempotency_header="")
    reply = client.send(request, egress=parcel.egress, cap=KEPT + redactor.longest)
    fine = 200 <= reply.status < 300
    return Outcome(
        begun,
        status=reply.status,
        headers=keepable.json(redactor.pairs(reply.headers)),
        body=keepable.text(redactor.data(reply.body)[:KEPT].decode(errors="replace")),
        size=reply.size,
        error="" if fine else _refused(reply),
        retry_after=retry_after(reply, datetime.now(UTC)) if reply.status in ASKS_TO_WAIT else None,
    )


def _mailed(parcel: Parcel, begun: datetime, address: str) -> Outcome:
    to = channelrules.mailboxes(address)
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    made = messages.dressed(
        messages.mail(parcel.payload),
        sender=settings.MAIL_FROM,
        to=to,
        message_id=parcel.message_id,
        host=host,
        at=begun,
    )
    status, said = mail.send(made, to, timeout=SECONDS)
    return Outcome(begun, status=status, body=keepable.text(said))


def _refused(reply: Reply) -> str:
    if reply.status == GONE:
        return "The receiver is gone for good (410)."
    if 300 <= reply.status < 400:
        return f"The receiver answered {reply.status}: redirects are not followed. Correct the address."
    return f"The receiver answered {reply.status}; only 200 to 299 means delivered."


def _redactor(parcel: Parcel) -> Redactor:
    if parcel.opened is None:
        return Redactor({})
    hidden = parcel.opened.hidden
    if parcel.kind in eventing.SEALED_ADDRESS:
        parts = urlsplit(parcel.opened.address)
        hidden |= {"address": parcel.opened.address, "path": parts.path + (f"?{parts.query}" if parts.query else "")}
    return Redactor(hidden)


def _of_channel(message: str) -> str:
    """The guard speaks of destinations; here the lists are the channel's."""
    return message.replace("the destination's", "the channel's").replace("The destination's", "The channel's")
