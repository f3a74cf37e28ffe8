"""Aluma's protocol as a server writes it: what goes out is what the published wire says, and what its clients read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.wire import aluma, alumaclient

ONE, TWO, THREE = (UUID(int=number << 64 | 0xFBFF) for number in (1, 2, 3))
NOON = datetime(2026, 3, 2, 13, 0, 5, 999, tzinfo=timezone(timedelta(hours=1)))


def row(**changes):
    values = {
        "id": ONE, "name": "delivery-0007.pdf", "collection": TWO, "project_id": aluma.project(7),
        "project_name": "Goods-in", "created_at": NOON, "documents_count": 2, "state": aluma.STARTABLE,
        "action": "export",
    }  # fmt: skip
    return aluma.Task(**{**values, **changes})


@given(st.uuids())
def test_an_id_has_22_characters_and_is_found_again(one):
    told = aluma.short(one)

    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", told)
    assert aluma.long(told) == one


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 21 + "B", "A" * 23, "A" * 21 + "=", "../../etc/passwd-------", "é" * 22]
)
def test_what_is_no_id_is_nobodys(text):
    assert aluma.long(text) is None


def test_a_task_has_the_nine_members():
    assert aluma.task(row()) == {
        "id": "AAAAAAAAAAEAAAAAAAD7_w",
        "name": "delivery-0007.pdf",
        "file_collection_id": "AAAAAAAAAAIAAAAAAAD7_w",
        "project_id": aluma.project(7),
        "project_name": "Goods-in",
        "created_at": "2026-03-02T12:00:05Z",
        "documents_count": 2,
        "state": "pending:start_client_action",
        "client_action": "export",
    }
    assert len(aluma.project(7)) == 22
    assert aluma.project(7) != aluma.project(8)


@pytest.mark.parametrize("state", [state for state in aluma.STATES if not state.startswith("pending:")])
def test_a_state_without_an_action_names_none(state):
    assert aluma.task(row(state=state))["client_action"] is None


def test_a_specification_groups_its_files_and_leaves_the_unused_member_null():
    files = [
        aluma.File(2, "scans/2026", "b.pdf", THREE),
        aluma.File(1, "", "a.csv", ONE, "PO,Qty\r\n4711,3"),
    ]

    told = aluma.specification(TWO, files)

    assert told == {
        "documents": [
            {"files": [{"folder": "", "filename": "a.csv", "source": "content", "content": "PO,Qty\n4711,3",
                        "url": None}]},
            {"files": [{"folder": "scans/2026", "filename": "b.pdf", "source": "url", "content": None,
                        "url": "/file_collections/AAAAAAAAAAIAAAAAAAD7_w/files/AAAAAAAAAAMAAAAAAAD7_w"}]},
        ]
    }  # fmt: skip


def test_a_client_reads_what_is_written():
    listed = json.dumps({"tasks": [aluma.task(row())]}).encode()
    told = json.dumps(
        aluma.specification(TWO, [aluma.File(1, "x", "a", ONE, ""), aluma.File(1, "", "b", TWO)])
    ).encode()

    (task,) = alumaclient.tasks(listed)
    text, fetched = alumaclient.specification(told, "https://waybill.example/aluma")

    assert (task.id, task.state, alumaclient.created(task)) == (
        "AAAAAAAAAAEAAAAAAAD7_w", aluma.STARTABLE, NOON.astimezone(UTC).replace(microsecond=0),
    )  # fmt: skip
    assert (text.path, text.content, text.url) == ("x/a", "", "")
    assert fetched.content is None
    assert fetched.url == f"https://waybill.example/aluma{aluma.address(TWO, TWO)}"


@pytest.mark.parametrize(("text", "told"), [("\ufeffa\r\nb\rc\n", "a\nb\nc\n"), ("", ""), ("a\ufeffb", "a\ufeffb")])
def test_lines_end_with_a_line_feed_and_nothing_marks_the_bytes(text, told):
    assert aluma.newlines(text) == told


def test_an_error_is_read_by_every_kind_of_client():
    body = aluma.problem(
        409, type_="urn:x", title="Not possible now", detail="Its state is completed.", instance="/aluma/tasks/x",
        errors={"state": ["It is completed."]},
    )  # fmt: skip

    assert (body["title"], body["status"], body["detail"]) == ("Not possible now", 409, "Its state is completed.")
    assert body["message"] == "Its state is completed."
    assert body["requestErrors"] == body["errors"] == {"state": ["It is completed."]}
    assert "Its state is completed." in alumaclient.message(json.dumps(body).encode())


def test_an_error_always_has_a_message():
    assert aluma.problem(500, type_="urn:x", title="Internal error", detail="")["message"] == "Internal error"
