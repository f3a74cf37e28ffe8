"""What a running stage is handed to work with: everything it sends is marked, paced, kept and redacted here.

The mark: before a send that the other side feels, the request's side of its Exchange and `marked_at` of the stage run
are committed. Its end rides with the next commit of the attempt, which follows as soon as the stage returns, sends
again or sleeps; a crash in between leaves the mark, and the attempt unconfirmed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.utils import timezone

from audit import rows
from exports import crashpoints
from exports.models import Delivery, Exchange, StageRun
from pipelines import sandbox
from pipelines.blobs import Blob
from pipelines.contract import Proof, Sandbox, Store, TokenStore
from pipelines.errors import Misconfigured, StageError, Unavailable
from pipelines.transports.http import Part, Reply, Request

if TYPE_CHECKING:
    from exports.runner import Drive
    from exports.world import World
    from pipelines.definition import Step


PAUSED_LOOK = 15.0
"""Seconds until an attempt that met a paused destination looks again."""


class PausedError(Unavailable):
    """Nothing is sent to this destination now, because people paused it: the attempt waits, and that is no try."""


class StageTools:
    """contract.Tools for one run of one stage."""

    def __init__(self, drive: Drive, step: Step, run: StageRun) -> None:
        self._drive = drive
        self._step = step
        self._world = world = drive.world
        self._run = run
        self._destination = world.destination(drive.case, step)
        self.sandbox: Sandbox = sandbox.shared()
        self.tokens: TokenStore = _WatchedTokens(world.tokens(drive.case.organization_id), drive, world)
        if step.sends:  # a reply may echo what an earlier try was let in with: hide all that could be, not what is used
            drive.record.hide_all(world.secrets(drive.case, self._destination))
        self.judged_downstream = step.judged_downstream
        self.every_status_counts = drive.case.definition.every_status_counts

    def now(self) -> datetime:
        return timezone.now()

    def sleep(self, seconds: float) -> None:
        """What came back so far is durable before the wait, and no send is open during it."""
        self._run.marked_at = None
        self._drive.commit()
        time.sleep(seconds)

    def secret(self, name: str, *, place: str = "") -> str:
        known = self._world.secrets(self._drive.case, self._destination)
        if name not in known:
            where = f"destination {self._destination.name}" if self._destination else "pipeline"
            message = (
                f'There is no secret "{name}" at this stage\'s {where} or in the organization. Add it, then re-queue.'
            )
            raise Misconfigured(message, place=place)
        self._drive.record.hide_all(known)
        return known[name]

    def call(self, request: Request, *, purpose: Literal["request", "auth", "probe"] = "request") -> Reply:
        if purpose == "request":
            self._check_open()
        digest, size, kept = _body(request)
        request = self._with_key(request, digest) if purpose == "request" else request
        key = request.headers.get(request.idempotency_header, "")
        exchange = self._open(purpose, request.method, request.url, request.headers, digest, size, kept, key)
        egress = self._world.egress(self._destination)
        try:
            with self._world.turn(self._destination):
                if purpose == "request":
                    self._mark(exchange)
                reply = self._world.http.send(request, egress=egress, cap=settings.REPLY_BYTES)
        except StageError as error:
            self._close(exchange, error=str(error))
            if error.reason in {"exhausted", "misconfigured"}:
                self._run.marked_at = None  # nothing left this machine
            raise
        self._answered()
        crashpoints.reach("after-reply")
        self._close(exchange, reply=reply)
        return reply

    def store(self, credentials: Mapping[str, Any]) -> Store:
        merged = {**(self._destination.credentials if self._destination else {}), **credentials}
        return self._world.store(merged, self.secret, self._destination)

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:
        known = self._drive.case.deliveries.get((self._step.name, key, place))
        if known is not None:
            return Proof(known.place, known.size, known.sha256, known.how, known.details)
        self._check_open()
        exchange = self._open("file", "PUT", place, {}, blob.sha256, blob.size, self._unkept(blob))
        try:
            with self._world.turn(self._destination):
                self._mark(exchange)
                proof = put()
        except StageError as error:
            self._close(exchange, error=str(error))
            if error.reason != "unconfirmed":
                self._run.marked_at = None
            raise
        self._answered()
        crashpoints.reach("after-reply")
        self._close(exchange)
        self.prove(key, proof, place=place)
        return proof

    def prove(self, key: str, proof: Proof, *, place: str = "") -> None:
        """Keep a receipt: of a file that was put, or of a send that a probe found at the other side."""
        delivery = rows.new(
            Delivery,
            organization_id=self._drive.case.organization_id,
            attempt_id=self._drive.case.attempt_id,
            run_id=self._run.pk,
            key=key,
            place=proof.place,
            size=proof.size,
            sha256=proof.sha256,
            how=proof.how,
            details=dict(proof.details),
            delivered_at=timezone.now(),
        )
        self._drive.record.delivery(delivery)
        self._drive.case.deliveries[(self._step.name, key, place or proof.place)] = delivery

    def _unkept(self, blob: Blob) -> Blob | None:
        """A file that was made for this place only: nothing else keeps it."""
        case = self._drive.case
        return None if blob is case.original or any(blob is known for known in case.artifacts.values()) else blob

    def _check_open(self) -> None:
        """A claim looks at the first destination of a pipeline only; a later one is met here. Raises PausedError."""
        there = self._destination
        if there is not None and there.paused_at is not None:
            why = f" ({there.paused_why})" if there.paused_why else ""
            message = f"The destination {there.name} is paused{why}. It is sent once that is resumed."
            raise PausedError(message, retry_after=PAUSED_LOOK)
        wait = self._world.barred(there, self._drive.case) if there is not None else None
        if there is not None and wait is not None:
            message = f"{there.name} turned the last attempts away. It is sent once a probe has got through there."
            raise PausedError(message, retry_after=wait)

    def _answered(self) -> None:
        """The destination took what was sent, or said something: whether that is well is for the stage to judge."""
        if self._destination is not None:
            self._drive.standing.contacts[self._destination.pk] = None

    def _with_key(self, request: Request, digest: str) -> Request:
        """The same key for the same bytes of the same stage of one lineage; other bytes, another key."""
        header = request.idempotency_header
        if not header or any(name.lower() == header.lower() for name in request.headers):
            return request
        told = f"{self._drive.case.lineage}\n{self._step.name}\n{request.method}\n{request.url}\n{digest}"
        key = hashlib.sha256(told.encode()).hexdigest()[:40]
        return replace(request, headers={**request.headers, header: key})

    def _open(
        self,
        purpose: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        digest: str,
        size: int,
        kept: Blob | None,
        key: str = "",
    ) -> Exchange:
        drive = self._drive
        exchange = rows.new(
            Exchange,
            organization_id=drive.case.organization_id,
            run_id=self._run.pk,
            attempt_id=drive.case.attempt_id,
            purpose=purpose,
            method=method,
            url=url,
            request_headers=[[name, value] for name, value in headers.items()],
            request_size=size,
            request_sha256=digest,
            idempotency_key=key[:64],
            begun_at=timezone.now(),
        )
        drive.record.exchange(exchange, request_body=kept)
        return exchange

    def _mark(self, exchange: Exchange) -> None:
        self._run.marked_at = exchange.begun_at
        crashpoints.reach("before-mark")
        self._drive.commit()
        crashpoints.reach("after-mark")

    def _close(self, exchange: Exchange, *, reply: Reply | None = None, error: str = "") -> None:
        exchange.ended_at = timezone.now()
        exchange.error = error
        body = None
        if reply is not None:
            exchange.status = reply.status
            exchange.reply_headers = [[name, value] for name, value in reply.headers]
            exchange.reply_size = reply.size
            exchange.timings = dict(reply.timings)
            exchange.reply_truncated = reply.truncated or len(reply.body) > settings.KEPT_BODY_BYTES
            body = Blob.of(reply.body) if reply.body else None
            if exchange.purpose == "request":
                self._drive.standing.http_status = reply.status
        self._drive.record.exchange(exchange, reply_body=body)


class _WatchedTokens:
    """The shared tokens; whatever passes through is redacted from then on."""

    def __init__(self, tokens: TokenStore, drive: Drive, world: World) -> None:
        self._tokens = tokens
        self._drive = drive
        self._world = world

    def get(self, name: str) -> str | None:
        token = self._world.ask(lambda: self._tokens.get(name))
        if token:
            self._drive.record.hide("access_token", token)
        return token

    def put(self, name: str, token: str, expires_in: float | None) -> None:
        self._drive.record.hide("access_token", token)
        self._world.ask(lambda: self._tokens.put(name, token, expires_in))

    def drop(self, name: str, token: str) -> None:
        self._world.ask(lambda: self._tokens.drop(name, token))


def _body(request: Request) -> tuple[str, int, Blob | None]:
    """The digest and size of a request's body, and the bytes whose beginning is kept for reading."""
    if request.body is not None:
        return request.body.sha256, request.body.size, request.body
    if request.parts:
        told = json.dumps([_told(part) for part in request.parts], indent=1).encode()
        size = sum(part.blob.size if part.blob else len(part.text.encode()) for part in request.parts)
        digest = hashlib.sha256(told).hexdigest()
        return digest, size, Blob.of(told, name="parts.json", media_type="application/json")
    return hashlib.sha256(b"").hexdigest(), 0, None


def _told(part: Part) -> dict[str, Any]:
    """A multipart part as people read it: text as it is, a file by name, size and hash."""
    if part.blob is None:
        return {"name": part.name, "text": part.text}
    return {
        "name": part.name,
        "file_name": part.file_name or part.blob.name,
        "media_type": part.blob.media_type,
        "size": part.blob.size,
        "sha256": part.blob.sha256,
    }
