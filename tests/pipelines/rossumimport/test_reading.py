"""Hooks, queues and schemas are found in whatever files they came in; what is none of them is passed over."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from pipelines.rossumhooks import of_address
from pipelines.rossumimport import reading, translating, uploads
from pipelines.rossumimport.outcome import Outcome
from tests.pipelines.rossumimport import organization as acme


def ids(found):
    return sorted(found.hooks), sorted(found.queues), sorted(found.schemas)


EVERYTHING = ([*range(610, 623), 630], [205, 206], [301])


def test_the_deployment_managers_folder_with_code_and_formulas_beside(tmp_path):
    found = reading.read(acme.write(tmp_path))

    assert ids(found) == EVERYTHING
    assert found.hooks[622]["config"]["code"] == acme.EVALUATOR
    gate = next(node for node in found.schemas[301]["content"][0]["children"] if node["id"] == "api2_gate")
    assert gate["formula"].startswith("'yes' if")
    assert found.unread == []


@pytest.mark.parametrize("shape", ["lists", "pages", "named"])
def test_other_shapes_of_the_same(tmp_path, shape):
    parts = {"hooks": acme.hooks(), "queues": acme.queues(), "schemas": [acme.schema()]}
    if shape == "named":
        (tmp_path / "all.json").write_text(json.dumps(parts))
    for name, rows in parts.items() if shape != "named" else ():
        (tmp_path / f"{name}.json").write_text(json.dumps(acme.listed(rows) if shape == "pages" else rows))

    assert ids(reading.read(tmp_path)) == EVERYTHING


def test_one_file_is_enough(tmp_path):
    path = tmp_path / "hook.json"
    path.write_text(json.dumps(acme.hooks()[0]))

    assert ids(reading.read(path)) == ([610], [], [])


def archive(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files.items():
            written.writestr(name, content)
    packed.seek(0)
    return packed


def test_uploaded_files_are_read_likewise():
    files = [("hooks.json", io.BytesIO(json.dumps(acme.hooks()).encode())), ("x.json", io.BytesIO(b"{"))]

    found = uploads.read(files)

    assert sorted(found.hooks) == EVERYTHING[0]
    assert found.unread == [("1/x.json", "It is no JSON.")]


def test_an_archive_of_the_deployment_managers_folder_is_unpacked(tmp_path):
    folder = acme.write(tmp_path)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    found = uploads.read([("acme.zip", archive(**files))])

    assert ids(found) == EVERYTHING
    assert found.hooks[622]["config"]["code"] == acme.EVALUATOR


def test_an_archive_writes_nowhere_else_and_has_its_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_UNPACKED", 50_000)
    one = json.dumps(acme.hooks()[0])
    names = {"../../out.json": one, "/etc/out.json": one, "a\\..\\..\\out.json": one, "note.txt": "x"}

    found = uploads.read([("evil.zip", archive(**names)), ("bomb.zip", archive(**{"big.json": " " * 10_000_000}))])
    broken = uploads.read([("broken.zip", io.BytesIO(b"PK\x03\x04broken"))])

    assert sorted(found.hooks) == [610]
    assert not list(tmp_path.parent.glob("out.json"))
    assert found.unread == [("bomb.zip", "It unpacks to more than 50,000 bytes; the rest was left out.")]
    assert broken.unread == [("broken.zip", "It is no archive that can be read.")]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"id": 1, "events": 5}', b"null", b'"x"', b'[[[{"id": {}}]]]'],
)
def test_what_is_no_such_file_harms_nothing(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)

    assert ids(reading.read(tmp_path)) == ([], [], [])


def test_links_out_of_the_folder_and_hidden_folders_are_not_read(tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(acme.hooks()[0]))
    inside = tmp_path / "inside"
    (inside / ".git").mkdir(parents=True)
    (inside / "link.json").symlink_to(outside)
    (inside / ".git" / "x.json").write_text(outside.read_text())

    assert ids(reading.read(inside)) == ([], [], [])


@pytest.mark.parametrize(
    ("address", "extension"),
    [
        ("https://elis.rest-api-export.rossum-ext.app/", "rest-api-export"),
        ("https://shared-eu2.custom-format-templating.rossum-ext.app", "custom-format-templating"),
        ("https://us.custom-format-templating-purge.rossum-ext.app/", "custom-format-templating-purge"),
        ("https://elis.rossum.ai/svc/file-storage-export/api/v1/export", "file-storage-export"),
        ("https://waybill.example/extensions/data-value-extractor/", "data-value-extractor"),
        ("https://erp.example/rest-api-export", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_a_hooks_address_tells_its_extension(address, extension):
    assert of_address(address) == extension


def found_with(*hooks):
    return reading.Found(hooks={hook["id"]: hook for hook in hooks}, queues={205: acme.queue(205, "Invoices")})


def test_hooks_that_only_a_person_can_translate_are_told_with_their_names():
    outcome = Outcome()
    own = acme.hook(1, "Tell the ERP", {}, queues=(205,), config={"url": "https://hooks.acme.example/x?token=hush"})
    engine = acme.hook(2, "Engine", {"stages": [{}, {}]}, queues=(205,), type="function", config={"code": "x"})
    other = acme.hook(3, "Script", {}, queues=(205,), type="function", config={"code": "import os\nos.remove('/')"})

    plans = translating.plan(found_with(own, engine, other), outcome)

    assert plans == []
    assert [note.where for note in outcome.people] == ['Hook 1 "Tell the ERP"', 'Hook 2 "Engine"', 'Hook 3 "Script"']
    assert "hooks.acme.example" in outcome.people[0].what
    assert "hush" not in outcome.people[0].what
    assert "Request Processor, with 2 stages" in outcome.people[1].what
    assert "read and not run" in outcome.people[2].what


def test_a_stage_waits_through_hooks_that_were_not_translated():
    first = acme.hook(1, "Render", acme.template(), extension="custom-format-templating", queues=(205,))
    lost = acme.hook(2, "Script", {}, queues=(205,), after=(1,), type="function", config={"code": "x"})
    last = acme.hook(3, "Send", acme.call("a"), extension="rest-api-export", queues=(205,), after=(2, 99))

    (plan,) = translating.plan(found_with(first, lost, last), Outcome())

    assert {one.draft.name: one.draft.run_after for one in plan.stages} == {"Render": (), "Send": ("Render",)}


def test_chains_that_share_nothing_become_pipelines_of_their_own_and_namesakes_keep_apart():
    hooks = [
        acme.hook(1, "Send", acme.template("a"), extension="custom-format-templating", queues=(205,)),
        acme.hook(2, "Send", acme.template("b"), extension="custom-format-templating", queues=(206,)),
        acme.hook(3, "Nowhere", acme.template("c"), extension="custom-format-templating", queues=(), after=(2,)),
    ]
    found = reading.Found(hooks={one["id"]: one for one in hooks}, queues={q["id"]: q for q in acme.queues()})
    outcome = Outcome()

    plans = translating.plan(found, outcome)

    assert [(one.name, [stage.draft.name for stage in one.stages]) for one in plans] == [
        ("Rossum: Invoices DE", ["Send [1]"]),
        ("Rossum: Invoices FR", ["Send [2]", "Nowhere"]),
    ]
    assert not plans[1].stages[1].draft.active
    assert [note.where for note in outcome.people] == ['Hook 3 "Nowhere"']
