"""Rossum's Confirmed tab: confirmed annotations are fetched, exported by the queue's pipeline, and marked there.

Every one ends as exported or, with the reason, as failed_export. The rule that holds it together: before anything is
moved there, what stands there is looked at; so a call whose answer was lost, or after which this program died, is asked
about instead of repeated (docs/sources/rossum.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from exports.sources.contract import Outcome, Polled, SourceConfig
from exports.sources.rossumsession import Session, StrangeAnswerError
from exports.states import ClaimState
from exports.wire import rossumclient
from exports.wire.rossumclient import MOST_IDS, Row
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull

POLLS = True
RATE = 9.0
"""Rossum takes 10 a second; the clocks of two machines differ."""
REPORTS = frozenset({Outcome.EXPORTED, Outcome.FAILED})
PAGES = 10
"""That one poll reads of a queue; where there are more, the next follows at once."""
DONE = frozenset({"exported"})
OPEN = frozenset({"confirmed", "failed_export"})
"""From where an annotation is moved by its exporter."""


class Config(SourceConfig):
    """Where the account is, who logs in, and what is taken."""

    base_url: str
    """The root of the API with its version, for example https://acme.rossum.app/api/v1."""
    queues: tuple[int, ...] = Field(min_length=1)
    """Ids of the queues at Rossum whose confirmed annotations are taken."""
    username: str = ""
    """Who logs in; leave it out to send a token instead."""
    password: str = "rossum_password"  # noqa: S105  # the name of a secret
    """Name of the secret that holds the password."""
    token: str = "rossum_token"  # noqa: S105  # likewise
    """Name of the secret that holds a token, where nobody logs in."""
    original: bool = True
    """Fetch the original file too."""
    mark_failed: bool = True
    """Mark what could not be exported as failed_export, with the reason. Off: it stays confirmed at Rossum."""
    page_size: int = Field(50, ge=1, le=MOST_IDS)
    """Annotations of one page of the list."""

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")) or "?" in url or "#" in url:
            raise ValueError("This is an address such as https://acme.rossum.app/api/v1.")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _let_in(self) -> Config:
        if not (self.password if self.username else self.token).strip():
            raise ValueError("Name the secret that lets Waybill in: password with a username, else token.")
        return self


def check(config: Config, pull: Pull) -> str:
    session, seen = Session(pull, config), []
    for queue in config.queues:
        told = session.get(f"queues/{queue}")
        if told is None:
            raise Misconfigured(f"There is no queue {queue}, or this login does not see it.", place="config.queues")
        waits = (told.get("counts") or {}).get("confirmed", "?") if isinstance(told, dict) else "?"
        seen.append(f"{told.get('name', queue)} ({waits} confirmed)")
    return f"Logged in. Queues: {', '.join(seen)}."


def poll(pull: Pull) -> Polled:
    """List what is confirmed, and claim what is new, or was confirmed once more."""
    session, config = Session(pull, pull.config), pull.config
    found = taken = 0
    oldest: datetime | None = None
    more = False
    for queue in config.queues:
        number = last = 1
        while number <= min(last, PAGES):
            told = session.get(rossumclient.waiting(queue, page=number, size=config.page_size))
            if told is None and number == 1:
                raise Misconfigured(f"There is no queue {queue}.", place="config.queues")
            if told is None:  # the list has grown shorter
                break
            page = _read(rossumclient.page, told)
            last = page.pages
            found += page.total if number == 1 else 0
            taken += _claim(pull, queue, [row for row in page.rows if row.status == "confirmed"])
            times = [row.confirmed_at for row in page.rows if row.confirmed_at]
            oldest = min([*times, *([oldest] if oldest else [])], default=None)
            number += 1
        more = more or last > PAGES
    lag = (datetime.now(UTC) - oldest).total_seconds() if oldest else None
    return Polled(found=found, taken=taken, busy=more and taken > 0, lag=lag)


def _claim(pull: Pull, queue: int, rows: Sequence[Row]) -> int:
    known = pull.known([_key(pull, row.id) for row in rows])
    taken = 0
    for row in rows:
        claim = known.get(_key(pull, row.id))
        if claim is not None and claim.version == row.modified_at:
            if claim.state == ClaimState.REPORTED and claim.outcome == Outcome.EXPORTED:
                pull.tell_again(claim)  # it is marked confirmed again, and nobody touched it
            continue
        facts = {"id": row.id, "queue": queue}
        taken += pull.claim(_key(pull, row.id), version=row.modified_at, facts=facts) is not None
    return taken


def fetch(pull: Pull, claim: Claim) -> None:
    session = Session(pull, pull.config)
    number = claim.facts["id"]
    told = session.get(f"annotations/{number}")
    if told is None:
        pull.released(claim, "It is not there any more.")
        return
    row = _read(rossumclient.row, told)
    if row.status != "confirmed":
        pull.released(claim, f"Somebody took it back: it is {row.status}.")
        return
    sections = _sections(session, number)
    original = _original(session, row.document_id) if pull.config.original and row.document_id else None
    pull.mark(claim, content=rossumclient.digest(sections))
    metadata = {"rossum": {"annotation": claim.key, "queue": claim.facts["queue"]}}
    pull.take(claim, fields=sections, original=original, metadata=metadata, version=row.modified_at)


def report(pull: Pull, claims: Sequence[Claim]) -> None:
    """Look what stands there; then one POST a queue for what was exported, one PATCH for each that failed."""
    session = Session(pull, pull.config)
    listed = _looked(session, claims)
    exported: dict[int, list[Claim]] = {}
    for claim in claims:
        row = listed.get(claim.facts["id"])
        if row is None:
            pull.released(claim, "It is not there any more.")
        elif row.status in DONE or (claim.outcome == Outcome.FAILED and _stays(pull, row)):
            pull.reported(claim)
        elif row.status == "exporting":
            pull.later(claim, "Rossum is exporting it itself.")
        elif row.status not in OPEN:
            pull.released(claim, f"Somebody took it back: it is {row.status}, and stays so.")
        elif _changed(session, claim, row):
            pull.retake(claim, version=row.modified_at, facts={"id": row.id, "queue": claim.facts["queue"]})
        elif claim.outcome == Outcome.EXPORTED:
            exported.setdefault(claim.facts["queue"], []).append(claim)
        else:
            _mark_failed(pull, session, claim)
    for queue, ended in exported.items():
        for start in range(0, len(ended), MOST_IDS):
            _mark_exported(pull, session, queue, ended[start : start + MOST_IDS])


def _stays(pull: Pull, row: Row) -> bool:
    """A failure that needs no call: it is marked already, or is not to be."""
    return row.status == "failed_export" or not pull.config.mark_failed


def _changed(session: Session, claim: Claim, row: Row) -> bool:
    """Somebody changed it while it was exported here. Rossum touches modified_at for less: what counts is the
    content."""
    if row.modified_at == claim.version or row.status != "confirmed":
        return False
    now: str = rossumclient.digest(_sections(session, row.id))
    return bool(now != claim.facts.get("content"))


def _mark_exported(pull: Pull, session: Session, queue: int, claims: Sequence[Claim]) -> None:
    pull.mark(claims, told="exported")
    ids = {claim.facts["id"]: claim for claim in claims}
    status, told = session.send("POST", rossumclient.export(queue, ids))
    if status != 200:
        raise Misconfigured(f"Rossum answered {status} when {len(ids)} annotations were to be marked as exported.")
    seen = {row.id: row for row in _read(rossumclient.page, told).rows}
    for number, claim in ids.items():
        row = seen.get(number) or _one(session, number)
        if row is not None and row.status in DONE:
            pull.reported(claim)
        else:
            stands = row.status if row else "gone"
            pull.later(claim, f"It was to be marked as exported, and is {stands}.")


def _mark_failed(pull: Pull, session: Session, claim: Claim) -> None:
    number = claim.facts["id"]
    pull.mark(claim, told="failed")
    status, told = session.send("PATCH", f"annotations/{number}", rossumclient.failed(claim.message))
    if status == 200 and _read(rossumclient.row, told).status == "failed_export":
        pull.reported(claim)
    else:
        pull.later(claim, f"It was to be marked as failed_export; Rossum answered {status}.")


def _looked(session: Session, claims: Sequence[Claim]) -> dict[int, Row]:
    """Each annotation as it stands there now; one that the list leaves out is asked for by itself."""
    ids = [claim.facts["id"] for claim in claims]
    listed: dict[int, Row] = {}
    for start in range(0, len(ids), MOST_IDS):
        told = session.get(rossumclient.these(ids[start : start + MOST_IDS]))
        if told is not None:
            listed |= {row.id: row for row in _read(rossumclient.page, told).rows}
    for number in ids:
        if number not in listed and (row := _one(session, number)) is not None:
            listed[number] = row
    return listed


def _one(session: Session, number: int) -> Row | None:
    told = session.get(f"annotations/{number}")
    return None if told is None else _read(rossumclient.row, told)


def _sections(session: Session, number: int) -> list[Any]:
    told = session.get(f"annotations/{number}/content")
    if told is None:
        raise Unavailable(f"The content of annotation {number} is not there.")
    return list(_read(rossumclient.content, told))


def _original(session: Session, document_id: int) -> Blob | None:
    told = session.get(f"documents/{document_id}")
    found = session.file(f"documents/{document_id}/content")
    if not isinstance(told, dict) or found is None or not found[0]:
        return None
    name = str(told.get("original_file_name") or f"{document_id}")
    return Blob.of(found[0], name=name, media_type=str(told.get("mime_type") or found[1]))


def _key(pull: Pull, number: int) -> str:
    return f"{pull.config.base_url}/annotations/{number}"


def _read(how: Any, told: Any) -> Any:
    try:
        return how(told)
    except StrangeAnswerError as error:
        raise Unavailable(f"Rossum's answer was not understood. {error}") from error
