"""The tasks: listed, shown, started, completed, cancelled and failed by clients."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from exports import clientrecords, clienttasks, contents
from exports.api.problems import ApiProblem
from exports.models import ClientFile, ClientTask
from exports.protocols.aluma import errors
from exports.protocols.aluma.view import View
from exports.robotrecords import RobotRequest
from exports.states import TaskState
from exports.wire import aluma
from pipelines.refusals import Refused

SPELLED = {
    TaskState.OFFERED: aluma.STARTABLE,
    TaskState.STARTED: aluma.STARTED,
    TaskState.REPORTED: "running",
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    TaskState.TIMED_OUT: "timed-out",
    TaskState.CANCELLED: "canceled",
}
"""Our states as the protocol spells them. `queued` is none of ours: a task is made when it can be started."""
MOST = 10_000
"""Tasks in one list, which the protocol does not page: oldest first, so that what is worked off makes room."""
LONGEST = 64 * 1024
"""Bytes of a body that says why."""


def told(task: ClientTask) -> dict[str, Any]:
    pipeline = task.attempt.revision.pipeline
    return aluma.task(
        aluma.Task(
            id=task.pk,
            name=task.name,
            collection=task.collection,
            project_id=aluma.project(pipeline.pk),
            project_name=pipeline.name,
            created_at=task.created_at,
            documents_count=task.documents_count,
            state=SPELLED[TaskState(task.state)],
            action=task.action,
        )
    )


class Tasks(View):
    """GET tasks: every task of three days, or those of a state and an action."""

    verbs: ClassVar = {"get": "exports.view_clienttask"}

    def get(self, request: Request) -> Response:
        rows = self.tasks()
        if (state := request.query_params.get("state")) is not None:
            if state not in aluma.STATES:
                raise errors.unfit("state", f"There is no such state. Known are {', '.join(aluma.STATES)}.")
            ours = [known for known, spelled in SPELLED.items() if spelled == state]
            rows = rows.filter(state__in=ours)
        if (action := request.query_params.get("client_action")) is not None:
            if action not in aluma.ACTIONS:
                raise errors.unfit("client_action", f"There is no such action. Known are {', '.join(aluma.ACTIONS)}.")
            rows = rows.filter(action=action, state__in=[TaskState.OFFERED, TaskState.STARTED])
        if (project := request.query_params.get("project_id")) is not None:
            found = [one for one in rows.order_by("created_at", "pk")[:MOST] if told(one)["project_id"] == project]
        else:
            found = list(rows.order_by("created_at", "pk")[:MOST])
        return Response({"tasks": [told(task) for task in found]})


class OneTask(View):
    """GET tasks/{id}."""

    verbs: ClassVar = {"get": "exports.view_clienttask"}

    def get(self, request: Request, wire_id: str) -> Response:
        return Response(told(self.task(wire_id)))


class Act(View):
    """PUT tasks/{id}/{act}_client_action?action=export."""

    verbs: ClassVar = {"put": "exports.act_clienttask"}

    def put(self, request: Request, wire_id: str, act: str) -> Response:
        begun = timezone.now()
        task = self.task(wire_id)
        action = request.query_params.get("action")
        if not action:
            raise errors.missing("action", "Say which action: ?action=export")
        if action != task.action:
            raise errors.unfit("action", f"This task waits for the action {task.action}.")
        raw = _raw(request) if act == "fail" else b""
        asked = RobotRequest(
            method="PUT",
            url=request.build_absolute_uri(),
            headers=[(name, value) for name, value in request.headers.items() if name.lower() in _KEPT_HEADERS],
            body=raw,
            begun_at=begun,
            status=202,
        )
        try:
            task, body = self._do(task, act, raw)
        except Refused as refused:
            if task.started_by == self.client.by.name:  # what it says late is worth knowing; of others it is noise
                reply = json.dumps({"message": str(refused)}).encode()
                clientrecords.keep(task, _answered(asked, 409), reply)
            raise
        clientrecords.keep(task, asked, json.dumps(body).encode() if body is not None else b"")
        return Response(body, status=202)

    def _do(self, task: ClientTask, act: str, raw: bytes) -> tuple[ClientTask, dict[str, Any] | None]:
        client = self.client
        if act == "start":
            key = self.request.headers.get("Idempotency-Key", "").strip()
            task = clienttasks.start(task, client, idempotency_key=key)
            return task, specification(task)
        if act == "complete":
            return clienttasks.complete(task, client), {}
        if act == "cancel":
            return clienttasks.give_back(task, client), {}
        return clienttasks.fail(task, client, message=_message(raw)), {}


_KEPT_HEADERS = frozenset({"user-agent", "idempotency-key", "content-type", "content-length"})


def specification(task: ClientTask) -> dict[str, Any]:
    """The Export Specification, the same whenever it is asked for."""
    files = []
    for row in ClientFile.objects.filter(task=task).select_related("content"):
        text = None
        if row.inline and row.content is not None and row.content.purged_at is None:
            text = contents.blob(row.content).read().decode("utf-8", errors="replace")
        files.append(aluma.File(row.document, row.folder, row.filename, row.pk, text))
    return aluma.specification(task.collection, files)


def _answered(asked: RobotRequest, status: int) -> RobotRequest:
    return RobotRequest(asked.method, asked.url, asked.headers, asked.body, asked.begun_at, status)


def _raw(request: Request) -> bytes:
    raw: bytes = request.stream.read(LONGEST + 1) if request.stream is not None else b""
    return raw


def _message(raw: bytes) -> str:
    """What a client says about its failure: {"message": "…"}, or nothing at all."""
    if not raw.strip():
        return ""
    if len(raw) > LONGEST:
        message = f"A message may have {LONGEST:,} bytes."
        raise ApiProblem("too_large", message, [{"place": "body", "message": message}])
    try:
        read = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        message = 'The body is not JSON; {"message": "…"} is, and so is no body at all.'
        raise ParseError(message) from None
    said = read.get("message") if isinstance(read, dict) else None
    return said if isinstance(said, str) else ""
