"""A folder taken in: with an index, without one, again, and with broken entries among good ones."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from exports import contents, imports
from exports.models import Attempt, Document, FieldsVersion
from exports.states import Status
from pipelines import publishing
from tests import builders
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "invoices"


def folder_of(tmp_path, *entries, index=True):
    """Each entry: (name, fields, original bytes)."""
    listed = []
    for name, fields, original in entries:
        entry = {"name": name}
        if fields is not None:
            (tmp_path / f"{name}.json").write_text(fields if isinstance(fields, str) else json.dumps(fields))
            entry["fields"] = f"{name}.json"
        if original is not None:
            (tmp_path / f"{name}.pdf").write_bytes(original)
            entry |= {"original": f"{name}.pdf", "media_type": "application/pdf"}
        listed.append(entry)
    if index:
        (tmp_path / "index.json").write_text(json.dumps(listed))
    return tmp_path


def run(folder, *arguments, queue="AP"):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_documents", str(folder), "--queue", queue, *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


@pytest.mark.parametrize("index", [True, False])
def test_a_folder_is_taken_in_with_and_without_an_index(tmp_path, index):
    builders.queue("AP")
    folder = folder_of(tmp_path, ("d1", {"amount": 12.50}, b"%PDF 1"), ("d2", {"amount": "3"}, b"%PDF 2"), index=index)

    out, _, error = run(folder)

    assert out.startswith("AP: 2 documents: 2 new, 0 changed, 0 as before, 0 refused, in ")
    assert error == ""
    first = Document.objects.get(external_id="d1")
    assert (first.status, first.file_name, first.media_type) == (Status.TO_REVIEW, "d1.pdf", "application/pdf")
    assert contents.blob(first.original).read() == b"%PDF 1"
    assert first.fields.content[0]["children"][0]["content"]["value"] == "12.5"
    assert Event.objects.filter(verb="document.receive", actor="command:import_documents").count() == 2


def test_numbers_stay_as_they_are_written(tmp_path):
    builders.queue("AP")
    run(folder_of(tmp_path, ("d1", '{"amount": 12.50, "count": 100000000000000000001}', None)))

    texts = [node["content"]["value"] for node in Document.objects.get().fields.content[0]["children"]]

    assert texts == ["12.50", "100000000000000000001"]


def test_importing_again_changes_nothing(tmp_path):
    builders.queue("AP")
    folder = folder_of(tmp_path, ("d1", {"amount": "1"}, b"%PDF"), ("d2", {"amount": "2"}, None))
    run(folder)
    events = Event.objects.count()

    out, _, error = run(folder)

    assert out.startswith("AP: 2 documents: 0 new, 0 changed, 2 as before, 0 refused, in ")
    assert error == ""
    assert (Document.objects.count(), FieldsVersion.objects.count(), Event.objects.count()) == (2, 2, events)


def test_a_changed_file_corrects_its_document(tmp_path):
    builders.queue("AP")
    folder = folder_of(tmp_path, ("d1", {"amount": "1"}, b"%PDF"))
    run(folder)
    (folder / "d1.json").write_text('{"amount": "2"}')

    out, _, _ = run(folder)

    assert out.startswith("AP: 1 documents: 0 new, 1 changed, 0 as before, 0 refused, in ")
    assert Document.objects.get().fields.number == 2


def test_broken_entries_are_named_and_the_rest_goes_in(tmp_path):
    builders.queue("AP")
    folder = folder_of(
        tmp_path,
        ("good", {"amount": "1"}, b"%PDF"),
        ("comma", '{\n "amount": 1,\n}', None),
        ("nested", {"amount": {"a": 1}}, None),
        ("latin", None, b"x"),
        ("empty", {"amount": "1"}, b""),
    )
    (folder / "latin.json").write_bytes(b'{"a": "\xe9"}')
    index = json.loads((folder / "index.json").read_text())
    index[3]["fields"] = "latin.json"
    index += [
        {"name": "gone", "original": "gone.pdf"},
        {"name": "out", "fields": "../../etc/passwd"},
        {"name": "good", "fields": "good.json"},
        {"name": "nothing"},
        {"fields": "good.json"},
        "text",
        {"name": "other", "original": "good.pdf", "sha256": "0" * 64},
        {"name": "const", "fields": "const.json"},
    ]
    (folder / "const.json").write_text('{"amount": NaN}')
    (folder / "index.json").write_text(json.dumps(index))

    out, err, error = run(folder)

    assert out.startswith("AP: 13 documents: 1 new, 0 changed, 0 as before, 12 refused, in ")
    assert error == "12 refused, each named above. Correct them and run it again."
    assert err.splitlines() == [
        "comma.json: line 2, column 13: The comma before } is one too many: delete it.",
        "nested.json: field.amount: A value must be text, a number, true, false or null; this is an object.",
        "latin.json: This is not UTF-8 text (byte 7).",
        "empty.json: original: The file is empty. Send it again, or send the fields without an original.",
        "gone: original: There is no file gone.pdf.",
        "out: fields: ../../etc/passwd lies outside the folder.",
        'good: "good" stands twice in index.json.',
        "nothing: The entry names neither an original nor fields.",
        "entry 10 of index.json: The entry has no name.",
        "entry 11 of index.json: An entry is an object with a name, and files under original or fields.",
        "good.pdf: good.pdf is not the file that index.json names: its sha256 differs.",
        'const.json: line 1, column 12: NaN is not true, false or null; text stands in double quotes: "NaN".',
    ]
    assert [document.external_id for document in Document.objects.all()] == ["good"]


def test_two_originals_of_one_stem_are_not_guessed_at(tmp_path):
    builders.queue("AP")
    folder = folder_of(tmp_path, ("d1", {"a": "1"}, b"%PDF"), index=False)
    (folder / "d1.xml").write_text("<a/>")

    _, err, _ = run(folder)

    assert err == "d1: These belong to one document, and only one original can: d1.json, d1.pdf, d1.xml.\n"


def test_confirmed_waits_and_export_is_asked_for_once(tmp_path):
    pipeline = builders.pipeline({"name": "Send", "kind": "send"})
    publishing.publish(pipeline, by=builders.owner())
    builders.queue("AP", pipeline=pipeline)
    folder = folder_of(tmp_path, ("d1", {"a": "1"}, None), ("d2", {"a": "2"}, None))

    run(folder, "--confirmed")
    waiting = list(Document.objects.values_list("status", flat=True))
    out, _, _ = run(folder, "--confirmed", "--export")
    run(folder, "--confirmed", "--export")

    assert waiting == [Status.CONFIRMED, Status.CONFIRMED]
    assert "0 refused, 2 exports begun" in out
    assert Attempt.objects.count() == 2


def test_a_prefix_tells_folders_apart(tmp_path):
    builders.queue("AP")
    folder = folder_of(tmp_path, ("d1", {"a": "1"}, None))

    run(folder, "--prefix", "march/")
    run(folder, "--prefix", "april/")

    assert sorted(Document.objects.values_list("external_id", flat=True)) == ["april/d1", "march/d1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--queue", "APP"], 'There is no queue "APP". Did you mean "AP"?'),
        (["--queue", "AP", "--organization", "acmee"], 'There is no organization "acmee". Did you mean "acme"?'),
        (["--queue", "AP", "--export"], "--export needs --confirmed: only confirmed documents are exported."),
    ],
)
def test_a_wrong_command_line_is_told_what_is_right(tmp_path, arguments, told):
    builders.queue("AP")

    with pytest.raises(CommandError) as refused:
        call_command("import_documents", str(folder_of(tmp_path, ("d1", {}, None))), *arguments)

    assert str(refused.value) == told


def test_of_several_organizations_one_must_be_named(tmp_path):
    builders.organization("Other")

    _, _, error = run(tmp_path)

    assert error == "There are several organizations; say which: --organization acme | other"


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ("{", "line 1, column 2: The { opened on line 1 is never closed."),
        ("{}", 'The index is a list: [{"name": …, "original": …, "fields": …}].'),
        ("[]", "There is nothing to import: no index.json, no fields, no originals."),
    ],
)
def test_an_index_that_is_none_stops_the_import(tmp_path, index, told):
    builders.queue("AP")
    (tmp_path / "index.json").write_text(index)

    _, _, error = run(tmp_path)

    assert error.endswith(told)
    assert str(tmp_path) in error


@pytest.mark.skipif(not REAL.exists(), reason="the sample documents lie beside the project only where it is developed")
def test_the_real_invoices_go_in_and_again_change_nothing():
    builders.queue("AP")

    first, _, error = run(REAL)
    again, _, _ = run(REAL)

    assert error == ""
    assert "AP: 100 documents: 100 new, 0 changed, 0 as before, 0 refused, in " in first
    assert "AP: 100 documents: 0 new, 0 changed, 100 as before, 0 refused, in " in again
    listed = {entry["name"]: entry["sha256"] for entry in json.loads((REAL / "index.json").read_text())}
    assert dict(Document.objects.values_list("external_id", "original__sha256")) == listed


def test_a_thousand_documents_take_seconds(tmp_path):
    queue = builders.queue("AP")
    rows = [{"item": str(n), "quantity": "1", "price": "2.50"} for n in range(5)]
    fields = tmp_path / "all.json"
    fields.write_text(json.dumps({"amount_total": "12.50", "line_items": rows}))
    entries = [imports.Entry(f"d{number}", fields=fields) for number in range(1000)]
    began = time.process_time()

    summary = imports.run(queue, entries, by=builders.owner())

    assert summary.new == 1000
    assert time.process_time() - began < 30, "of processor time, whatever else the machine does"
