"""Bringing a task here: start it, fetch every file of its Export Specification, keep them all, and only then export.

A task whose start may have happened is asked about before anything else; what this program holds and does not know is
given back."""

from __future__ import annotations

import mimetypes
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from exports import received
from exports.models import Document
from exports.sources import leases, steps, taking
from exports.sources.aluma import telling
from exports.sources.aluma.api import SPECIFIED, Api, RefusedError
from exports.sources.contract import Outcome
from exports.states import ClaimState, Reason, State, Status
from exports.wire import alumaclient
from exports.wire.alumaclient import STARTABLE, STARTED, Entry, UnreadableError
from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull
    from pipelines.transports.http import Reply

UNKNOWN = "application/octet-stream"


def fetch(pull: Pull, api: Api, claim: Claim) -> None:
    """Start a task and take it. Leaves the claim running, to be reported, given back, blocked or put off."""
    if _known_here(pull, claim) or pull.stopping:
        return
    try:
        if claim.facts.get("starting") and not _free(pull, api, claim):
            return
        _start_and_bring(pull, api, claim)
    except Unconfirmed as error:
        pull.later(claim, f"What Aluma made of the last call is not known, and is asked first of all. {error}")


def _start_and_bring(pull: Pull, api: Api, claim: Claim) -> None:
    pull.mark(claim, starting=pull.now().isoformat())
    try:
        reply = api.start(claim.key, key=f"waybill-{claim.pk}-{claim.rounds}")
    except RefusedError as refusal:
        pull.mark(claim, starting="")
        telling.release(pull, claim, f"It could not be started, so somebody else has it: {refusal}", seconds=30)
        return
    pull.mark(claim, held=True, started_at=pull.now().isoformat())
    try:
        _bring(pull, api, claim, reply)
    except (Rejected, leases.LostError):
        raise
    except Unconfirmed as error:
        telling.cancel(pull, api, claim)
        pull.block(claim, str(error))
    except StageError as error:
        telling.give_back(pull, api, claim, str(error))
        if not isinstance(error, Unavailable):
            raise
    except Exception:
        telling.give_back(pull, api, claim, "Waybill stumbled over it. The log has more.")
        raise


def _known_here(pull: Pull, claim: Claim) -> bool:
    """What became of its document earlier decides first: nothing that arrived is exported twice."""
    name = taking.shortened(claim.key)
    document = Document.objects.filter(queue=pull.source.queue, external_id=name).first()
    if document is None:
        return False
    if document.status == Status.EXPORTED:
        steps.move(
            claim, ClaimState.TO_REPORT, by=pull.by, verb="end", document=document, outcome=Outcome.EXPORTED,
            reason="", message="",
        )  # fmt: skip
        return True
    if document.status == Status.EXPORTING:
        pull.later(claim, "Its document's export is under way.")
        return True
    last = document.attempts.order_by("-number").first()
    if last is None or last.state != State.FAILED or last.reason != Reason.UNCONFIRMED:
        return False
    why = f"The outcome of attempt {last.number} is not known. Look at the other side, then settle that attempt."
    steps.move(claim, ClaimState.BLOCKED, by=pull.by, verb="block", why=why, document=document, error=why)
    return True


def _free(pull: Pull, api: Api, claim: Claim) -> bool:
    """After a start whose answer was lost, or which this program did not outlive: whether it can be started now."""
    state = api.state(claim.key)
    if state == STARTABLE:
        return True
    if state == STARTED:  # by that start; the account's other robots are told apart by nothing
        telling.give_back(pull, api, claim, "Its start was not seen to end.", counts=False)
    else:
        telling.release(pull, claim, f"It is {state or 'gone'} at Aluma.", seconds=pull.config.longest_delay_seconds)
    return False


def _bring(pull: Pull, api: Api, claim: Claim, reply: Reply) -> None:
    """Every file first, then the document with all of them. Raises Rejected where no further try would help."""
    if reply.truncated:
        message = f"Its Export Specification has more than {SPECIFIED:,} bytes, which are the most that is read."
        raise Misconfigured(message)
    try:
        entries = alumaclient.specification(reply.body, api.base)
    except UnreadableError as error:
        raise Rejected(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="waybill-aluma-") as folder:
        files = [_file(pull, api, claim, entry, Path(folder)) for entry in entries]
        by_url = [file.blob for file, entry in zip(files, entries, strict=True) if entry.content is None]
        original = next((blob for blob in by_url if blob.size), None)
        told = {name: claim.facts.get(name) for name in ("name", "project", "project_name", "created_at")}
        documents = max(entry.document for entry in entries)
        pull.take(claim, original=original, metadata={"aluma": {**told, "documents": documents}}, files=files)


def _file(pull: Pull, api: Api, claim: Claim, entry: Entry, folder: Path) -> Received:
    if pull.stopping:
        raise Unavailable("Waybill stops before all of its files are here.")
    if telling.late(pull, claim):
        raise Unavailable("Its files did not come in the time for which Aluma waits.")
    key = received.key(entry.document, entry.number)
    guessed = mimetypes.guess_type(entry.filename)[0]
    if entry.content is not None:
        blob = Blob.of(entry.content.encode(), name=entry.filename, media_type=guessed or "text/plain")
        return Received(key, entry.folder, blob, text=True)
    path = folder / key
    try:
        with path.open("wb") as file:
            reply = api.fetch(entry.url, file)
    except RefusedError as refusal:
        raise Unavailable(f"The file {entry.path} could not be fetched: {refusal}") from refusal
    except Unconfirmed as error:  # fetching changes nothing there
        raise Unavailable(f"The file {entry.path} could not be fetched: {error}") from error
    told = (reply.header("Content-Type") or "").partition(";")[0].strip().lower()
    media_type = guessed or (told if len(told) <= 100 and "/" in told and told.isascii() else UNKNOWN)
    return Received(key, entry.folder, Blob.from_file(path, name=entry.filename, media_type=media_type))
