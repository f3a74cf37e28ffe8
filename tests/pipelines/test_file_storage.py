"""The file storage stage: the right files under the right names, or none at all."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pydantic import ValidationError

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected
from pipelines.stages import file_storage
from pipelines.stages.file_storage import Config
from pipelines.transports import sessions
from tests.pipelines.tools import LocalTools, inbox
from tests.servers import s3, sftp

FIELDS = {
    "document_id": "INV/7", "export_order_name": "../../etc/passwd", "sftp_folder": "2026", "empty": "",
    "line_items": [{"qty": "1"}, {"qty": "2"}],
}  # fmt: skip
SEED_RULE = {
    "path_to_directory": "/in/{sftp_folder}",
    "filename_collision": {"replace": True},
    "export_object_configurations": [
        {"type": "annotation_content", "format": "csv", "filename_template": "data-{annotation.id}.csv"},
        {"type": "document", "filename_template": "scan-{annotation.id}"},
        {"type": "custom_format", "export_reference_key": "erp_payload", "filename_template": "{document_id}.json"},
    ],
}


@pytest.fixture
def tools(tmp_path):
    (tmp_path / "allowed").mkdir()
    made = LocalTools(roots=(tmp_path / "allowed",))
    made.destination = {"type": "folder", "path": str(tmp_path / "allowed" / "out")}
    yield made
    made.http.close()


def held(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def run(tools, config, document=None):
    document = document or inbox(FIELDS, artifacts={"erp_payload": '{"no": 7}'})
    return file_storage.run(Config.model_validate(config), document, tools)


def one(template, **rule):
    custom = {"type": "custom_format", "export_reference_key": "erp_payload", "filename_template": template}
    return {"export_rules": [{"export_object_configurations": [custom], **rule}]}


def names(tools, tmp_path, config, document=None):
    run(tools, config, document)
    return sorted(held(tmp_path / "allowed" / "out"))


@pytest.mark.parametrize("wrapped", [True, False], ids=["export_rules", "bare rule"])
def test_the_three_kinds_of_object_arrive_at_a_real_sftp_server(tmp_path, wrapped):
    with sftp.in_process(tmp_path) as server:
        tools = LocalTools(secrets={"password": server.password})
        rules = {"export_rules": [SEED_RULE]} if wrapped else SEED_RULE

        outcome = run(tools, {"credentials": server.credentials, **rules})

        sessions.close_idle()
    files = held(server.root)
    assert outcome.messages == ()
    assert sorted(files) == ["in/2026/INV_7.json", "in/2026/data-70110.csv", "in/2026/scan-70110.pdf"]
    assert files["in/2026/INV_7.json"] == b'{"no": 7}'
    assert files["in/2026/scan-70110.pdf"] == b"%PDF-1.7 original"
    rows = list(csv.reader(io.StringIO(files["in/2026/data-70110.csv"].decode(), newline="")))
    assert rows[0] == ["document_id", "export_order_name", "sftp_folder", "empty", "qty"]
    assert rows[1:] == [["INV/7", "../../etc/passwd", "2026", "", "1"], ["INV/7", "../../etc/passwd", "2026", "", "2"]]
    assert {key: proof.place for (key, _), proof in tools.deliveries.items()} == {
        "annotation_content.csv": f"sftp://127.0.0.1:{server.port}/in/2026/data-70110.csv",
        "document": f"sftp://127.0.0.1:{server.port}/in/2026/scan-70110.pdf",
        "erp_payload": f"sftp://127.0.0.1:{server.port}/in/2026/INV_7.json",
    }


def test_s3_keys_have_no_leading_slash():
    with s3.moto() as server:
        tools = LocalTools(secrets=s3.KEYS)

        run(tools, {"credentials": server.credentials, **one("x.json", path_to_directory="/in/{queue.id}")})

    [(_, place)] = tools.deliveries
    assert place == f"{server.url}/exports/in/205/x.json"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{document_id}.json", "INV_7.json"),
        ("{export_order_name}.json", "_.._etc_passwd.json"),
        ("{annotation.id}-{document.id}-{queue.id}.x", "70110-70110-205.x"),
        ("{document.original_file_name}", "scan ü.pdf"),
        ("{ document.external_id }", "ext-1"),
        ("x{empty}.json", None),
        (".hidden-{document.id}", ".hidden-70110"),
        ("plain.txt", "plain.txt"),
    ],
)
def test_names_are_made_from_the_document_and_cleaned(tools, tmp_path, template, name):
    if name is None:
        with pytest.raises(Rejected, match="empty is empty in this document"):
            run(tools, one(template))
        return

    assert names(tools, tmp_path, one(template)) == [name]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("CON", "_CON.txt"),
        ("a\\b", "a_b.txt"),
        ("...x", "x.txt"),
        ("a\u202etxt.exe", "atxt.exe.txt"),
        ("a\x00\x1bb", "ab.txt"),
        ("a\r\nb", "a b.txt"),
        ("ü" * 200, None),
    ],
)
def test_values_cannot_make_a_strange_name(tools, tmp_path, value, name):
    [made] = names(tools, tmp_path, one("{v}.txt"), inbox({"v": value}, artifacts={"erp_payload": "x"}))

    if name is None:
        assert (len(made.encode()) <= 255, made.endswith(".txt"), "~" in made) == (True, True, True)
    else:
        assert made == name


def test_long_names_that_differ_stay_different(tools, tmp_path):
    for end in "ab":
        run(tools, one("{v}.txt"), inbox({"v": "x" * 300 + end}, artifacts={"erp_payload": end}))

    assert len(held(tmp_path / "allowed" / "out")) == 2


@pytest.mark.parametrize(
    ("rule", "fields", "folder"),
    [
        ({"path_to_directory": "a/{f}"}, {"f": "x/y"}, "a/x_y"),
        ({"path_to_directory": "a/{f}", "path_fields": ["f"]}, {"f": "x/../y//z"}, "a/x/y/z"),
        ({"path_to_directory": "a/{f}", "path_fields": ["f"]}, {"f": "/etc"}, "a/etc"),
        ({"path_to_directory": "a/b/"}, {}, "a/b"),
        ({"path_to_directory": ""}, {}, ""),
    ],
)
def test_folders_hold_only_what_is_declared_as_a_path(tools, tmp_path, rule, fields, folder):
    document = inbox(fields, artifacts={"erp_payload": "x"})

    [made] = names(tools, tmp_path, one("n.txt", **rule), document)

    assert made == (f"{folder}/n.txt" if folder else "n.txt")


def test_a_folder_whose_field_is_empty_is_the_documents_fault(tools):
    with pytest.raises(Rejected, match="empty is empty"):
        run(tools, one("n.txt", path_to_directory="in/{empty}"))


@pytest.mark.parametrize(
    ("name", "made"), [("scan.TIFF", "x.TIFF"), ("scan", "x.pdf"), ("", "x.pdf"), ("a.pdf", "x.pdf")]
)
def test_the_originals_extension_is_added(tools, tmp_path, name, made):
    rule = {"export_rules": [{"export_object_configurations": [{"type": "document", "filename_template": "x"}]}]}
    original = Blob.of(b"x", name=name, media_type="application/pdf")

    assert names(tools, tmp_path, rule, inbox(original=original, file_name=name)) == [made]


@pytest.mark.parametrize(
    ("config", "document", "error", "said"),
    [
        (one("{nope}.txt"), None, Misconfigured, r"\{nope\} is no field of this document"),
        (one("{qty}.txt"), None, Misconfigured, "stands in a table"),
        (one("x.txt"), inbox(FIELDS), Misconfigured, 'no artifact "erp_payload"'),
        (
            {"export_rules": [{"export_object_configurations": [{"type": "document", "filename_template": "x"}]}]},
            inbox(original=None),
            Rejected,
            "has no original file",
        ),
        (
            {"export_rules": [{"export_object_configurations": [
                {"type": "custom_format", "export_reference_key": "erp_payload", "filename_template": "ok.txt"},
                {"type": "annotation_content", "format": "csv", "filename_template": "ok.txt"},
            ]}]},
            None,
            Misconfigured,
            "Two files would have the same name, ok.txt",
        ),
    ],
)  # fmt: skip
def test_nothing_is_put_anywhere_when_one_file_cannot_be_made(tools, tmp_path, config, document, error, said):
    with pytest.raises(error, match=said) as told:
        run(tools, config, document)

    assert told.value.place.startswith("config.export_rules[0]")
    assert held(tmp_path) == {}


def test_what_the_store_says_of_a_folder_names_the_rule(tools, tmp_path):
    out = tmp_path / "allowed" / "out"
    out.mkdir()
    (out / "in").symlink_to(tmp_path)
    rules = [*one("ok.txt")["export_rules"], *one("x.txt", path_to_directory="in")["export_rules"]]

    with pytest.raises(Misconfigured, match="symbolic link") as told:
        run(tools, {"export_rules": rules})

    assert told.value.place == "config.export_rules[1].path_to_directory"
    assert not (tmp_path / "x.txt").exists()


def test_a_collision_fails_unless_it_may_replace(tools, tmp_path):
    run(tools, one("x.txt"))
    changed = inbox(FIELDS, artifacts={"erp_payload": "other"})
    tools.deliveries.clear()

    with pytest.raises(Rejected, match="exists already with other content"):
        run(tools, one("x.txt"), changed)
    run(tools, one("x.txt", filename_collision={"replace": True}), changed)

    assert held(tmp_path / "allowed" / "out") == {"x.txt": b"other"}


def test_a_condition_that_does_not_hold_puts_nothing(tools, tmp_path):
    outcome = run(tools, {**one("x.txt"), "condition": "@{empty}"})

    assert outcome.skipped == "condition @{empty} is empty"
    assert held(tmp_path) == {}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "export_rules"),
        ({"export_rules": []}, "at least 1"),
        (one("{annotation.nope}.txt"), "is unknown"),
        (one("a/b.txt"), "path_to_directory"),
        (one("{x"), "stands alone"),
        (one("x", path_to_directory="../up"), "upwards"),
        (one("x", path_to_directory="{a}/../up"), "upwards"),
        (
            {"export_rules": [{"export_object_configurations": [{"type": "pdf", "filename_template": "x"}]}]},
            "custom_format",
        ),
        (
            {**one("x"), "credentials": {"type": "sftp", "host": "h", "username": "u", "password": "p"}},
            "This is a secret",
        ),
    ],
)
def test_a_config_that_cannot_work_is_refused(config, said):
    with pytest.raises(ValidationError, match=said):
        Config.model_validate(config)


def test_reads_are_the_artifacts():
    config = Config.model_validate({"export_rules": [SEED_RULE]})

    assert (file_storage.reads(config), file_storage.writes(config)) == ({"erp_payload"}, frozenset())


def test_the_config_survives_a_round_trip():
    config = Config.model_validate({"export_rules": [SEED_RULE]})

    assert Config.model_validate(json.loads(config.model_dump_json())) == config
