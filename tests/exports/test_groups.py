"""What a person may do with a failure group, and what becomes of one by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal
from audit.models import Event
from exports import documents, groups
from exports.models import Attempt, FailureGroup, FailureHour
from exports.states import GroupState, Status
from pipelines.refusals import Refused
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture
from tests.exports.test_grouping import fail, pipeline, told

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def group_of(*messages: str, do: str = "reject", name: str = "Send") -> FailureGroup:
    """The group of failures that say this."""
    found = [fail(pipeline(do, message, name)).group for message in messages or ("Unknown supplier 4711",)]
    assert len(set(found)) == 1
    found[-1].refresh_from_db()
    return found[-1]


def by() -> Principal:
    return builders.owner()


def test_acknowledging_says_that_somebody_knows():
    group = groups.acknowledge(group_of(), by=by(), note="Anna calls the supplier")

    assert (group.state, group.note) == (GroupState.ACKNOWLEDGED, "Anna calls the supplier")
    event = Event.objects.filter(verb="failure_group.acknowledge").get()
    assert (event.subject, event.why) == (f"failure_group:{group.pk}", "Anna calls the supplier")
    with pytest.raises(Refused, match="acknowledged already"):
        groups.acknowledge(group, by=by())


def test_a_snoozed_group_wakes_when_its_time_is_over_and_can_be_snoozed_for_longer():
    now = timezone.now()
    group = groups.snooze(group_of(), now + timedelta(hours=1), by=by(), note="after lunch")
    groups.snooze(group, now + timedelta(hours=4), by=by())

    early = groups.tend(now + timedelta(hours=2))
    late = groups.tend(now + timedelta(hours=5))

    group.refresh_from_db()
    assert (early, late) == ((0, 0), (0, 1))
    assert (group.state, group.snoozed_until) == (GroupState.OPEN, None)
    assert told(group)[-3:] == ["failure_group.snooze", "failure_group.snooze", "failure_group.wake"]
    with pytest.raises(Refused, match="still to come"):
        groups.snooze(group, now - timedelta(seconds=1), by=by())


def test_ignoring_needs_a_reason_and_leaves_its_documents_failed():
    group = group_of()

    with pytest.raises(Refused, match="Say why"):
        groups.ignore(group, by=by(), note=" ")
    group = groups.ignore(group, by=by(), note="a test of the supplier's")

    assert group.state == GroupState.IGNORED
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.resolution, attempt.document.status) == ("failed", "", Status.FAILED_EXPORT)
    assert groups.tend(timezone.now()) == (0, 0)
    assert groups.reopen(group, by=by()).state == GroupState.OPEN


def test_a_group_resolves_when_no_failure_of_it_is_open_and_not_before():
    group = group_of("Supplier 1", "Supplier 2")
    first, second = group.attempts.order_by("pk")
    assert groups.tend(timezone.now()) == (0, 0)

    documents.send_back(first.document, by=by(), why="mine")
    assert groups.tend(timezone.now()) == (0, 0)
    documents.send_back(second.document, by=by(), why="mine")
    assert groups.tend(timezone.now()) == (1, 0)

    group.refresh_from_db()
    assert (group.state, group.resolved_at is not None) == (GroupState.RESOLVED, True)
    assert told(group) == ["failure_group.open", "failure_group.resolve"]
    assert groups.tend(timezone.now()) == (0, 0)


def test_one_into_which_others_are_merged_waits_for_theirs():
    into, other = group_of(), group_of(name="Other")
    groups.merge([other], into, by=by())
    documents.send_back(into.attempts.get().document, by=by(), why="mine")

    assert groups.tend(timezone.now()) == (0, 0)
    documents.send_back(other.attempts.get().document, by=by(), why="mine")
    assert groups.tend(timezone.now()) == (2, 0)


def test_an_owner_is_a_member(organization):
    group = group_of()
    anna = builders.user("anna", organization=organization)

    assert groups.assign(group, anna, by=by()).owner == anna
    groups.assign(group, anna, by=by())
    assert told(group).count("failure_group.assign") == 1
    with pytest.raises(Refused, match="no member"):
        groups.assign(group, builders.user("stranger"), by=by())
    assert groups.assign(group, None, by=by()).owner is None


def test_a_name_is_kept_and_taken_away():
    group = groups.rename(group_of(), "  Blocked \n suppliers ", by=by())

    assert str(group) == "Blocked suppliers"
    assert str(groups.rename(group, "", by=by())) == "Unknown supplier ‹value›"
    with pytest.raises(Refused, match="200"):
        groups.rename(group, "x" * 201, by=by())


def test_a_merge_is_taken_back_whole():
    into, other, third = group_of(), group_of(name="Other"), group_of(name="Third")
    groups.merge([third], other, by=by())

    groups.merge([other], into, by=by(), why="the same cause")

    assert set(into.merged.values_list("pk", flat=True)) == {other.pk, third.pk}
    assert (into.attempts.count(), other.attempts.count()) == (1, 1)
    back = groups.unmerge(other, by=by())
    assert (back.merged_into_id, back.state) == (None, GroupState.OPEN)
    assert told(other)[-2:] == ["failure_group.merge", "failure_group.unmerge"]
    with pytest.raises(Refused, match="not merged"):
        groups.unmerge(other, by=by())


def test_a_merge_that_makes_no_sense_is_refused_and_changes_nothing():
    into, other, unknown = group_of(), group_of(name="Other"), group_of(do="unconfirmed")
    third = group_of(name="Third")
    groups.merge([third], other, by=by())

    for chosen, target, said in (
        ([into], into, "into itself"),
        ([unknown], into, "outcome nobody knows"),
        ([into, unknown], other, "outcome nobody knows"),
        ([third], into, "merged already"),
        ([into], third, "itself merged"),
        ([], into, "at least one"),
    ):
        with pytest.raises(Refused, match=said):
            groups.merge(chosen, target, by=by())

    assert list(FailureGroup.objects.exclude(merged_into=None).values_list("pk", flat=True)) == [third.pk]


def test_merging_into_a_resolved_group_opens_it():
    into, other = group_of(), group_of(name="Other")
    documents.send_back(into.attempts.get().document, by=by(), why="mine")
    groups.tend(timezone.now())

    assert groups.merge([other], into, by=by()).state == GroupState.OPEN


def test_a_split_moves_the_failures_that_say_so_with_their_counts():
    group = group_of("Supplier 4711", "Supplier 4712", "Supplier 4712")

    child = groups.split(group, "4712", by=by(), title="The second one")

    group.refresh_from_db()
    assert (group.attempts_seen, child.attempts_seen) == (1, 2)
    assert set(child.attempts.values_list("message", flat=True)) == {"Supplier 4712"}
    assert dict(FailureHour.objects.values_list("group", "attempts")) == {group.pk: 1, child.pk: 2}
    assert (str(child), child.split_from_id, child.reason) == ("The second one", group.pk, "rejected")
    assert fail(pipeline(message="Supplier 4712")).group_id == child.pk
    assert fail(pipeline(message="Supplier 4713")).group_id == group.pk


def test_a_split_that_makes_no_sense_is_refused():
    group = group_of("Supplier 4711", "Supplier 4712")
    groups.split(group, "4712", by=by())

    for text, said in (
        ("Supplier", "Every failure"),
        ("Customer", "No failure"),
        ("supplier", "Upper and lower"),
        ("47", "3 to 200"),
        ("4712", "already"),
    ):
        with pytest.raises(Refused, match=said):
            groups.split(group, text, by=by())


@pytest.mark.parametrize(
    "verb",
    [
        lambda group, who: groups.acknowledge(group, by=who),
        lambda group, who: groups.snooze(group, timezone.now() + timedelta(hours=1), by=who),
        lambda group, who: groups.ignore(group, by=who, note="x"),
        lambda group, who: groups.reopen(group, by=who),
        lambda group, who: groups.assign(group, None, by=who),
        lambda group, who: groups.rename(group, "x", by=who),
        lambda group, who: groups.merge([group], group, by=who),
        lambda group, who: groups.unmerge(group, by=who),
        lambda group, who: groups.split(group, "Unknown", by=who),
    ],
)
def test_nobody_does_it_without_the_permission_or_from_another_organization(organization, verb):
    group = group_of()
    viewer = Principal.of_user(builders.user(role="viewer", organization=organization), organization.pk)
    stranger = Principal.system("test", builders.organization("Other").pk)
    before = Event.objects.count()

    for who in (viewer, stranger):
        with pytest.raises(PermissionDenied):
            verb(group, who)

    assert Event.objects.count() == before


def test_groups_of_all_organizations_are_tended():
    group_of()
    with scope.to(builders.organization("Other").pk):
        documents.send_back(group_of().attempts.get().document, by=by(), why="mine")

    assert groups.tend(timezone.now()) == (1, 0)
