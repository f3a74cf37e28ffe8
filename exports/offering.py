"""Tasks of outside clients follow the stage runs that they belong to: offered as a run is parked, over as it ends.

Called by the ledger, in the transaction of its commit point: a parked stage never lacks its task, and a task is never
there without its stage. What clients and people do with a task is exports/clienttasks.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.policy import Principal
from audit import rows, trail
from exports import clientmoves
from exports.models import Artifact, Attachment, Attempt, ClientFile, ClientTask, ReceivedFile, StageRun
from exports.states import TASK_OVER, Reason, RunState, State, TaskState

KIND = "client_action"


def follow(runs: Iterable[StageRun]) -> None:
    """Of stage runs that were just written: offer those that are parked, close the tasks of those that ended."""
    for run in runs:
        if run.kind != KIND:
            continue
        if run.state == RunState.PARKED:
            _offer(run)
        elif run.state in {RunState.FINISHED, RunState.FAILED, RunState.SKIPPED}:
            task = ClientTask.unscoped.filter(run_id=run.pk).exclude(state__in=sorted(TASK_OVER)).first()
            if task is not None:
                by = Principal.system("worker", run.organization_id)
                clientmoves.move(task, _end_of(run), by=by, verb="close_task")


def withdraw(attempt: Attempt, *, by: Principal, why: str = "") -> None:
    """Close what an attempt that has just ended still offers."""
    ends = {State.SUCCEEDED: TaskState.COMPLETED, State.CANCELLED: TaskState.CANCELLED}
    for task in ClientTask.unscoped.filter(attempt_id=attempt.pk).exclude(state__in=sorted(TASK_OVER)):
        clientmoves.move(task, ends.get(State(attempt.state), TaskState.FAILED), by=by, verb="close_task", why=why)


def _end_of(run: StageRun) -> TaskState:
    if run.state != RunState.FAILED:
        return TaskState.COMPLETED
    return TaskState.TIMED_OUT if run.reason in {Reason.TIMEOUT, Reason.UNCONFIRMED} else TaskState.FAILED


def _offer(run: StageRun) -> None:
    if ClientTask.unscoped.filter(run_id=run.pk).exists():
        return
    told: Mapping[str, Any] = run.checkpoint or {}
    files = list(told.get("files") or ())
    attempt = Attempt.unscoped.select_related("document").get(pk=run.attempt_id)
    document = attempt.document
    assert document is not None, "only documents have client actions yet"
    task = ClientTask(
        organization_id=run.organization_id,
        attempt_id=run.attempt_id,
        run_id=run.pk,
        name=(document.file_name or document.external_id)[:255],
        action=str(told.get("action") or "export"),
        documents_count=len({file["document"] for file in files}),
        timeout_minutes=int(told.get("timeout_minutes") or 30),
        again=bool(told.get("again", True)),
        give_up_at=run.deadline or timezone.now() + timedelta(days=7),
    )
    task.save(force_insert=True)
    found = _contents(document.pk, document.original_id, document.media_type, run.attempt_id, files)
    rows.insert(
        ClientFile,
        [
            rows.new(
                ClientFile,
                organization_id=run.organization_id,
                task_id=task.pk,
                position=position,
                document=file["document"],
                folder=file["folder"],
                filename=file["filename"],
                inline=file["inline"],
                media_type=media_type[:100],
                content_id=content,
            )
            for position, (file, (content, media_type)) in enumerate(zip(files, found, strict=True), 1)
        ],
    )
    trail.record(
        "attempt.offer_task",
        f"attempt:{run.attempt_id}",
        organization_id=run.organization_id,
        actor="waybill:worker",
        detail={"task": str(task.pk), "files": len(files)},
    )


def _contents(
    document_id: int, original_id: Any, original_type: str, attempt_id: int, files: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, str]]:
    """Of each file its content row and media type: as attached now, or else the bytes that the stage saw."""
    keys = {file["key"] for file in files if file["key"]}
    attached = Attachment.unscoped.filter(document_id=document_id, key__in=keys).values_list(
        "key", "artifact__sha256", "artifact__content_id", "artifact__media_type"
    )
    made = Artifact.unscoped.filter(attempt_id=attempt_id, key__in=keys).values_list(
        "key", "sha256", "content_id", "media_type"
    )
    came = ReceivedFile.unscoped.filter(document_id=document_id, key__in=keys).values_list(
        "key", "sha256", "content_id", "media_type"
    )
    by_bytes, by_key = {}, {}
    for some in (came, made, attached):
        for key, sha256, content, kind in some:
            by_bytes[key, sha256] = by_key[key] = (content, kind)
    return [
        by_bytes.get((file["key"], file["sha256"])) or by_key.get(file["key"], (None, ""))  # redacted as it was kept
        if file["key"]
        else (original_id, original_type)
        for file in files
    ]
