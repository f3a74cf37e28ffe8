"""A watched folder: what is whole is taken once, with its fields, and put away when its export has ended."""

from __future__ import annotations

import os
import time

import pytest

from exports.models import Attempt, Claim, Document
from exports.sources import acts
from pipelines.refusals import Refused
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import act, claims, source, turn

pytestmark = pytest.mark.usefixtures("organization", "kinds")


@pytest.fixture
def inbox(tmp_path, settings):
    settings.FOLDER_ROOTS = [tmp_path]
    made = tmp_path / "in"
    made.mkdir()
    return made


def of(inbox, *stages, **config):
    return source(*stages, kind="folder", config={"path": str(inbox), "ready": "renamed", **config})


def put(folder, name, content, *, seconds_ago=60.0):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    then = time.time() - seconds_ago
    os.utime(path, (then, then))
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def number(document):
    return document.fields.content[0]["children"][0]["content"]["value"]


def test_a_file_with_its_fields_is_taken_exported_and_put_away(inbox):
    put(inbox, "a.pdf", b"%PDF 1")
    put(inbox, "a.json", '{"number": 12.50}')
    made = of(inbox)

    turn(made), turn(made)

    document = Document.objects.get()
    assert (document.external_id, document.file_name, document.media_type) == ("a.pdf", "a.pdf", "application/pdf")
    assert (number(document), document.status) == ("12.50", "exported")
    assert names(inbox / "done") == ["a.json", "a.pdf"]
    assert names(inbox) == ["done"]


def test_what_failed_goes_elsewhere_with_its_reason_beside_it(inbox):
    put(inbox, "a.pdf", b"%PDF 1")
    made = of(inbox, act("send", "reject", message="Supplier is blocked"))

    turn(made), turn(made)

    assert names(inbox / "failed") == ["a.pdf", "a.pdf.error.txt"]
    assert (inbox / "failed" / "a.pdf.error.txt").read_text() == "Supplier is blocked\n"


def test_a_json_that_cannot_be_read_and_an_empty_file_fail_and_stop_no_other(inbox):
    put(inbox, "a.pdf", b"%PDF 1")
    put(inbox, "a.json", '{"number": }')
    put(inbox, "b.pdf", b"")
    put(inbox, "c.pdf", b"%PDF 3")
    made = of(inbox)

    turn(made), turn(made)

    assert names(inbox / "done") == ["c.pdf"]
    assert names(inbox / "failed") == ["a.json", "a.pdf", "a.pdf.error.txt", "b.pdf", "b.pdf.error.txt"]
    assert "line 1, column 12" in (inbox / "failed" / "a.pdf.error.txt").read_text()


def test_a_file_that_is_still_touched_waits(inbox):
    path = put(inbox, "a.pdf", b"%PDF", seconds_ago=1)
    made = of(inbox, ready="stable", stable_seconds=5)
    turn(made)
    assert claims(made) == {}

    os.utime(path, (time.time() - 6,) * 2)
    turn(made)

    assert claims(made) == {"a.pdf": "running"}


def test_one_that_changes_between_listing_and_reading_is_left_for_later(inbox, monkeypatch):
    from exports.sources import folder

    put(inbox, "a.pdf", b"%PDF")
    made = of(inbox, ready="stable", stable_seconds=5)
    real = folder.Place.read

    def touched(place, name, *, most):
        (inbox / name).write_bytes(b"%PDF and more")
        return real(place, name, most=most)

    monkeypatch.setattr(folder.Place, "read", touched)
    state = turn(made)

    assert (claims(made), state.errors) == ({"a.pdf": "claimed"}, 0)
    assert "is being changed" in Claim.objects.get().error
    monkeypatch.setattr(folder.Place, "read", real)
    os.utime(inbox / "a.pdf", (time.time() - 6,) * 2)
    turn(made)
    assert Document.objects.get().original.size == len(b"%PDF and more")


def test_names_that_are_ignored_and_what_is_no_file_are_passed_over(inbox, tmp_path):
    for name in (".a.pdf", "a.pdf.part", "~a.docx", "THUMBS.DB"):
        put(inbox, name, b"x")
    (inbox / "below").mkdir()
    put(inbox / "below", "b.pdf", b"x")
    secret = put(tmp_path, "secret.txt", b"of somebody else")
    (inbox / "link.pdf").symlink_to(secret)
    os.mkfifo(inbox / "pipe.pdf")
    made = of(inbox)

    turn(made)

    assert claims(made) == {}


def test_a_file_that_became_a_link_is_not_followed(inbox, tmp_path):
    path = put(inbox, "a.pdf", b"%PDF")
    secret = put(tmp_path, "secret.txt", b"of somebody else")
    made = of(inbox)
    turn(made, exports=False)
    Claim.objects.update(state="claimed")
    path.unlink()
    path.symlink_to(secret)

    turn(made)

    assert Claim.objects.get().state == "released"
    assert Document.objects.get().original.size == 4


@pytest.mark.parametrize("path", ["/etc", "relative/in", "{inbox}/../../../etc"])
def test_a_folder_outside_the_roots_is_refused(inbox, path):
    made = of(inbox)
    made.config = {"path": path.replace("{inbox}", str(inbox))}

    finding = acts.test(made, by=builders.owner())

    assert (finding.ok, finding.reason) == (False, "misconfigured")
    assert "is not a folder that Waybill may" in finding.message


@pytest.mark.parametrize("name", ["..", "a/b", ""])
def test_the_folder_for_what_is_done_lies_below(inbox, name):
    made = of(inbox, done=name)

    with pytest.raises(Refused, match="config: done"):
        acts.save(made, by=builders.owner())


def test_nothing_is_overwritten_in_done(inbox):
    made = of(inbox)
    for content in (b"one", b"two"):
        put(inbox, "a.pdf", content, seconds_ago=len(content) + content[0])
        turn(made), turn(made)

    assert names(inbox / "done") == ["a-1.pdf", "a.pdf"]
    assert [(inbox / "done" / name).read_bytes() for name in ("a.pdf", "a-1.pdf")] == [b"one", b"two"]
    assert (Document.objects.count(), Attempt.objects.count()) == (1, 2)


def test_files_of_the_same_content_are_one_document_where_that_is_wanted(inbox):
    made = of(inbox, same="content")
    put(inbox, "scan.pdf", b"one")
    turn(made), turn(made)
    put(inbox, "scan.pdf", b"two", seconds_ago=50)
    put(inbox, "again.pdf", b"one", seconds_ago=40)
    turn(made), turn(made)

    assert Document.objects.count() == 2
    assert Attempt.objects.count() == 2


def test_what_is_kept_is_remembered_and_taken_again_only_when_it_changed(inbox):
    made = of(inbox, after="keep")
    put(inbox, "a.pdf", b"one")
    for _ in range(3):
        turn(made)
    assert (names(inbox), Attempt.objects.count()) == (["a.pdf"], 1)

    put(inbox, "a.pdf", b"two", seconds_ago=30)
    turn(made), turn(made)

    assert (Document.objects.count(), Attempt.objects.count()) == (1, 2)


def test_a_json_alone_waits_unless_it_may_come_alone(inbox):
    put(inbox, "a.json", '{"external_id": "INV-1", "fields": {"number": "1"}, "metadata": {"from": "scanner"}}')
    made = of(inbox)
    turn(made)
    assert claims(made) == {}

    made.config = {**made.config, "fields_alone": True}
    made.save()
    turn(made), turn(made)

    document = Document.objects.get()
    assert (document.external_id, document.original, number(document)) == ("INV-1", None, "1")
    assert document.metadata == {"from": "scanner"}
    assert names(inbox / "done") == ["a.json"]


def test_a_crash_between_moving_and_remembering_moves_once(inbox):
    put(inbox, "a.pdf", b"%PDF")
    made = of(inbox)
    turn(made), turn(made)
    Claim.objects.update(state="to_report")

    turn(made)

    assert names(inbox / "done") == ["a.pdf"]
    assert claims(made) == {"a.pdf": "reported"}


def test_an_unknown_outcome_leaves_the_file_where_it_is(inbox):
    put(inbox, "a.pdf", b"%PDF")
    made = of(inbox, act("send", "unconfirmed", kind="act_and_send"))

    turn(made), turn(made)

    assert names(inbox) == ["a.pdf"]
