"""What no honest robot sends by Aluma's protocol, and what a hostile document would have it written as: nothing is an
error of ours, nothing of another organization is told, and no file leaves the client's folder."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import scope
from exports import attempts, clienttasks, contents, loop
from exports.models import Artifact, ClientFile, ClientTask, Document
from exports.wire import aluma, alumaclient
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.stages import client_action
from tests import builders
from tests.contracts.tools import ScriptedTools
from tests.exports.clients import client as taker
from tests.exports.protocols.aluma.conftest import BASE, act, at, exported, key_of, robot_of
from tests.pipelines.tools import inbox

pytestmark = pytest.mark.usefixtures("organization")

SOME = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
PATHS = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\temp\\x", "C:evil", "\\\\host\\share", "a/../../b",
    "..", ".", "...", "con", "NUL.txt", "com1", "x:stream", "a\x00b", "a\r\nSet-Cookie: x=1", "\u202egpj.exe", "a" * 5000,
    "~/x", "%2e%2e/x", "{document.id}", "💣", " lead", "trail. ", "-rf", "a\tb", "\ufeffx", "ＣＯＮ", "e\u0301",
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"message": 7}', b'{"message": {"a": 1}}', b"[" * 50_000,
    b'{"message": "\\ud800"}', b'{"message": "\\u0000"}', b'{"a":' * 2000, b'{"client_id": null}', b"\x00" * 100,
    b"client_id=%00&client_secret=%ff", b"&" * 1000, b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
)  # fmt: skip


@pytest.fixture
def robot(organization):
    return robot_of(key_of(organization))


def fine(reply):
    assert reply.status_code < 500, (reply.status_code, reply.content[:300])
    return reply


@pytest.mark.parametrize("evil", PATHS)
def test_what_a_document_says_never_leads_out_of_the_clients_folder(robot, evil):
    files = [
        {"type": "annotation_content", "format": "csv", "filename_template": "x{number}.csv",
         "path_to_directory": "in/{number}", "path_fields": ["number"]},
        {"type": "document", "filename_template": "y{number}"},
    ]  # fmt: skip
    draft = builders.pipeline({"name": "hand out", "kind": "client_action", "config": {"files": files}})
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    document = builders.document(builders.queue(pipeline=draft), {"number": evil.replace("\x00", "")})
    row = contents.keep(b"%PDF", document.organization_id)
    row.save(force_insert=True)
    Document.objects.filter(pk=document.pk).update(original=row, file_name="a.pdf")
    document.refresh_from_db()
    attempt = loop.run_now(attempts.start(document, by=builders.owner()).pk)

    task = ClientTask.objects.filter(attempt=attempt).first()

    if task is None:
        assert attempt.reason == "rejected", attempt.message
        return
    entries = alumaclient.specification(fine(act(robot, task, "start")).content, "https://waybill.example/aluma")
    assert [re.match(r"in/.+", entries[0].path) is not None, "/" in entries[1].path] == [True, False]
    for entry in entries:
        assert not re.search(r"(^|/)\.\.?(/|$)|^/|[\\:\x00-\x1f\u202e]", entry.path), entry.path


@pytest.mark.parametrize("evil", PATHS)
def test_an_artifact_with_a_hostile_name_is_offered_under_a_harmless_one(evil):
    box = inbox({"number": "1"})
    blob = Blob.of(b"x", name=evil, media_type="text/html\r\nX-Evil: 1")
    box = type(box)(box.stage, box.document, box.fields, {"k": blob}, original=None)
    try:
        parked = next(client_action.run(client_action.Config(), box, ScriptedTools()))
    except client_action.Rejected:
        return

    (file,) = parked.state["files"]
    assert not re.search(r"[\\/:\x00-\x1f\u202e]|^\.", file["filename"]), file
    assert len(file["filename"].encode()) <= 255


def test_a_file_brings_no_header_and_no_page_along(robot):
    task = exported()
    url = act(robot, task, "start").json()["documents"][0]["files"][1]["url"]
    ClientFile.objects.update(filename='a\r\nSet-Cookie: x=1".html', media_type="text/html\r\nX-Evil: 1")

    reply = fine(robot.get(f"{BASE}{url}"))

    assert reply["Content-Type"] == "application/octet-stream"
    assert reply["Content-Disposition"].startswith("attachment")
    assert "X-Evil" not in reply
    assert "Set-Cookie" not in reply
    assert not re.search(r"[\r\n]", reply["Content-Disposition"])


def test_a_robots_message_is_text_wherever_it_is_shown(robot, organization):
    task = exported()
    act(robot, task, "start")
    evil = "<script>alert(1)</script>\r\nX: 1\u202e=1+1"

    fine(act(robot, task, "fail", {"message": evil}))
    loop.run_now(task.attempt_id)

    person = Client()
    person.force_login(builders.user("anna", organization=organization))
    page = person.get(f"/admin/exports/attempt/{task.attempt_id}/change/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x", ""]
)
def test_no_body_is_an_error_of_ours(robot, kind):
    task = exported()
    for body in BODIES:
        fine(robot.post(f"{BASE}/oauth/token", body, content_type=kind))
        for name in ("start", "fail", "complete", "cancel"):
            fine(robot.put(at(task, name), body, content_type=kind))


def test_huge_bodies_are_not_read_to_their_end(robot):
    task = exported()
    huge = json.dumps({"message": "x" * 5_000_000}).encode()
    act(robot, task, "start")

    assert robot.put(at(task, "fail"), huge, content_type="application/json").status_code == 413
    assert robot.post(f"{BASE}/oauth/token", huge, content_type="application/json").status_code == 413
    assert robot.put(at(task, "complete"), huge, content_type="application/json").status_code == 202


def test_a_long_message_is_cut(robot):
    task = exported()
    act(robot, task, "start")

    assert act(robot, task, "fail", {"message": "x" * 60_000}).status_code == 202

    assert len(ClientTask.objects.get().message) == clienttasks.MESSAGE


@SOME
@given(id_=st.text(max_size=120), act_=st.text(max_size=30), query=st.text(max_size=60))
def test_no_address_is_an_error_of_ours(robot, id_, act_, query):
    for path in (f"tasks/{quote(id_, safe='')}", f"tasks/{quote(id_, safe='')}/{quote(act_, safe='')}_client_action",
                 f"file_collections/{quote(id_, safe='')}/files/{quote(id_, safe='')}"):  # fmt: skip
        fine(robot.get(f"{BASE}/{path}?{quote(query, safe='&=')}"))
        fine(robot.put(f"{BASE}/{path}?action={quote(query)}"))
    fine(robot.get(f"{BASE}/tasks?state={quote(query)}"))
    fine(robot.get(f"{BASE}/tasks?project_id={quote(query)}&client_action=export"))


@SOME
@given(authorization=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=120))
def test_no_credential_is_an_error_of_ours(authorization):
    anybody = Client(raise_request_exception=False)
    for value in (authorization, f"Bearer {authorization}", f"Basic {authorization}"):
        headers = {"authorization": value}
        assert fine(anybody.get(f"{BASE}/tasks", headers=headers)).status_code in {401, 429}
        assert fine(anybody.post(f"{BASE}/oauth/token", b"", "application/json", headers=headers)).status_code in {
            400, 401, 429,
        }  # fmt: skip


@pytest.mark.parametrize("key", ["x" * 10_000, "\x00", "é", "a b"])
def test_no_idempotency_key_is_an_error_of_ours(robot, key):
    task = exported()

    assert fine(act(robot, task, "start", **{"Idempotency-Key": key})).status_code == 202
    assert fine(act(robot, task, "start", **{"Idempotency-Key": key})).status_code in {202, 409}


def test_other_organizations_learn_nothing_from_any_answer(robot):
    with scope.to(builders.organization("Other").pk):
        task = exported()
        clienttasks.start(task, taker())
        file = ClientFile.objects.get(task=task, inline=False)
    unknown = aluma.short(Artifact().pk)
    there = at(task).rpartition("/")[2]

    for path, wire_id in (
        ("tasks/{}", there), ("tasks/{}/start_client_action?action=export", there),
        ("tasks/{}/complete_client_action?action=export", there), ("tasks/{}/fail_client_action?action=export", there),
        (f"file_collections/{aluma.short(task.collection)}/files/{{}}", aluma.short(file.pk)),
    ):  # fmt: skip
        ask = robot.put if "action" in path else robot.get
        found, not_there = ask(f"{BASE}/{path.format(wire_id)}"), ask(f"{BASE}/{path.format(unknown)}")
        assert (found.status_code, not_there.status_code) == (404, 404)
        assert found.json()["message"] == not_there.json()["message"]
    assert clienttasks.ClientTask.unscoped.get(pk=task.pk).state == "started"
