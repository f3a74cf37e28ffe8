"""What tests of bulk work share: failures, the question, and working a job to its end."""

from __future__ import annotations

import json

from exports import attempts, loop
from exports.bulk import asking, working
from exports.bulk.options import Options
from exports.models import Attempt, Job
from exports.predicate import Predicate
from exports.states import JobState, State
from pipelines import publishing
from tests import builders

OPEN = {"open": "1"}


def mend(queue, do: str = "finish", **config):
    stage = queue.pipeline.stages.get()
    stage.config = json.dumps({"do": do, **config})
    stage.save()
    publishing.publish(queue.pipeline, by=builders.owner())


def failed(queue, many: int) -> list[Attempt]:
    made = [attempts.start(builders.document(queue), by=builders.owner()) for _ in range(many)]
    return [loop.run_now(attempt.pk) for attempt in made]


def preview(kind="requeue", of="attempts", options=None, **params):
    predicate = Predicate.read(params or OPEN)
    return asking.preview(kind, predicate, by=builders.owner(), of=of, options=options or Options())


def ask(kind="requeue", *, token="t", why="the ERP is back", of="attempts", by=None, options=None, **params):
    predicate = Predicate.read(params or OPEN)
    return asking.ask(
        kind, predicate, by=by or builders.owner(), why=why, token=token, of=of, options=Options.read(options or {})
    )


def work(job: Job) -> Job:
    """Until the job has an end, waits for a person, or has nothing to do; attempts that it made are run."""
    for _ in range(400):
        Job.objects.filter(pk=job.pk).update(next_at=None)
        working.advance(5)
        for pk in Attempt.objects.filter(state=State.QUEUED).values_list("pk", flat=True):
            loop.run_now(pk)
        job.refresh_from_db()
        if job.state in {JobState.FINISHED, JobState.CANCELLED, JobState.PAUSED}:
            return job
    message = f"the job is still {job.state}"
    raise AssertionError(message)
