"""What one attempt gathers between two commit points, and how its text is redacted and its bytes are kept."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

from audit import rows
from exports import contents
from exports.cases import Case
from exports.ledger import End, Entry, Ledger
from exports.models import Artifact, Delivery, Exchange, StageRun
from pipelines import keepable
from pipelines.blobs import Blob
from pipelines.redaction import Redactor


class Record:
    """The open entry of one attempt. Nothing in it is durable before `commit` returns."""

    def __init__(self, case: Case, ledger: Ledger) -> None:
        self._case = case
        self._ledger = ledger
        self._entry = self._new_entry()
        self._hidden: dict[str, str] = {}
        self._bodies: dict[UUID, tuple[Exchange, Blob | None, Blob | None]] = {}
        self._kept: dict[str, UUID] = {}
        self.redactor = Redactor({})

    def _new_entry(self) -> Entry:
        return Entry(self._case.attempt_id, self._case.organization_id, self._case.document_id, self._case.lease)

    def commit(self, run: StageRun | None, end: End | None = None) -> None:
        """The commit point: everything gathered so far is durable when this returns. Raises LeaseLostError."""
        entry, self._entry = self._entry, self._new_entry()
        if run is not None:
            entry.runs.setdefault(run.pk, run)
        for exchange, request_body, reply_body in self._bodies.values():
            self._redact(entry, exchange, request_body, reply_body)
        self._bodies.clear()
        entry.end = end
        self._ledger.commit(entry)

    def discard(self) -> None:
        """Forget what is not durable yet."""
        self._entry = self._new_entry()
        self._bodies.clear()

    def hide(self, name: str, value: str) -> None:
        """From now on, wherever text of this attempt is kept, `value` does not appear. A second value of the same
        name, such as the token after the one that was refused, is hidden beside the first."""
        if value in self._hidden.values():
            return
        taken = sum(known.partition(" ")[0] == name for known in self._hidden)
        self._hidden[f"{name} {taken + 1}" if taken else name] = value
        self.redactor = Redactor(dict(self._hidden))

    def hide_all(self, secrets: Mapping[str, str]) -> None:
        """Hide every one of these; nothing is compiled anew where they are hidden already."""
        if not secrets.items() <= self._hidden.items():
            self._hidden |= secrets
            self.redactor = Redactor(dict(self._hidden))

    def text(self, text: str) -> str:
        """As it is kept: without secrets, and without what a database refuses."""
        return keepable.text(self.redactor.text(text))

    def run(self, run: StageRun) -> bool:
        """Take a stage run into the open entry; False when it is there already."""
        fresh = run.pk not in self._entry.runs
        self._entry.runs[run.pk] = run
        return fresh

    def exchange(self, exchange: Exchange, *, request_body: Blob | None = None, reply_body: Blob | None = None) -> None:
        """Hold an exchange for the next commit point, which redacts it and keeps its bodies."""
        _, request_before, reply_before = self._bodies.get(exchange.pk, (exchange, None, None))
        self._bodies[exchange.pk] = (exchange, request_body or request_before, reply_body or reply_before)

    def delivery(self, delivery: Delivery) -> None:
        self._entry.deliveries.append(delivery)

    def detach(self, key: str) -> None:
        self._case.artifacts.pop(key, None)
        self._entry.detach(key)

    def attach(self, run: StageRun, artifacts: Mapping[str, Blob], *, redact: bool) -> None:
        """Keep a stage's artifacts under their keys. What came from outside is redacted like every other text."""
        for key, given in artifacts.items():
            blob = self._clean(given) if redact and self._hidden and given.size <= settings.REPLY_BYTES else given
            artifact = rows.new(
                Artifact,
                organization_id=self._case.organization_id,
                attempt_id=self._case.attempt_id,
                run_id=run.pk,
                key=key,
                name=keepable.text(blob.name or key)[:255],
                media_type=keepable.text(blob.media_type)[:100],
                content_id=self._keep(self._entry, blob),
                size=blob.size,
                sha256=blob.sha256,
            )
            self._entry.attach(artifact)
            self._case.artifacts[key] = blob

    def _redact(self, entry: Entry, exchange: Exchange, request_body: Blob | None, reply_body: Blob | None) -> None:
        exchange.url = self.text(exchange.url)
        exchange.error = self.text(exchange.error)
        exchange.request_headers = keepable.json(self.redactor.pairs(exchange.request_headers))
        exchange.reply_headers = keepable.json(self.redactor.pairs(exchange.reply_headers))
        if request_body is not None:
            exchange.request_content_id = self._keep(entry, self._beginning(request_body))
        if reply_body is not None:
            tokens = exchange.purpose == "auth"
            exchange.reply_content_id = self._keep(entry, self._beginning(reply_body, tokens=tokens))
        entry.exchanges[exchange.pk] = exchange

    def _beginning(self, body: Blob, *, tokens: bool = False) -> Blob:
        """What of a body is kept for reading, redacted before it is cut: half a secret is not found any more."""
        most = settings.KEPT_BODY_BYTES
        with body.open() as stream:
            raw = stream.read(most + self.redactor.longest)
        clean = self.redactor.auth_reply(raw) if tokens else self.redactor.data(raw)
        if clean == raw and body.size <= most:
            return body  # as it is, so that an artifact with the same bytes shares its row
        return Blob.of(clean[:most])

    def _clean(self, blob: Blob) -> Blob:
        raw = blob.read()
        clean = self.redactor.data(raw)
        return blob if clean == raw else Blob.of(clean, name=blob.name, media_type=blob.media_type)

    def _keep(self, entry: Entry, blob: Blob) -> UUID:
        """The id of a content row with these bytes: the same bytes within one attempt are kept once."""
        if (known := self._kept.get(blob.sha256)) is not None:
            return known
        row = contents.keep(blob, self._case.organization_id)
        entry.contents.append(row)
        self._kept[blob.sha256] = row.pk
        return row.pk
