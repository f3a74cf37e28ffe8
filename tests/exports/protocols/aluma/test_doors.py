"""Who may do what by Aluma's protocol, how fast, and what stays known of it."""

from __future__ import annotations

import json

from accounts import scope
from exports.models import Exchange
from exports.wire import aluma, alumaclient
from tests import builders
from tests.exports.protocols.aluma.conftest import BASE, WAITING, act, at, exported, ids, key_of, robot_of


def test_other_organizations_have_nothing_to_do_with_it(robot, task):
    other = builders.organization("Other")
    stranger = robot_of(key_of(other))
    url = act(robot, task, "start").json()["documents"][0]["files"][1]["url"]

    assert stranger.get(f"{BASE}/tasks").json() == {"tasks": []}
    assert stranger.get(at(task)).status_code == 404
    assert [act(stranger, task, name).status_code for name in ("start", "complete", "cancel", "fail")] == [404] * 4
    assert stranger.get(f"{BASE}{url}").status_code == 404


def test_a_viewer_sees_and_takes_nothing(task, organization):
    viewer = robot_of(key_of(organization, "viewer"))

    assert len(ids(viewer.get(WAITING))) == 1
    assert act(viewer, task, "start").status_code == 403


def test_a_narrowed_key_has_the_tasks_of_its_queues_only(task, organization):
    from accounts.models import ApiKey

    narrowed = key_of(organization, name="narrowed")
    ApiKey.objects.filter(name="narrowed").update(queues=[task.queue_id + 1])
    assert ids(robot_of(narrowed).get(WAITING)) == []
    ApiKey.objects.filter(name="narrowed").update(queues=[task.queue_id])

    assert ids(robot_of(narrowed).get(WAITING)) == [aluma.short(task.pk)]
    assert act(robot_of(narrowed), task, "start").status_code == 202


def test_what_was_asked_and_answered_stays_with_the_attempt(robot, task, key):
    act(robot, task, "start", **{"User-Agent": "robot/1"})
    act(robot, task, "fail", {"message": "no"})

    start, fail = Exchange.objects.filter(attempt_id=task.attempt_id).select_related("request_content")
    assert (start.purpose, start.method, start.status) == ("robot", "PUT", 202)
    assert ["User-Agent", "robot/1"] in start.request_headers
    assert key not in json.dumps(start.request_headers)
    assert fail.request_content.inline == b'{"message": "no"}'


def test_nothing_redirects(robot, task):
    for path in (f"{BASE}/tasks/", f"{at(task)}/", f"{BASE}/nowhere", f"{BASE}/tasks/x/y", "/aluma/"):
        assert robot.get(path).status_code in {200, 404}
    assert robot.post(at(task)).status_code == 405
    assert robot.get(f"{BASE}/nowhere").json()["message"] == "There is nothing at this address."


def test_without_a_token_nobody_is_served(task, client):
    replies = [client.get(WAITING), client.get(at(task)), client.put(at(task, "start"))]

    assert [reply.status_code for reply in replies] == [401, 401, 401]
    assert all(alumaclient.message(reply.content) for reply in replies)


def test_who_asks_too_fast_is_told_when_to_go_on(organization, settings):
    settings.API_REQUESTS = 2
    hasty = robot_of(key_of(organization, name="hasty"))  # its own: this process still holds portions of others'

    replies = [hasty.get(WAITING) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert 1 <= int(replies[-1]["Retry-After"]) <= 60
    assert replies[-1].json()["message"].startswith("2 requests a minute are allowed.")


def test_the_list_costs_the_same_whatever_its_length(robot, organization, django_assert_max_num_queries):
    exported()
    robot.get(WAITING)
    with django_assert_max_num_queries(6):
        robot.get(WAITING)
    for _ in range(3):
        exported()

    with django_assert_max_num_queries(6):
        assert len(ids(robot.get(WAITING))) == 4


def test_scope_is_left_as_it_was(robot, task, organization):
    robot.get(WAITING)

    assert scope.current() == organization.pk
