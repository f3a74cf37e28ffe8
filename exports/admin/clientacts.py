"""What a person may do about a task that waits for an outside client, and the presses that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, post_only, require
from exports import clienttasks
from exports.admin.asks import NO_RIGHT, Action, Ask
from exports.admin.remedying import back
from exports.models import Attempt, ClientTask
from exports.states import ENDED, TaskState
from pipelines.refusals import Refused

if TYPE_CHECKING:
    from exports.admin.actions import Scene

LIVE = (TaskState.OFFERED, TaskState.STARTED)
HELD = "An outside client has taken it and may have done it: say what became of it first."


def of(scene: Scene, user: Any) -> list[Action]:
    """Of each task that is not over: say what became of it, or take it from a client that is gone."""
    if scene.attempt.state in ENDED:
        return []
    made = []
    for task in _live(scene.attempt):
        made += _of_task(task, scene, user)
    return made


def held(attempt: Attempt) -> bool:
    """Whether a client has it, or had it and never said what became of it."""
    return any(task.state == TaskState.STARTED or task.silences for task in _live(attempt))


def _live(attempt: Attempt) -> list[ClientTask]:
    return list(ClientTask.objects.filter(attempt=attempt, state__in=LIVE).select_related("run"))


def _of_task(task: ClientTask, scene: Scene, user: Any) -> list[Action]:
    may = "" if user.has_perm("exports.settle_attempt") else NO_RIGHT
    place = [scene.attempt.pk, task.pk]
    settle, release = (reverse(f"admin:exports_attempt_{name}", args=place) for name in ("settle_task", "release_task"))
    to = Ask("back", kind="hidden", value=scene.back)
    why = Ask("why", "How do you know?", required=True, help="Kept in the audit trail.")
    said = {answer: Ask("delivered", kind="hidden", value=answer) for answer in ("yes", "no")}
    nobody = "" if task.state == TaskState.STARTED else "No client has it now."
    return [
        Action(
            f"task_done_{task.pk}", "The client has done it", settle,
            f"{task.run.name} counts as done, and the attempt goes on.", may,
            (Ask("reference", "The other side's reference", required=True, placeholder="for example 4711"), why,
             said["yes"], to), "It arrived",
        ),
        Action(
            f"task_failed_{task.pk}", "The client cannot do it", settle,
            "The attempt fails with your reason; corrected, the document can be sent again.", may,
            (why, said["no"], to), "It did not arrive", danger=True,
        ),
        Action(
            f"task_again_{task.pk}", "Offer it again now", release,
            f"{task.started_by} is not waited for any longer. It may have done it: the next client does it again.",
            nobody or may, (Ask("why", "Why?", required=True, help="Kept in the audit trail."), to),
            "Offer it again", danger=True,
        ),
    ]  # fmt: skip


class ClientActs(DeskAdmin):
    """Mixed into AttemptPage."""

    def client_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path(f"<int:attempt_id>/tasks/<uuid:task_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("settle_task", "release_task")
        ]

    @post_only
    def settle_task(self, request: HttpRequest, attempt_id: int, task_id: Any) -> HttpResponse:
        task = self._task(request, attempt_id, task_id)
        by = require(request, "exports.settle_attempt")
        delivered = request.POST.get("delivered") == "yes"

        def do() -> str:
            reference = request.POST.get("reference", "").strip()
            why = request.POST.get("why", "").strip()
            clienttasks.settle(task, by=by, delivered=delivered, reference=reference, why=why)
            return "Kept: it arrived. The attempt goes on." if delivered else "Kept: it did not. The attempt fails."

        return answer(request, back(request, task.attempt), do, refused=(Refused,))

    @post_only
    def release_task(self, request: HttpRequest, attempt_id: int, task_id: Any) -> HttpResponse:
        task = self._task(request, attempt_id, task_id)
        by = require(request, "exports.settle_attempt")

        def do() -> str:
            clienttasks.release(task, by=by, why=request.POST.get("why", "").strip())
            return "The task is offered again."

        return answer(request, back(request, task.attempt), do, refused=(Refused,))

    def _task(self, request: HttpRequest, attempt_id: int, task_id: Any) -> ClientTask:
        self.found(request, str(attempt_id))
        task: ClientTask | None = (
            ClientTask.objects.filter(pk=task_id, attempt_id=attempt_id).select_related("attempt").first()
        )
        if task is None:
            raise Http404("There is no such task here.")
        return task
