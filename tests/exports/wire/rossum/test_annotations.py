"""The annotation of the wire: every key that the official client's dataclass needs, messages in one form, trees with URLs."""

from __future__ import annotations

from datetime import UTC, datetime

import dacite
import pytest
from rossum_api.models.annotation import Annotation as Theirs

from exports.wire.rossum import annotations as wire
from exports.wire.rossum import trees
from exports.wire.rossum.annotations import Annotation, Deed
from exports.wire.rossum.urls import Addresses
from pipelines import shapes

AT = Addresses("https://acme.example/rossum/api/v1")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def bare(**more):
    return Annotation(7, status="confirmed", queue=3, schema=4, organization=1, created_at=NOW, **more)


def test_the_least_annotation_is_one_to_the_official_client():
    theirs = dacite.from_dict(Theirs, wire.annotation(bare(), AT))

    assert (theirs.id, theirs.url, theirs.content) == (7, AT.annotation(7), AT.annotation(7) + "/content")
    assert (theirs.document, theirs.queue, theirs.schema) == (AT.document(7), AT.queue(3), AT.schema(4))
    assert (theirs.modifier, theirs.messages, theirs.exported_at) == (None, [], None)


def test_a_full_annotation_is_one_too():
    deeds = {"confirmed": Deed(9, NOW), "rejected": Deed(None, NOW)}
    full = bare(modifier=9, assignees=[9], messages=[{"type": "error", "content": "No"}], deeds=deeds, exported_at=NOW)

    theirs = dacite.from_dict(Theirs, wire.annotation(full, AT))

    assert (theirs.confirmed_by, theirs.rejected_by, theirs.exported_by) == (AT.user(9), None, None)
    assert (theirs.rejected_at, theirs.exported_at) == ("2026-03-02T08:00:00.000000Z",) * 2
    assert theirs.assignees == [AT.user(9)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([{"type": "error", "content": "No", "id": 12}], [{"type": "error", "content": "No", "id": 12}]),
        ([{"type": "warning", "content": "Hm", "id": "12"}], [{"type": "warning", "content": "Hm", "id": 12}]),
        ([{"type": "info", "content": "So"}], [{"type": "info", "content": "So", "id": "all"}]),
        ([{"content": "So", "id": None, "detail": {}}], [{"type": "info", "content": "So", "id": "all"}]),
        ([{"error": "Old form"}], [{"type": "error", "content": "Old form", "id": "all"}]),
        ([{"type": "error", "content": "x" * 5000}], [{"type": "error", "content": "x" * 4096, "id": "all"}]),
        (None, []), ([], []),
        ("No", None), ([1], None), ([{"type": "fatal", "content": "No"}], None), ([{"type": "error"}], None),
        ([{"type": "error", "content": ["No"]}], None), ([{}] * 1001, None),
    ],
)  # fmt: skip
def test_messages_are_read_in_every_form(given, read):
    assert wire.messages(given) == read


def test_the_reason_is_what_the_errors_say_and_else_what_was_said():
    error, info = {"type": "error", "content": " No ", "id": "all"}, {"type": "info", "content": "By the way", "id": 3}

    assert wire.told([info, error, error]) == "No\nNo"
    assert wire.told([info]) == "By the way"
    assert wire.told([]) == ""


def test_fields_choose_and_leave_out():
    shown = {"id": 1, "status": "x", "messages": []}

    assert wire.chosen(shown, ["id", "other"], []) == {"id": 1}
    assert wire.chosen(shown, [], ["messages"]) == {"id": 1, "status": "x"}
    assert wire.chosen(shown, [], []) == shown


CONTENT = shapes.from_flat({"number": "12", "lines": [{"qty": "2"}, {"qty": "3"}]}).sections


def test_every_node_has_a_url_and_every_datapoint_what_scripts_read():
    (header, tables) = trees.sections(CONTENT, 7, AT)

    (number,) = header["children"]
    rows = tables["children"][0]["children"]
    assert number["url"] == f"{AT.annotation(7)}/content/{number['id']}"
    assert number["content"] == {"value": "12", "normalized_value": "12", "page": None, "position": None}
    assert (number["hidden"], number["validation_sources"], number["time_spent"]) == (False, [], 0)
    assert [row["children"][0]["content"]["value"] for row in rows] == ["2", "3"]
    assert all("url" in node for node in (header, tables, tables["children"][0], *rows))


def test_a_button_has_no_content_and_a_bare_value_gets_its_keys():
    tree = [{"id": 1, "category": "section", "schema_id": "s", "children": [
        {"id": 2, "category": "datapoint", "schema_id": "go", "content": None},
        {"id": 3, "category": "datapoint", "schema_id": "a", "content": {"value": "1"}},
    ]}]  # fmt: skip

    button, value = trees.sections(tree, 7, AT)[0]["children"]

    assert button["content"] is None
    assert value["content"]["normalized_value"] is None


def test_datapoints_stand_side_by_side_in_the_trees_order():
    every = [node["schema_id"] for node in trees.datapoints(CONTENT, 7, AT)]
    some = list(trees.datapoints(CONTENT, 7, AT, ["qty"]))

    assert every == ["number", "qty", "qty"]
    assert [node["content"]["value"] for node in some] == ["2", "3"]
    assert all(node["url"].startswith(f"{AT.annotation(7)}/content/") for node in some)


def test_a_node_is_found_wherever_it_stands():
    deepest = list(trees.datapoints(CONTENT, 7, AT))[-1]["id"]

    assert trees.found(CONTENT, deepest)["content"]["value"] == "3"
    assert trees.found(CONTENT, 99) is None
