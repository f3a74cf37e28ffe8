"""What people do about the tasks of outside clients, and who may do what."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts import scope
from accounts.policy import GRANTS, Principal
from exports import attempts, clienttasks
from exports.clienttasks import Client
from exports.models import Attempt, ClientTask
from exports.states import Reason, State, TaskState
from pipelines.refusals import Refused
from tests import builders
from tests.exports.clients import after, client, offered, robot, verbs

pytestmark = pytest.mark.usefixtures("organization")


def test_an_attempt_that_nobody_has_taken_can_be_cancelled():
    task = offered()

    attempts.cancel(task.attempt, by=builders.owner(), why="not wanted")

    assert ClientTask.objects.get(pk=task.pk).state == TaskState.CANCELLED
    with pytest.raises(Refused, match="It is cancelled"):
        clienttasks.start(task, client())


def test_an_attempt_that_somebody_has_is_not_cancelled():
    task = clienttasks.start(offered(), client())

    with pytest.raises(Refused, match="A client outside has taken it"):
        attempts.cancel(task.attempt, by=builders.owner(), why="not wanted")

    assert Attempt.objects.get(pk=task.attempt_id).state == State.PARKED


def test_a_person_takes_it_from_a_client_that_is_gone():
    task = clienttasks.start(offered(), client())

    task = clienttasks.release(task, by=builders.owner(), why="the robot was switched off")

    assert (task.state, task.silences) == (TaskState.OFFERED, 1)
    assert ("release_task", "waybill:test") in verbs(task)
    with pytest.raises(Refused, match="No client has it"):
        clienttasks.release(task, by=builders.owner(), why="again")


def test_a_person_says_that_it_arrived():
    task = clienttasks.start(offered(), client())

    clienttasks.settle(task, by=builders.owner(), delivered=True, reference="ERP-4711", why="seen there")
    attempt = after(task)

    assert (attempt.state, attempt.reference) == (State.SUCCEEDED, "ERP-4711")
    with pytest.raises(Refused):
        clienttasks.complete(task, client())


def test_a_person_says_that_it_did_not():
    task = offered()

    clienttasks.settle(task, by=builders.owner(), delivered=False, why="the supplier is gone")
    attempt = after(task)

    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, "the supplier is gone")


@pytest.mark.parametrize("said", [{"why": " "}, {"why": "seen", "reference": ""}])
def test_a_person_has_to_say_why(said):
    task = offered()

    with pytest.raises(Refused):
        clienttasks.settle(task, by=builders.owner(), delivered=True, **said)

    assert ClientTask.objects.get(pk=task.pk).state == TaskState.OFFERED


def test_a_viewer_takes_nothing():
    task = offered()
    viewer = Client(Principal("key:eye", scope.current(), GRANTS["viewer"]))

    for act in (clienttasks.start, clienttasks.complete, clienttasks.fail, clienttasks.give_back):
        with pytest.raises(PermissionDenied):
            act(task, viewer)

    assert ClientTask.objects.get(pk=task.pk).starts == 0


def test_somebody_of_another_organization_takes_nothing():
    task = offered()

    with pytest.raises(PermissionDenied):
        clienttasks.start(task, Client(robot(organization_id=builders.organization().pk)))
