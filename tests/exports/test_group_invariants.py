"""What holds of failures and groups however many fail, at once, and whatever people do with them meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports import attempts, documents, grouping, groups, loop
from exports.models import Attempt, FailureGroup, FailureHour
from exports.states import GroupState, State, Status
from pipelines.refusals import Refused
from tests.exports.kinds import kinds  # noqa: F401  # a fixture
from tests.exports.test_grouping import fail, pipeline
from tests.exports.test_groups import by

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_five_thousand_failures_of_five_causes_are_five_groups_with_exact_counts(organization):
    causes = [
        "Unknown supplier {0}",
        "Period {0} is closed",
        "No route for order {0}",
        "Tax {0} is wrong",
        "Line {0} is twice",
    ]
    queue = pipeline()
    revision = queue.pipeline.published
    rows = Attempt.objects.bulk_create([
        Attempt(
            organization=organization, document=None, revision=revision, number=number,
            trigger="person", requested_by="user:anna", lane="1/", state=State.FAILED, reason="rejected", stage="Send",
            message=causes[number % 5].format(4000 + number), finished_at=timezone.now(),
        )
        for number in range(5000)
    ])  # fmt: skip
    for first in range(0, 5000, 128):
        grouping.find([
            grouping.Failure.of(row.pk, organization.pk, {"reason": row.reason, "stage": row.stage, "message": row.message})
            for row in rows[first : first + 128]
        ])  # fmt: skip

    assert sorted(FailureGroup.objects.values_list("attempts_seen", flat=True)) == [1000] * 5
    assert sorted(Counter(Attempt.objects.values_list("group", flat=True)).values()) == [1000] * 5
    assert sum(FailureHour.objects.values_list("attempts", flat=True)) == 5000


VERBS = (
    "fail",
    "send again",
    "send back",
    "delete",
    "ignore group",
    "reopen group",
    "merge",
    "unmerge",
    "split",
    "tend",
    "confirm",
    "snooze",
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 5)), min_size=4, max_size=10))
def test_an_open_failure_is_its_documents_newest_attempt_whatever_people_do(steps):
    queues = [pipeline(message=f"Supplier {number}", name=name) for number in (4711, 4712) for name in ("A", "B")]
    fail(queues[0])

    for verb, choice in steps:
        _do(verb, choice, queues)

    for attempt in Attempt.objects.filter(state=State.FAILED).select_related("document"):
        newest = not Attempt.objects.filter(document=attempt.document, number__gt=attempt.number).exists()
        stands = attempt.document.status == Status.FAILED_EXPORT
        assert (attempt.resolution == "") == (newest and stands), (steps, attempt.number)
        assert attempt.group_id is not None
    for group in FailureGroup.objects.all():
        assert group.attempts_seen == group.attempts.count()
        assert sum(group.hours.values_list("attempts", flat=True)) == group.attempts_seen
        assert group.merged_into_id is None or group.merged_into.merged_into_id is None
    groups.tend(timezone.now())
    for group in FailureGroup.objects.filter(state=GroupState.RESOLVED):
        assert not group.attempts.filter(resolution="").exists()


def _do(verb: str, choice: int, queues) -> None:  # noqa: C901, PLR0912  # one case a verb
    failed = list(Attempt.objects.filter(state=State.FAILED, resolution="").order_by("pk"))
    known = list(FailureGroup.objects.order_by("pk"))
    group, other = known[choice % len(known)], known[(choice + 1) % len(known)]
    attempt = failed[choice % len(failed)] if failed else None
    try:
        match verb:
            case "fail":
                fail(queues[choice % len(queues)])
            case "send again" if attempt:
                loop.run_now(attempts.requeue(attempt, by=by(), why="again").pk)
            case "send back" if attempt:
                documents.send_back(attempt.document, by=by(), why="mine")
            case "delete" if attempt:
                documents.delete(attempt.document, by=by(), why="twice")
            case "ignore group":
                groups.ignore(group, by=by(), note="known")
            case "reopen group":
                groups.reopen(group, by=by())
            case "merge":
                groups.merge([other], group, by=by())
            case "unmerge":
                groups.unmerge(group, by=by())
            case "split":
                groups.split(group, "4712", by=by())
            case "confirm":
                groups.acknowledge(group, by=by())
            case "snooze":
                groups.snooze(group, timezone.now() + timedelta(hours=1), by=by())
            case "tend":
                groups.tend(timezone.now())
    except Refused:
        pass
