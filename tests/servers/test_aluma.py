"""The stand-in Aluma refuses what the real one refuses: else what passes against it would prove little."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

import pytest

from tests.servers import aluma as servers
from tests.servers.aluma import CLIENT, File


@pytest.fixture
def aluma():
    with servers.running() as server:
        yield server


def call(aluma, method, path, body=None, **headers):
    """(status, the JSON that came)."""
    if "Authorization" not in headers and path != "/oauth/token":
        headers["Authorization"] = f"Bearer {token(aluma)}"
    request = urllib.request.Request(f"{aluma.url}{path}", method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content.startswith(b"{") else content
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def token(aluma):
    asked = json.dumps({"client_id": CLIENT[0], "client_secret": CLIENT[1]}).encode()
    return call(aluma, "POST", "/oauth/token", asked, **{"Content-Type": "application/json"})[1]["access_token"]


def act(aluma, task, act, query="?action=export", body=None):
    return call(aluma, "PUT", f"/tasks/{task.id}/{act}_client_action{query}", body)[0]


def test_a_token_is_given_to_its_client_only(aluma):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    good = f"client_id={CLIENT[0]}&client_secret={CLIENT[1]}".encode()

    assert call(aluma, "POST", "/oauth/token", good, **form)[1]["token_type"] == "Bearer"
    assert call(aluma, "POST", "/oauth/token", good + b"&grant_type=password", **form)[0] == 400
    assert call(aluma, "POST", "/oauth/token", b"client_id=x", **form)[1]["requestErrors"] != {}
    assert call(aluma, "GET", "/tasks", Authorization="Bearer made-up")[0] == 401
    aluma.token_life = -1
    assert call(aluma, "GET", "/tasks")[0] == 401


def test_only_what_waits_is_started_and_only_what_is_started_is_finished(aluma):
    task = aluma.add()

    assert [act(aluma, task, "complete"), act(aluma, task, "cancel"), act(aluma, task, "fail")] == [409, 409, 409]
    assert [act(aluma, task, "start", ""), act(aluma, task, "start", "?action=validation")] == [400, 422]
    assert [act(aluma, task, "start"), act(aluma, task, "start")] == [202, 409]
    assert [act(aluma, task, "cancel"), act(aluma, task, "start"), act(aluma, task, "complete")] == [202, 202, 202]
    assert [act(aluma, task, "complete"), act(aluma, task, "fail")] == [202, 409]
    assert (task.acts, task.state) == (["start", "cancel", "start", "complete"], "completed")


def test_half_an_hour_of_silence_gives_the_task_back(aluma):
    task = aluma.add()
    act(aluma, task, "start")

    aluma.pass_time(30 * 60 + 1)

    assert act(aluma, task, "complete") == 409
    assert task.acts == ["start", "requeue"]


def test_files_are_there_only_while_the_task_is_started(aluma):
    task = aluma.add([File("scans", "a.pdf", data=b"%PDF")])
    path = f"/file_collections/{task.collection}/files/{task.documents[0][0].id}"

    before = call(aluma, "GET", path)[0]
    act(aluma, task, "start")
    during = call(aluma, "GET", path)
    act(aluma, task, "complete")

    assert (before, during, call(aluma, "GET", path)[0]) == (404, (200, b"%PDF"), 404)


def test_what_no_documentation_has_is_refused(aluma):
    task = aluma.add()

    assert call(aluma, "GET", "/tasks/")[0] == 404
    assert call(aluma, "POST", f"/tasks/{task.id}/start_client_action?action=export")[0] == 405
    assert call(aluma, "GET", "/tasks?state=sleeping")[0] == 422
    assert act(aluma, task, "start", body=b"{}") == 400


def test_an_answer_is_lost_after_the_deed(aluma):
    task = aluma.add()
    aluma.lose("start")
    known = token(aluma)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        call(aluma, "PUT", f"/tasks/{task.id}/start_client_action?action=export", Authorization=f"Bearer {known}")

    assert (task.state, aluma.hanging()) == ("pending:complete_client_action", [task.id])


def test_the_seeds_defects_are_in_the_list():
    with servers.running(defects=True) as aluma:
        listed = call(aluma, "GET", "/tasks?state=pending%3Astart_client_action&client_action=export")[1]["tasks"]

    assert listed[0]["id"] == listed[1]["id"]
    assert [row["created_at"] for row in listed] == ["2026-03-02T08:00:00Z", "2026-03-02T08:01:66Z"]
