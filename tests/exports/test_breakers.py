"""A destination that turns everybody away: it breaks, it is probed by one, it opens again; others go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.policy import Principal
from audit.models import Event
from exports import attempts, breakers, cases, transitions, worklist
from exports.ledger import DirectLedger
from exports.loop import drive_one
from exports.models import Attempt, Breaker
from exports.states import Reason, State
from exports.world import World
from tests import builders
from tests.exports.kinds import act, kinds  # noqa: F401  # a fixture
from tests.servers import http
from tests.servers.http import reply

pytestmark = pytest.mark.usefixtures("organization")
DOWN = reply(503, "Down for maintenance")


@pytest.fixture(autouse=True)
def quick(settings, organization):
    settings.BREAKER_FAILURES, settings.BREAKER_SECONDS, settings.BREAKER_LONGEST = 3, 30, 100
    settings.BACKOFF_SECONDS = 1
    yield
    breakers._known = {}


@pytest.fixture
def erp():
    with http.running() as server:
        server.otherwise = lambda _: DOWN
        yield server


def there(name="ERP"):
    return builders.destination(name, allowed_networks=["127.0.0.0/8"])


def send(server, to, name="Send"):
    config = {"request": {"url": f"{server.url}/in", "data": {"no": "@{number}"}}}
    return {"name": name, "kind": "rest_api", "destination": to, "config": config}


def queued(number, *stages, **values):
    first = builders.attempt(*stages, max_tries=50, **values)
    queue = first.document.queue
    return [first, *(attempts.start(builders.document(queue), by=builders.owner()) for _ in range(number - 1))]


def drive(most=50, world=None):
    """One claim by one worker, driven to its end; returns how many."""
    _, ids = worklist.claim("worker", most)
    world = world or World(DirectLedger())
    for case in cases.load(ids)[0]:
        drive_one(case, world)
    return len(ids)


def due_now():
    """Every wait is over."""
    Attempt.objects.filter(state=State.WAITING).update(due_at=timezone.now() - timedelta(seconds=1))
    transitions.wake(timezone.now())


def probe_is_due():
    Breaker.objects.update(retry_at=timezone.now() - timedelta(seconds=1))


def test_it_breaks_when_so_many_attempts_in_a_row_are_turned_away(erp):
    place = there()
    queued(5, send(erp, place))

    drive()

    row = Breaker.objects.get(destination=place)
    assert len(erp.seen) == 3
    assert row.opened_at is not None
    assert "503" in row.why
    assert 25 < (row.retry_at - timezone.now()).total_seconds() < 31
    assert sorted(Attempt.objects.values_list("state", "tries")) == [("waiting", 0)] * 2 + [("waiting", 1)] * 3
    event = Event.objects.get(verb="destination.open_breaker")
    assert (event.subject, event.actor, event.detail) == (f"destination:{place.pk}", "waybill:worker", {"attempts": 3})


def test_while_it_is_broken_nothing_is_sent_and_no_try_is_used_up(erp):
    queued(6, send(erp, there()))
    drive(most=3)
    due_now()

    claimed = [drive() for _ in range(3)]

    assert claimed == [0, 0, 0]
    assert len(erp.seen) == 3
    assert Attempt.objects.filter(state=State.QUEUED).count() == 6
    assert sorted(Attempt.objects.values_list("tries", flat=True)) == [0, 0, 0, 1, 1, 1]


def test_one_document_that_is_turned_away_again_and_again_breaks_nothing(erp):
    queued(1, send(erp, there()))

    for _ in range(6):
        drive()
        due_now()

    assert len(erp.seen) == 6
    assert [len(row.attempts) for row in Breaker.objects.all()] == [1]
    assert not Event.objects.filter(verb="destination.open_breaker").exists()


def test_an_answer_in_between_begins_the_count_anew(erp):
    queued(5, send(erp, there()))
    erp.will(DOWN, DOWN, reply(201), DOWN, DOWN)

    drive()

    assert len(erp.seen) == 5
    assert [len(row.attempts) for row in Breaker.objects.all()] == [2]


def test_a_refusal_of_the_document_is_an_answer(erp):
    queued(5, send(erp, there()))
    erp.will(DOWN, DOWN, reply(422, "no"), DOWN, DOWN)

    drive()

    assert Attempt.objects.filter(reason=Reason.REJECTED).count() == 1
    assert Breaker.objects.get().opened_at is None


def test_one_probe_goes_through_and_the_next_waits_longer(erp):
    queued(6, send(erp, there()))
    drive(most=3)
    due_now()
    probe_is_due()

    claimed = [drive(), drive()]

    row = Breaker.objects.get()
    assert claimed == [1, 0]
    assert len(erp.seen) == 4
    assert (row.probes, row.probe_id) == (1, None)
    assert 55 < (row.retry_at - timezone.now()).total_seconds() < 61


def test_the_wait_is_capped_and_a_retry_after_is_obeyed(erp):
    queued(6, send(erp, there()))
    drive(most=3)
    waits = []
    for answer in (DOWN, DOWN, reply(503, headers={"Retry-After": "900"})):
        due_now()
        probe_is_due()
        erp.will(answer)
        drive()
        waits.append(round((Breaker.objects.get().retry_at - timezone.now()).total_seconds()))

    assert waits == [60, 100, 900]


def test_a_probe_that_gets_through_lets_all_go_on(erp):
    place = there()
    queued(6, send(erp, place))
    drive(most=3)
    erp.otherwise = lambda _: reply(201)
    due_now()
    probe_is_due()

    claimed = [drive(), drive()]

    assert claimed == [1, 5]
    assert not Breaker.objects.exists()
    assert set(Attempt.objects.values_list("state", flat=True)) == {"succeeded"}
    closed = Event.objects.get(verb="destination.close_breaker")
    assert (closed.actor, closed.subject, closed.detail["probes"]) == ("waybill:worker", f"destination:{place.pk}", 0)


def test_two_workers_let_one_probe_through(erp):
    queued(6, send(erp, there()))
    drive(most=3)
    due_now()
    probe_is_due()

    _, first = worklist.claim("one", 10)
    _, second = worklist.claim("two", 10)
    Breaker.objects.update(retry_at=timezone.now() - timedelta(seconds=1))  # it takes longer than a probe may
    _, third = worklist.claim("two", 10)

    assert (len(first), second, third) == (1, [], [])


def test_a_probe_that_ends_before_it_is_sent_makes_room_for_the_next(kinds, erp):
    place = there()
    queued(4, send(erp, place))
    drive()
    builders.attempt(act("Stop", "reject"), send(erp, place))
    Attempt.objects.filter(state=State.WAITING).update(due_at=timezone.now() + timedelta(hours=1))
    probe_is_due()

    drive()

    row = Breaker.objects.get()
    assert len(erp.seen) == 3
    assert (row.probe_id, row.probes) == (None, 0)
    assert row.retry_at <= timezone.now()


def test_another_destination_is_unaffected(erp):
    with http.running() as well:
        queued(5, send(erp, there()))
        drive()
        queued(5, send(well, there("Archive")))
        drive()

        assert (len(erp.seen), len(well.seen)) == (3, 5)
    assert Attempt.objects.filter(state=State.SUCCEEDED).count() == 5


def test_a_broken_destination_later_in_the_pipeline_is_waited_for(erp):
    with http.running() as well:
        archive = there("Archive")
        queued(5, send(well, archive, "First"), send(erp, there(), "Second"))

        drive()
        due_now()
        drive()
        broken = (len(well.seen), len(erp.seen))
        erp.otherwise = lambda _: reply(201)
        due_now()
        probe_is_due()
        drive()
        due_now()
        drive()

        assert broken == (5, 3)
        assert len(well.seen) == 5
    assert Attempt.objects.filter(state=State.SUCCEEDED).count() == 5


def test_a_person_closes_it(erp):
    place = there()
    queued(4, send(erp, place))
    drive()

    closed = breakers.close(place, by=builders.owner(), why="they called: it is up")
    again = breakers.close(place, by=builders.owner())
    erp.otherwise = lambda _: reply(201)
    due_now()
    drive()

    assert (closed, again) == (True, False)
    assert Event.objects.get(verb="destination.close_breaker").why == "they called: it is up"
    assert Attempt.objects.filter(state=State.SUCCEEDED).count() == 4


def test_a_viewer_does_not_close_it(organization, erp):
    place = there()
    queued(3, send(erp, place))
    drive()
    viewer = Principal.of_user(builders.user(role="viewer", organization=organization), organization.pk)

    with pytest.raises(PermissionDenied, match=r"pipelines\.pause_destination"):
        breakers.close(place, by=viewer)

    assert Breaker.objects.get().opened_at is not None


def test_it_can_be_turned_off(settings, erp):
    settings.BREAKER_FAILURES = 0
    queued(5, send(erp, there()))

    drive()

    assert len(erp.seen) == 5
    assert not Breaker.objects.exists()


def test_where_nothing_is_wrong_a_commit_point_asks_nothing_more(erp, django_assert_num_queries):
    place = there()
    queued(1, send(erp, place))

    with django_assert_num_queries(0):
        breakers.note([(place.organization_id, 1, {place.pk: None})])


def test_a_deleted_destination_does_not_keep_an_attempt_from_its_end(erp):
    attempt = queued(1, send(erp, there()))[0]

    breakers.note([(attempt.organization_id, attempt.pk, {999_999: breakers.Away("gone")})])

    assert not Breaker.objects.exists()
