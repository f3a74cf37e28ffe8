"""What a kind works with: calls through the guard, secrets, time, and the verbs of its claims, committed at once."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal
from exports import backoff, crashpoints, doorbell
from exports.models import Claim, Document, SourceState
from exports.received import Files
from exports.sources import leases, steps, taking
from exports.sources.contract import Kind, Outcome
from exports.states import ClaimState, Reason
from exports.world import Pacer
from pipelines import destinations, vault
from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.errors import Misconfigured, Unavailable
from pipelines.models import Source
from pipelines.redaction import Redactor
from pipelines.tokens import SharedTokens
from pipelines.transports.answers import retry_after
from pipelines.transports.http import Client, Reply, Request

SECONDS = 30.0
"""For one call, where the request says nothing else."""
RENEW = leases.LEASE.total_seconds() / 3

_pacers: dict[str, Pacer] = {}
"""By host, one a process: several sources of one account share its rate."""


class Pull:
    """One turn of one source. `lease` None: a test, which holds nothing and claims nothing."""

    def __init__(self, source: Source, kind: Kind, client: Client, *, state: SourceState | None = None) -> None:
        self.source = source
        self.kind = kind
        self.config: Any = kind.Config.model_validate(source.config)
        self.by = Principal.system(f"source {source.name}", source.organization_id)
        self.memo: dict[str, Any] = dict(state.memo) if state else {}
        """JSON that is kept from poll to poll."""
        self.tokens = SharedTokens(source.organization_id)
        self._client = client
        self._state_id = state.pk if state else 0
        self._lease: UUID | None = state.lease if state else None
        self._renewed = time.monotonic()
        self._secrets: Mapping[str, str] | None = None
        self._hidden: dict[str, str] = {}

    # The world

    def now(self) -> datetime:
        return timezone.now()

    @property
    def stopping(self) -> bool:
        """The worker was told to stop: nothing new is begun."""
        return doorbell.stopping.is_set()

    def secret(self, name: str, *, place: str = "") -> str:
        """Looked up at the source's destination, then in the organization. Raises Misconfigured."""
        if name not in self._known():
            where = f"the destination {self.source.destination.name}, nor in" if self.source.destination else ""
            raise Misconfigured(f'There is no secret "{name}" {where or "in"} the organization. Add it.', place=place)
        return self._known()[name]

    def hide(self, name: str, value: str) -> None:
        """A value that was just fetched, a token, is redacted too from now on."""
        self._hidden[name] = value

    def redacted(self, text: str) -> str:
        try:
            return Redactor({**self._known(), **self._hidden}).text(text)
        except Misconfigured:  # none can be opened, so none was used
            return text

    def call(
        self, request: Request, *, cap: int | None = None, moves: bool = False, into: BinaryIO | None = None
    ) -> Reply:
        """The reply, whatever its status but 429 and 503: then nothing was accepted, and it raises Unavailable with
        what Retry-After says. `cap` bytes of its body are kept, or written to `into`. `moves`: it changes something at
        the other side."""
        self.beat()
        self._pace(request.url)
        if moves:
            crashpoints.reach("before-tell")
        egress = destinations.egress_of(self.source.destination)
        reply = self._client.send(request, egress=egress, cap=cap or settings.REPLY_BYTES, into=into)
        if moves:
            crashpoints.reach("after-tell")
        if reply.status in {429, 503}:
            host = urlsplit(request.url).hostname
            wait = retry_after(reply, self.now())
            raise Unavailable(f"{host} asks to wait: it answered {reply.status}.", retry_after=wait)
        return reply

    def beat(self, *, always: bool = False) -> None:
        """Renew the lease of this turn when it is time to. Raises leases.LostError where another loop has it."""
        if self._lease is not None and (always or time.monotonic() - self._renewed > RENEW):
            leases.renew(self._state_id, self._lease)
            self._renewed = time.monotonic()

    # Claims

    def claim(
        self, key: str, *, version: str = "", facts: Mapping[str, Any] | None = None, again: bool = False
    ) -> Claim | None:
        """Take a thing of the other side, which is committed before anything else happens to it. None where it is
        taken already. One that was reported is taken once more when its `version` is another one; one that was
        released also with `again`."""
        self.beat()
        known = Claim.objects.filter(source=self.source, key=key).first()
        with transaction.atomic():
            if known is None:
                made = steps.make(
                    Claim.own(source=self.source, key=key, version=version, facts=dict(facts or {})), by=self.by
                )
            else:
                over = known.state in {ClaimState.REPORTED, ClaimState.RELEASED}
                other = known.version != version or (again and known.state == ClaimState.RELEASED)
                if not (over and other and self.retake(known, version=version, facts=facts)):
                    return None
                made = known
        crashpoints.reach("after-claim")
        return made

    def take(
        self,
        claim: Claim,
        *,
        fields: Any = None,
        original: Blob | None = None,
        metadata: dict[str, Any] | None = None,
        external_id: str = "",
        version: str = "",
        files: Sequence[Received] = (),
    ) -> Document:
        """The thing is here: one document a key, received and sent on as the source says, all in one transaction with
        the claim's move. `files` come with it beside its original, with folders and names that are checked. Raises
        Rejected, Misconfigured, and Unconfirmed where a send has an unknown outcome."""
        crashpoints.reach("before-take")
        with Files(files, self.source.organization_id) as kept, transaction.atomic():
            self.beat(always=True)
            document = taking.take(
                self.source, claim, by=self.by, fields=fields, original=original, metadata=metadata,
                external_id=external_id, files=kept if files else None,
            )  # fmt: skip
            kept_by: dict[str, Any] = {"document": document, "version": version or claim.version}
            if not steps.move(claim, ClaimState.RUNNING, by=self.by, verb="receive", **kept_by):
                raise leases.LostError
        crashpoints.reach("after-take")
        return document

    def known(self, keys: Collection[str]) -> dict[str, Claim]:
        """The claims of these keys, by key."""
        return {claim.key: claim for claim in Claim.objects.filter(source=self.source, key__in=keys)}

    def mark(self, claims: Claim | Iterable[Claim], **facts: Any) -> None:
        """Remember something of claims, committed at once: before a call that moves something there, and after."""
        self.beat()
        with transaction.atomic():
            for claim in [claims] if isinstance(claims, Claim) else claims:
                claim.facts = {**claim.facts, **facts}
                Claim.objects.filter(pk=claim.pk).update(facts=claim.facts)

    def reported(self, claim: Claim) -> None:
        """The other side knows how it ended."""
        _settle(self, claim, ClaimState.REPORTED, "report")

    def released(self, claim: Claim, why: str = "") -> None:
        """It is the other side's again."""
        _settle(self, claim, ClaimState.RELEASED, "release", why=why, error=self.redacted(why))

    def block(self, claim: Claim, why: str) -> None:
        """Nothing more is done until somebody, or its document, says what became of it."""
        _settle(self, claim, ClaimState.BLOCKED, "block", why=why, error=self.redacted(why))

    def fail(self, claim: Claim, message: str, *, reason: Reason = Reason.REJECTED) -> None:
        """It cannot be brought in; the other side is told so."""
        _settle(
            self,
            claim,
            ClaimState.TO_REPORT,
            "end",
            outcome=Outcome.FAILED,
            reason=reason,
            message=self.redacted(message),
        )

    def retake(self, claim: Claim, *, version: str, facts: Mapping[str, Any] | None = None) -> bool:
        """The other side changed it: bring it in once more."""
        return steps.move(
            claim, ClaimState.CLAIMED, by=self.by, verb="take", rounds=claim.rounds + 1, version=version,
            facts=dict(facts or {}), outcome="", reason="", message="",
        )  # fmt: skip

    def tell_again(self, claim: Claim) -> None:
        """What was reported does not stand there: report it once more."""
        _settle(self, claim, ClaimState.TO_REPORT, "end", outcome=claim.outcome)

    def later(self, claim: Claim, why: str, *, seconds: float | None = None) -> None:
        """The same step again, after `seconds` or by the backoff."""
        tries = claim.tries + 1
        wait = backoff.seconds(tries - 1, first=settings.BACKOFF_SECONDS, retry_after=seconds, random=random.random)
        claim.tries, claim.error = tries, self.redacted(why)
        claim.not_before = self.now() + timedelta(seconds=wait)
        Claim.objects.filter(pk=claim.pk, state=claim.state).update(
            tries=tries, error=claim.error, not_before=claim.not_before, changed_at=self.now()
        )

    def _known(self) -> Mapping[str, str]:
        if self._secrets is None:
            self._secrets = vault.secrets_for(
                self.source.organization_id, destination_id=self.source.destination_id, pipeline_id=None
            )
        return self._secrets

    def _pace(self, url: str) -> None:
        there = self.source.destination
        rates = [rate for rate in (self.kind.RATE, there.rate if there else None) if rate]
        if rates:
            pacer = _pacers.setdefault(urlsplit(url).netloc, Pacer())
            time.sleep(min(pacer.turn(min(rates), time.monotonic()), SECONDS))


def _settle(pull: Pull, claim: Claim, to: ClaimState, verb: str, **changes: Any) -> None:
    pull.beat()
    steps.move(claim, to, by=pull.by, verb=verb, **changes)
