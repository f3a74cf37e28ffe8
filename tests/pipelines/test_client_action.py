"""The client action stage: which files it offers under which names, and what the client's word means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import GeneratorType

import pytest
from pydantic import ValidationError

from pipelines.blobs import Blob
from pipelines.contract import Checkpoint, Outcome, Parked, Received
from pipelines.errors import Misconfigured, Rejected, Unconfirmed
from pipelines.stages import client_action
from pipelines.stages.client_action import Config
from tests.contracts.tools import NOW, ScriptedTools
from tests.pipelines.tools import inbox

FIELDS = {"number": "INV/7", "supplier": "../../etc", "drive": "C:\\temp", "path": "2026/11", "empty": ""}


def offered(config, document=None):
    """The steps before the stage waits; the last one is the wait."""
    steps = client_action.run(Config.model_validate(config), document or inbox(FIELDS), ScriptedTools())
    assert isinstance(steps, GeneratorType)
    seen = []
    for step in steps:
        seen.append(step)
        if isinstance(step, Parked):
            steps.close()
    return seen


def paths(config, document=None):
    files = offered(config, document)[-1].state["files"]
    return [f"{one['folder']}/{one['filename']}".lstrip("/") for one in files]


def custom(template="a.txt", key="reply", **more):
    return {"type": "custom_format", "export_reference_key": key, "filename_template": template, **more}


def with_artifacts(**artifacts: Blob):
    return replace(inbox(FIELDS), artifacts=artifacts)


def text(content: bytes, name="reply.txt", media_type="text/plain"):
    return Blob.of(content, name=name, media_type=media_type)


def test_it_waits_for_a_client_until_it_gives_up():
    parked = offered({"give_up_after_hours": 2})[-1]

    assert (parked.on, parked.deadline) == ("client:export", NOW + timedelta(hours=2))
    assert (parked.state["action"], parked.state["timeout_minutes"], parked.state["again"]) == ("export", 30, True)


def test_named_files_are_offered_in_their_order():
    document = with_artifacts(reply=text(b"7"))
    files = [
        custom("{number}.txt", path_to_directory="out/{supplier}"),
        {"type": "document", "filename_template": "scan", "document": 2},
    ]

    told = offered({"files": files}, document)[-1].state["files"]

    assert [(one["key"], one["folder"], one["filename"], one["inline"], one["document"]) for one in told] == [
        ("reply", "out/_.._etc", "INV_7.txt", True, 1),
        ("", "", f"scan{told[1]['filename'].removeprefix('scan')}", False, 2),
    ]


def test_the_fields_are_kept_as_an_artifact_before_they_are_offered():
    config = {"files": [{"type": "annotation_content", "format": "json", "filename_template": "{number}.json"}]}

    kept, parked = offered(config)

    assert isinstance(kept, Checkpoint)
    assert set(kept.artifacts) == client_action.writes(Config.model_validate(config)) == {"annotation_content.json"}
    assert parked.state["files"][0]["sha256"] == kept.artifacts["annotation_content.json"].sha256


def test_without_options_everything_is_offered_and_a_taken_name_gets_its_key():
    document = with_artifacts(a=text(b"1", "reply.txt"), b=text(b"2", "Reply.TXT"))

    assert paths({}, document)[:2] == ["reply.txt", "b-Reply.TXT"]
    assert len(paths({}, document)) == (3 if document.original else 2)


def test_what_came_with_the_document_keeps_its_folder_and_its_part():
    one = Received("received.1.1", "a/b", text(b"1", "x.csv", "text/csv"), text=True)
    two = Received("received.2.1", "", text(b"%PDF", "x.pdf", "application/pdf"))
    document = replace(inbox(FIELDS), received=(one, two), artifacts={one.key: one.blob, two.key: two.blob})

    told = offered({"files": [{"type": "received_files"}]}, document)[-1].state["files"]

    assert [(f["folder"], f["filename"], f["inline"], f["document"]) for f in told] == [
        ("a/b", "x.csv", True, 1),
        ("", "x.pdf", False, 2),
    ]
    assert paths({}, document)[:2] == ["a/b/x.csv", "x.pdf"]


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (custom("{supplier}.txt"), "_.._etc.txt"),
        (custom("{drive}.txt"), "C__temp.txt"),
        (custom("a.txt", path_to_directory="{path}"), "2026_11/a.txt"),
        (custom("a.txt", path_to_directory="{path}", path_fields=["path"]), "2026/11/a.txt"),
        (custom("CON"), "_CON"),
    ],
)
def test_what_a_document_says_names_a_file_and_never_leaves_its_folder(one, path):
    assert paths({"files": [one]}, with_artifacts(reply=text(b"7"))) == [path]


@pytest.mark.parametrize("folder", ["/etc", "\\etc", "C:/x", "a/../b", "{no such}"])
def test_a_folder_that_is_not_the_clients_own_is_refused(folder):
    with pytest.raises(ValidationError):
        Config.model_validate({"files": [custom(path_to_directory=folder)]})


@pytest.mark.parametrize("name", ["a/b.txt", "a\\b.txt", "", "{"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValidationError):
        Config.model_validate({"files": [custom(name)]})


def test_two_files_with_one_path_are_refused_whatever_their_case():
    files = [custom("a.txt"), custom("A.TXT")]

    with pytest.raises(Misconfigured, match=r"same name, A\.TXT") as refused:
        offered({"files": files}, with_artifacts(reply=text(b"7")))

    assert refused.value.place == "config.files[1]"


@pytest.mark.parametrize(
    ("blob", "inline"),
    [
        (text(b"a\r\nb"), True),
        (text(b'{"a": 1}', media_type="application/json; charset=utf-8"), True),
        (text(b"\xff\xfe"), False),
        (text(b"a\x00b"), False),
        (text(b"x" * (client_action.INLINE + 1)), False),
        (text(b"%PDF-1.7 text", media_type="application/pdf"), False),
    ],
)
def test_a_short_text_stands_in_the_specification_and_all_else_is_fetched(blob, inline):
    assert offered({"files": [custom()]}, with_artifacts(reply=blob))[-1].state["files"][0]["inline"] is inline


def test_a_text_can_be_handed_out_as_bytes():
    state = offered({"files": [custom(send_as="url")]}, with_artifacts(reply=text(b"a")))[-1].state

    assert state["files"][0]["inline"] is False


def test_bytes_cannot_be_text():
    with pytest.raises(Rejected, match="no text"):
        offered({"files": [custom(send_as="content")]}, with_artifacts(reply=text(b"\xff")))


def test_a_key_that_nothing_wrote_is_named():
    with pytest.raises(Misconfigured, match='no artifact "reply"'):
        offered({"files": [custom()]})


def test_without_any_file_there_is_nothing_to_offer():
    with pytest.raises(Rejected, match="no file to offer"):
        offered({}, replace(inbox(FIELDS), artifacts={}, original=None))


def test_a_condition_that_does_not_hold_offers_nothing():
    outcome = client_action.run(Config(condition="@{empty}"), inbox(FIELDS), ScriptedTools())

    assert isinstance(outcome, Outcome)
    assert "empty" in outcome.skipped


def word(**answer):
    return client_action.run(Config(), replace(inbox(FIELDS), answer=answer), ScriptedTools())


def test_a_completed_task_lets_the_attempt_go_on():
    outcome = word(outcome="completed", client="key:robot")

    assert [message.content for message in outcome.messages] == ["key:robot reported that the export is done."]
    assert not outcome.skipped


@pytest.mark.parametrize(
    ("message", "told"),
    [("Supplier 77 unknown", "Supplier 77 unknown"), ("", "key:robot reported that the export failed")],
)
def test_a_failed_task_is_rejected_with_the_clients_words(message, told):
    with pytest.raises(Rejected, match=told):
        word(outcome="failed", message=message, client="key:robot")


def test_silence_that_is_not_to_be_repeated_is_an_unknown_outcome():
    with pytest.raises(Unconfirmed, match="never reported"):
        word(outcome="silent", client="key:robot")
