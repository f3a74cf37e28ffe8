"""A failure finds its group in the transaction in which its attempt fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import scope
from audit.models import Event
from exports import attempts, grouping, loop
from exports.models import Attempt, FailureGroup, FailureHour
from exports.states import GroupState
from tests import builders
from tests.exports.kinds import act, export, kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def told(group: FailureGroup) -> list[str]:
    return list(Event.objects.filter(subject=f"failure_group:{group.pk}").order_by("id").values_list("verb", flat=True))


def pipeline(do: str = "reject", message: str = "Unknown supplier 4711", name: str = "Send", to=None):
    """A queue whose documents all fail alike, unless their own stage says otherwise."""
    from pipelines import publishing

    draft = builders.pipeline({**act(name, do, message=message), "destination": to})
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    return builders.queue(pipeline=draft)


def fail(queue) -> Attempt:
    return loop.run_now(attempts.start(builders.document(queue), by=builders.owner()).pk)


def test_a_failure_opens_a_group_with_what_its_next_ones_share():
    to = builders.destination("ERP")
    queue = pipeline(to=to)

    attempt = fail(queue)

    group = FailureGroup.objects.get()
    assert attempt.group_id == group.pk
    assert (group.state, group.reason, group.stage) == (GroupState.OPEN, "rejected", "Send")
    assert (group.destination_id, group.pipeline_id) == (to.pk, queue.pipeline_id)
    assert (group.pattern, group.sample) == ("Unknown supplier ‹value›", "Unknown supplier 4711")
    assert (group.attempts_seen, group.revision_id) == (1, attempt.revision_id)
    assert told(group) == ["failure_group.open"]
    assert list(FailureHour.objects.values_list("group", "attempts")) == [(group.pk, 1)]


def test_the_next_failures_of_the_cause_are_counted_and_open_nothing_new():
    queue = pipeline()

    for _ in range(3):
        fail(queue)

    group = FailureGroup.objects.get()
    assert (group.attempts_seen, group.attempts.count()) == (3, 3)
    assert told(group) == ["failure_group.open"]
    assert sum(FailureHour.objects.values_list("attempts", flat=True)) == 3


def test_the_destination_is_that_of_the_failing_stage_and_a_judge_has_that_of_what_it_judges():
    first, second = builders.destination("A"), builders.destination("B")

    export({**act("one"), "destination": first}, {**act("two", "reject"), "destination": second})
    export({**act("one"), "destination": first}, act("judge", "error"))
    export(act("render", "reject"), {**act("two"), "destination": second})

    assert list(FailureGroup.objects.order_by("pk").values_list("stage", "destination__name")) == [
        ("two", "B"), ("judge", "A"), ("render", None),
    ]  # fmt: skip


def test_other_stages_reasons_and_destinations_are_other_causes():
    to = builders.destination("ERP")

    for queue in (pipeline(), pipeline(name="Other"), pipeline(do="misconfigure"), pipeline(to=to)):
        fail(queue)

    assert FailureGroup.objects.count() == 4


def test_another_organization_has_groups_of_its_own():
    fail(pipeline())
    with scope.to(builders.organization("Other").pk):
        fail(pipeline())
        assert FailureGroup.objects.get().attempts_seen == 1

    assert FailureGroup.objects.get().attempts_seen == 1
    assert FailureGroup.unscoped.values("signature").distinct().count() == 1


def test_success_finds_no_group_and_asks_nothing_of_groups():
    with CaptureQueriesContext(connection) as queries:
        attempt = export(act("fine"))

    assert attempt.group_id is None
    assert [query["sql"] for query in queries if "failuregroup" in query["sql"] and "SELECT" not in query["sql"]] == []
    assert not FailureGroup.objects.exists()


def test_a_resolved_group_is_opened_again_and_an_ignored_one_is_not():
    queue = pipeline()
    fail(queue)
    group = FailureGroup.objects.get()
    before = timezone.now() - timedelta(days=1)
    FailureGroup.objects.filter(pk=group.pk).update(state="resolved", opened_at=before, resolved_at=before)

    fail(queue)

    group.refresh_from_db()
    assert (group.state, group.resolved_at) == (GroupState.OPEN, None)
    assert group.opened_at > before + timedelta(hours=1)
    assert told(group) == ["failure_group.open", "failure_group.reopen"]

    FailureGroup.objects.filter(pk=group.pk).update(state="ignored")
    fail(queue)

    group.refresh_from_db()
    assert (group.state, group.attempts_seen) == (GroupState.IGNORED, 3)


def test_a_failure_of_a_merged_group_stays_with_its_signature_and_opens_the_one_it_was_merged_into():
    other, queue = pipeline(name="Other"), pipeline()
    fail(other)
    fail(queue)
    into, group = FailureGroup.objects.order_by("pk")
    FailureGroup.objects.filter(pk=group.pk).update(merged_into=into)
    FailureGroup.objects.filter(pk=into.pk).update(state="resolved")

    attempt = fail(queue)

    into.refresh_from_db()
    assert (attempt.group_id, into.state, into.attempts_seen) == (group.pk, GroupState.OPEN, 1)
    assert told(into)[-1] == "failure_group.reopen"


def test_a_split_is_honoured_also_one_within_another():
    fail(pipeline(message="Supplier 4711 is blocked"))
    group = FailureGroup.objects.get()
    values = {"reason": group.reason, "pattern": group.pattern, "stage": group.stage}
    child = FailureGroup.own(signature="a" * 64, split_from=group, split_text="4712", **values)
    child.save()
    grandchild = FailureGroup.own(signature="b" * 64, split_from=child, split_text="47124", **values)
    grandchild.save()

    for number in (4711, 47120, 47124):
        fail(pipeline(message=f"Supplier {number} is blocked"))

    assert dict(FailureGroup.objects.values_list("pk", "attempts_seen")) == {group.pk: 2, child.pk: 1, grandchild.pk: 1}


def test_a_worker_that_died_too_often_leaves_a_group_without_a_stage():
    attempt = builders.attempt(act("a"))
    Attempt.objects.filter(pk=attempt.pk).update(lapses=5)

    loop.run_now(attempt.pk)

    group = FailureGroup.objects.get()
    assert (group.stage, group.reason, group.destination_id) == ("", "internal", None)
    assert group.pattern.startswith("The worker died ‹value› times")


def test_failures_from_before_groups_were_kept_are_adopted_once():
    queue = pipeline()
    for _ in range(3):
        fail(queue)
    hours = timezone.now() - timedelta(hours=5)
    Attempt.objects.update(group=None, finished_at=hours)
    FailureGroup.objects.all().delete()

    adopted = [grouping.adopt(most=2), grouping.adopt(most=2), grouping.adopt(most=2)]

    group = FailureGroup.objects.get()
    assert adopted == [2, 1, 0]
    assert (group.attempts_seen, group.first_seen, group.last_seen) == (3, hours, hours)
    assert list(FailureHour.objects.values_list("hour", "attempts")) == [
        (hours.replace(minute=0, second=0, microsecond=0), 3)
    ]


def test_counts_by_the_hour_that_nothing_draws_any_more_go():
    queue = pipeline()
    fail(queue)
    long_ago, lately = (timezone.now() - timedelta(days=days) for days in (36, 34))
    group = FailureGroup.objects.get()
    for hour in (long_ago, lately):
        FailureHour.own(group=group, hour=hour, attempts=5).save()
    FailureHour.objects.filter(attempts=1).update(hour=timezone.now() - timedelta(hours=1))

    fail(queue)

    assert sorted(FailureHour.objects.values_list("attempts", flat=True)) == [1, 1, 5]
    assert not FailureHour.objects.filter(hour=long_ago).exists()


def test_a_fault_in_grouping_keeps_no_attempt_from_ending_and_is_made_good(monkeypatch, caplog):
    with monkeypatch.context() as broken:
        broken.setattr(grouping.signatures, "mask", lambda text: 1 / 0)
        attempt = fail(pipeline())

    assert (attempt.state, attempt.group_id) == ("failed", None)
    assert "failures found no group" in caplog.text
    assert grouping.adopt() == 1


def test_a_deleted_destination_leaves_its_place_empty():
    to = builders.destination("Gone")
    queue = pipeline(to=to)
    fail(queue)
    FailureGroup.objects.all().delete()
    queue.pipeline.stages.update(destination=None)
    to.delete()

    attempt = fail(queue)

    group = FailureGroup.objects.get()
    assert (attempt.group_id, group.destination_id) == (group.pk, None)
