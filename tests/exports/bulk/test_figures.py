"""The figures of a list, of the preview, of the job and of its report are the same figures: proved over random worlds,
random filters and changes that others make meanwhile."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports import attempts, documents, remedies
from exports.bulk import acts, asking, results, working
from exports.bulk.options import Options
from exports.models import Attempt, Document, Job, JobItem
from exports.predicate import Predicate
from exports.states import State
from pipelines.refusals import Refused
from tests import builders, desk
from tests.exports.bulk.asked import work

pytestmark = pytest.mark.usefixtures("organization", "kinds")

ENDS = [("failed", "rejected"), ("failed", "exhausted"), ("failed", "unconfirmed"), ("succeeded", ""), ("queued", "")]
FILTERS = [
    {"open": "1"}, {"state": "failed"}, {"state": "failed,succeeded"}, {"reason": "rejected,unconfirmed"},
    {"reason": "exhausted", "open": "1"}, {"since": "1h"}, {"resolution": "ignored"}, {"tries": "0..9"},
]  # fmt: skip
CHANGES = ["requeue", "send_back", "ignore", "delete", "new"]

worlds = st.lists(st.sampled_from(ENDS), min_size=1, max_size=7)
changes = st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 6)), max_size=4)


def change(queue, what: str, which: int) -> None:
    """What somebody else does meanwhile; what is refused changes nothing."""
    by = builders.owner()
    rows = list(Attempt.objects.order_by("pk"))
    row = rows[which % len(rows)]
    try:
        if what == "new":
            desk.attempt(desk.document(queue, f"new-{Document.objects.count()}"), "failed", "rejected")
        elif what == "requeue":
            attempts.requeue(row, by=by, why="meanwhile")
        elif what == "send_back":
            documents.send_back(row.document, by=by, why="meanwhile")
        elif what == "ignore":
            remedies.ignore(row, by=by, why="meanwhile")
        else:
            documents.delete(row.document, by=by)
    except Refused:
        pass


def empty() -> None:
    """hypothesis asks many times within one test's transaction."""
    JobItem.objects.all().delete()
    Job.objects.all().delete()
    Document.objects.update(fields=None)
    Attempt.objects.update(repeats=None)
    Attempt.objects.all().delete()
    Document.objects.all().delete()


SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(
    world=worlds, asked=st.sampled_from(FILTERS), before=changes, between=changes, of=st.sampled_from(["attempts", "documents"]),
    kind=st.sampled_from(["requeue", "ignore", "send_back", "postpone"]),
)  # fmt: skip
def test_the_figures_agree(queue, monkeypatch, world, asked, before, between, of, kind):
    monkeypatch.setattr(working, "GATHERED", 2)
    empty()
    for number, (state, reason) in enumerate(world):
        desk.attempt(desk.document(queue, f"doc-{number}"), state, reason, message=f"{reason} {number}")
    for what, which in before:
        change(queue, what, which)
    by, options = builders.owner(), Options()
    predicate = Predicate.read(asked)

    seen = asking.preview(kind, predicate, by=by, of=of, options=options)
    listed = set(getattr(predicate, of)().values_list("pk", flat=True))
    job = asking.ask(kind, predicate, by=by, why="because", token="t", of=of, options=options, expected=seen.count)
    untouched = _gathered(job)
    for what, which in between:
        change(queue, what, which)
    work(job)

    report = results.report(job)
    parts = [report.todo, report.plain, report.awaited, *report.results.values(), *report.refused.values()]
    assert seen.count + sum(seen.excluded.values()) == seen.total
    if of == acts.DOCUMENTS or acts.ACTS[kind].about == acts.ATTEMPTS:  # else several attempts are of one document
        assert seen.total == len(listed)
    assert (job.total, job.todo) == untouched == (seen.total, seen.count)
    assert dict(seen.left_out) == report.excluded
    assert sum(parts) == job.todo == job.done
    assert report.total == job.total == JobItem.objects.filter(job=job).count()
    assert len(list(results.lines(job))) == 1 + job.total
    _each_once(job)


def _gathered(job: Job) -> tuple[int, int]:
    """Its figures once everything is gathered, before anything is done."""
    while Job.objects.get(pk=job.pk).state == "gathering":
        working.slice_of(job.pk)
    job.refresh_from_db()
    return job.total, job.todo


def _each_once(job: Job) -> None:
    repeated = Counter(Attempt.objects.filter(trigger="bulk").values_list("repeats_id", flat=True))
    assert all(many == 1 for many in repeated.values())
    assert not Attempt.objects.filter(
        trigger="bulk", repeats__reason="unconfirmed", repeats__state=State.FAILED
    ).exists()
