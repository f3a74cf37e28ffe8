"""The thread that works on one call, with the token in its memory: reads the files, starts the attempt, waits for its
end, writes the files back, and keeps the answer. A call whose thread is gone is finished by the sweep (calls)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connection

from accounts import scope
from accounts.policy import Principal
from exports import cases, contents, documents, purging
from exports.extensions import answers, calls, hooks, mirrors, trees
from exports.extensions.answers import Reply
from exports.extensions.hooks import Ready
from exports.extensions.mirrors import Came, Started
from exports.extensions.rossumapi import RossumApi, RossumError
from exports.models import Artifact, Attempt, Document, ExtensionCall, StageRun
from exports.states import ENDED, Status
from exports.wire.rossum.hookpayload import CHANGED, HookCall, id_of
from pipelines import rossumsecrets
from pipelines.errors import StageError
from pipelines.fields import Content
from pipelines.models import RossumAccount
from pipelines.refusals import Refused
from pipelines.transports.http import Client

log = logging.getLogger(__name__)

BEAT = 5.0
FIRST_LOOK, SLOWEST_LOOK = 0.05, 1.0
"""Seconds between two looks at the attempt."""


class LostError(Exception):
    """Somebody else has the call now."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a thread needs to know."""

    row: ExtensionCall
    account: RossumAccount
    call: HookCall
    ready: Ready
    holder: UUID
    by: Principal


def begin(row: ExtensionCall, account: RossumAccount, call: HookCall, ready: Ready) -> Future[None] | None:
    """Work on a call in a thread of its own; None where all of this process's threads have one.

    Where somebody works on it already, the future is done at once."""
    if not _places().acquire(blocking=False):
        return None
    holder = calls.hold(row)
    if holder is None:
        _places().release()
        nothing: Future[None] = Future()
        nothing.set_result(None)
        return nothing
    errand = Errand(row, account, call, ready, holder, Principal.system("rossum", row.organization_id))
    return _threads().submit(_run, errand)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.EXTENSION_CALLS, "extension")


@lru_cache(maxsize=1)
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.EXTENSION_CALLS)


@lru_cache(maxsize=1)
def _client() -> Client:
    return Client()


def _run(errand: Errand) -> None:
    try:
        close_old_connections()
        with scope.to(errand.account.organization_id):
            reply = _reply(errand)
            calls.finish(errand.row, reply, holder=errand.holder)
    except LostError:
        log.warning("another process has this call now", extra={"call": errand.row.pk})
    except Exception:
        log.exception("a call of Rossum's was not answered", extra={"call": errand.row.pk})
    finally:
        connection.close()
        _places().release()


def _reply(errand: Errand) -> Reply:
    try:
        return _worked(errand)
    except (Refused, RossumError) as refusal:
        return answers.error(*(hooks.told(refusal) if isinstance(refusal, Refused) else [str(refusal)]))
    except StageError as error:
        return answers.error(str(error))
    except LostError:
        raise
    except Exception:
        log.exception("an extension failed internally", extra={"call": errand.row.pk})
        return answers.error("Waybill itself failed here; its log has the traceback. Nothing is sent twice by that.")


def _worked(errand: Errand) -> Reply:
    def beat() -> None:
        if not calls.keep(errand.row, errand.holder):
            raise LostError

    row, call, ready = errand.row, errand.call, errand.ready
    api = RossumApi(call, rossumsecrets.egress_of(errand.account), _client(), beat)
    relations = api.relations() if ready.purges else []
    row.refresh_from_db()
    if row.attempt is not None:
        started = Started(row.attempt)  # begun by a thread that is gone
    else:
        came = _came(errand, api, relations)
        started = mirrors.start(row, errand.account, call, ready, came, by=errand.by)
    attempt = _ended(started.attempt, beat)
    fields = trees.fields_of(call) or Content([])
    reply = answers.of(attempt, ready.step.name, fields, adopted=started.adopted)
    api.noted.clear()
    if (wrong := _written(attempt, ready, api, relations)) is not None:
        reply["messages"] = [*reply["messages"], *answers.error(wrong)["messages"]]
    if call.event == CHANGED and not answers.failed(reply):
        _purge(errand)
    return reply


def _came(errand: Errand, api: RossumApi, relations: list[dict[str, Any]]) -> Came:
    """The payload's fields, and what is read from Rossum beside them."""
    call, ready = errand.call, errand.ready
    fields = trees.fields_of(call)
    schema = call.schema
    schema_id = id_of(call.annotation.get("schema"))
    if schema is None and schema_id is not None and call.token and ready.step.kind in {"evaluate", "file_storage"}:
        schema = api.schema(schema_id)  # the hook does not sideload it, and these two read the fields' types
    came = Came(fields, trees.schema_of(schema))
    for key in sorted(ready.reads):
        came.files[key] = api.kept(key)
    for relation in relations:
        if isinstance(named := relation.get("key"), str):
            came.files[named] = mirrors.listed(relation)
    if ready.wants_original and call.document_id is not None:
        came.original = api.file(call.document_id)
    came.noted = list(api.noted)
    return came


def _ended(attempt: Attempt, beat: Callable[[], None]) -> Attempt:
    """The attempt, once it has ended. Raises RossumError where that takes longer than Rossum's token lives."""
    look, beaten = FIRST_LOOK, time.monotonic()
    until = time.monotonic() + calls.PATIENCE.total_seconds()
    while True:
        attempt.refresh_from_db()
        if attempt.state in ENDED:
            return attempt
        if time.monotonic() > until:
            raise RossumError("The export takes too long for a call of Rossum's; it goes on in Waybill.")
        if time.monotonic() - beaten > BEAT:
            beat()
            beaten = time.monotonic()
        if look >= SLOWEST_LOOK:
            connection.close()  # a slow export holds no connection
        time.sleep(look)
        look = min(look * 1.5, SLOWEST_LOOK)


def _written(attempt: Attempt, ready: Ready, api: RossumApi, relations: list[dict[str, Any]]) -> str | None:
    """Files of the attempt written to Rossum, keys that it detached deleted there. What went wrong, if anything."""
    runs = StageRun.objects.filter(attempt=attempt)
    run = runs.filter(name=ready.step.name).first()
    if run is None:
        return None
    gone = [relation for relation in relations if relation.get("key") in set(run.detached)]
    artifacts = list(Artifact.objects.filter(attempt=attempt, run=run).select_related("content").order_by("id"))
    if not gone and not artifacts:
        return None
    wrong: str | None = None
    try:
        for relation in gone:
            api.drop(relation)
        for artifact in {one.key: one for one in artifacts}.values():
            api.keep(artifact.key, cases.blob_of(artifact))
    except RossumError as error:
        wrong = str(error)
    except contents.PurgedError as error:
        wrong = f"A file of this export cannot be written to Rossum any more. {error}"
    mirrors.note(attempt, mirrors.write_run(runs), api.noted, position=runs.count(), error=wrong or "")
    return wrong


def _purge(errand: Errand) -> None:
    """The annotation's original was purged at Rossum: its copies here go too."""
    if errand.call.annotation.get("status") != "purged":
        return
    why = f"Purged at Rossum ({errand.call.annotation_url})."
    copies = Document.objects.filter(external_id__startswith=f"{errand.call.annotation_url.partition('://')[2]}/")
    for copy in copies.exclude(status=Status.PURGED):
        try:
            documents.delete(copy, by=errand.by, why=why)
            purging.purge(copy, by=errand.by, why=why)
        except Refused as refusal:  # an attempt is under way: its document stays until a person purges it
            log.warning("a copy was not purged", extra={"document": copy.pk, "why": refusal.message})
