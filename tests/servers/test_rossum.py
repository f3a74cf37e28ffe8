"""The stand-in Rossum refuses what the real one refuses, and misbehaves as it is told."""

from __future__ import annotations

import pytest
import requests

from tests.servers import rossum


@pytest.fixture
def account():
    with rossum.running() as server:
        yield server


@pytest.fixture
def robot(account):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {account.token()}"
    yield session
    session.close()


def test_both_ways_to_log_in_give_a_key_and_a_wrong_password_none(account):
    name, password = rossum.LOGIN
    login = f"{account.url}/auth/login"

    answers = [
        requests.post(login, json={"username": name, "password": password}, timeout=5),
        requests.post(login, data={"username": name, "password": password}, timeout=5),
        requests.post(login, json={"username": name, "password": "wrong"}, timeout=5),
    ]

    assert [one.status_code for one in answers] == [200, 200, 401]
    assert answers[0].json()["key"] in account.tokens


def test_without_a_token_that_holds_nothing_is_shown(account, robot):
    made = account.add({"number": "1"})
    account.expire_tokens()

    assert robot.get(f"{account.url}/annotations/{made.id}", timeout=5).status_code == 401


def test_exporting_by_ids_moves_those_and_is_harmless_when_repeated(account, robot):
    first, second, other = (account.add({"number": str(number)}) for number in range(3))
    query = {"id": f"{first.id},{second.id}", "to_status": "exported", "format": "json", "page_size": 100}

    for _ in range(2):
        told = robot.post(f"{account.url}/queues/205/export", params=query, timeout=5).json()

    assert [one["status"] for one in told["results"]] == ["exported", "exported"]
    assert first.history == ["confirmed", "exported"]
    assert other.status == "confirmed"


def test_a_page_of_an_export_moves_only_its_own_rows(account, robot):
    for number in range(25):
        account.add({"number": str(number)})

    query = {"status": "confirmed", "to_status": "exported"}
    robot.post(f"{account.url}/queues/205/export", params=query, timeout=5)

    assert account.states() == {"exported": 20, "confirmed": 5}


@pytest.mark.parametrize(
    ("params", "status"),
    [({"to_status": "exported", "idd": "1"}, 400), ({"to_status": "sent"}, 400), ({}, 400)],
)
def test_a_wrong_export_is_refused_and_moves_nothing(account, robot, params, status):
    account.add({"number": "1"})

    assert robot.post(f"{account.url}/queues/205/export", params=params, timeout=5).status_code == status
    assert account.states() == {"confirmed": 1}


def test_only_allowed_transitions_are_patched(account, robot):
    made = account.add({"number": "1"})
    url = f"{account.url}/annotations/{made.id}"

    failed = robot.patch(
        url, json={"status": "failed_export", "messages": [{"type": "error", "content": "no"}]}, timeout=5
    )
    refused = robot.patch(url, json={"status": "importing"}, timeout=5)
    read_only = robot.patch(url, json={"exported_at": "2026-01-01"}, timeout=5)

    assert (failed.json()["status"], refused.status_code, read_only.status_code) == ("failed_export", 400, 400)
    assert refused.json() == {"status": ["Transition from failed_export to importing is not allowed."]}


def test_a_lost_answer_comes_after_the_deed_and_a_told_one_instead_of_it(account, robot):
    made = account.add({"number": "1"})
    url = f"{account.url}/annotations/{made.id}"
    account.answer("PATCH annotation", 500)
    assert robot.patch(url, json={"status": "failed_export"}, timeout=5).status_code == 500
    assert made.status == "confirmed"

    account.lose("PATCH annotation")
    with pytest.raises(requests.ConnectionError):
        robot.patch(url, json={"status": "failed_export"}, timeout=5)
    assert made.status == "failed_export"


def test_more_than_its_rate_is_turned_away(robot, account):
    account.rate = 10
    answers = [robot.get(f"{account.url}/queues/205", timeout=5) for _ in range(14)]

    assert [one.status_code for one in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"
    assert account.busiest_second() >= 10


def test_a_relation_holds_documents_and_goes_only_when_it_is_empty(account, robot):
    made = account.add({"number": "1"})
    stored = robot.post(
        f"{account.url}/documents", files={"content": ("payload.json", b"{}", "application/json")}, timeout=5
    ).json()
    relation = {"type": "export", "key": "payload", "annotation": f"{account.url}/annotations/{made.id}"}
    relation["documents"] = [stored["url"]]
    linked = robot.post(f"{account.url}/document_relations", json=relation, timeout=5)
    again = robot.post(f"{account.url}/document_relations", json=relation, timeout=5)
    found = robot.get(f"{account.url}/document_relations", params={"annotation": made.id, "key": "payload"}, timeout=5)

    assert (linked.status_code, again.status_code, found.json()["pagination"]["total"]) == (201, 400, 1)
    assert robot.get(stored["content"], timeout=5).content == b"{}"
    assert robot.delete(linked.json()["url"], timeout=5).status_code == 400
    assert robot.delete(stored["url"], timeout=5).status_code == 204
    assert robot.delete(linked.json()["url"], timeout=5).status_code == 204
