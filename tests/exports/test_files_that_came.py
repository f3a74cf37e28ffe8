"""Files that come with a document beside its original: kept, handed to stages, compared, purged."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from exports import arrivals, documents, loop, purging
from exports.models import Attempt, Content, Document, ReceivedFile
from exports.received import Files, key
from exports.states import State, Status
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.refusals import Refused
from tests import builders

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def folder(settings, tmp_path):
    settings.FOLDER_ROOTS = [tmp_path]
    return tmp_path


def file(number, name, content=b"PO,Qty\n,4711,3", folder="", *, text=True):
    return Received(key(1, number), folder, Blob.of(content, name=name, media_type="text/csv"), text)


def arrive(queue, *files, confirmed=True, **values):
    with Files(files, queue.organization_id) as kept:
        return arrivals.take_in(
            queue, by=builders.owner(), external_id="T-1", confirmed=confirmed, files=kept, **values
        )


def to_folder(folder, *stages):
    store = {
        "name": "Store",
        "kind": "file_storage",
        "config": {
            "credentials": {"type": "folder", "path": str(folder)},
            "export_rules": [{"export_object_configurations": [{"type": "received_files"}]}],
        },
    }
    draft = builders.pipeline(*stages, store)
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    return builders.queue(pipeline=draft, use_confirmed_state=False)


def run():
    return loop.run_now(Attempt.objects.order_by("-pk").first().pk)


def test_they_reach_the_stages_whole_with_folder_and_name(folder, settings):
    settings.INLINE_BYTES = 100
    queue = to_folder(folder, {"name": "Purge", "kind": "purge", "config": {}})
    large = bytes(range(256)) * 4

    arrive(queue, file(1, "7.csv"), file(2, "7.pdf", large, "scans/2026", text=False))

    assert run().state == State.SUCCEEDED
    assert (folder / "7.csv").read_bytes() == b"PO,Qty\n,4711,3"
    assert (folder / "scans/2026/7.pdf").read_bytes() == large
    rows = [(row.key, str(row), row.size, row.text) for row in ReceivedFile.objects.all()]
    assert rows == [("received.1.1", "7.csv", 14, True), ("received.1.2", "scans/2026/7.pdf", 1024, False)]


def test_a_stage_reads_one_by_its_key(folder):
    extract = {
        "name": "Read",
        "kind": "file_storage",
        "config": {
            "credentials": {"type": "folder", "path": str(folder)},
            "export_rules": [
                {
                    "export_object_configurations": [
                        {
                            "type": "custom_format",
                            "export_reference_key": "received.1.2",
                            "filename_template": "second.csv",
                        }
                    ]
                }
            ],
        },
    }

    arrive(to_folder(folder / "all", extract), file(1, "a.csv"), file(2, "b.csv", b"second"))

    assert run().state == State.SUCCEEDED
    assert (folder / "second.csv").read_bytes() == b"second"


def test_the_same_files_again_are_the_same_document_and_leave_nothing_behind(settings):
    settings.INLINE_BYTES = 5
    queue = builders.queue("Tasks")
    arrive(queue, file(1, "7.csv"), confirmed=False)
    kept = Content.objects.get()
    held = default_storage.listdir(f"{queue.organization_id}/{kept.id.hex[:8]}")[1]

    again = arrive(queue, file(1, "7.csv"), confirmed=False)

    assert again.outcome == "same"
    assert Content.objects.get() == kept
    assert default_storage.listdir(f"{queue.organization_id}/{kept.id.hex[:8]}")[1] == held


@pytest.mark.parametrize("other", [file(1, "8.csv"), file(1, "7.csv", b"x"), file(1, "7.csv", folder="in")])
def test_changed_files_replace_the_former_ones_which_are_kept(other):
    queue = builders.queue("Tasks")
    arrive(queue, file(1, "7.csv"), confirmed=False)

    again = arrive(queue, other, confirmed=False)

    assert again.outcome == "changed"
    now = ReceivedFile.objects.get(replaced_at=None)
    assert (now.name, now.folder, now.sha256) == (other.blob.name, other.folder, other.blob.sha256)
    assert ReceivedFile.objects.get(replaced_at__isnull=False).name == "7.csv"


def test_files_of_a_document_whose_export_began_are_not_exchanged(folder):
    queue = to_folder(folder)
    arrive(queue, file(1, "7.csv"))

    with pytest.raises(Refused, match="came again with changes in its files"):
        arrive(queue, file(1, "7.csv", b"other"))

    assert [row.size for row in ReceivedFile.objects.all()] == [14]
    assert Content.objects.count() == 1


def test_a_document_that_is_refused_leaves_no_file_behind(settings):
    settings.INLINE_BYTES = 5
    before = Content.objects.count()

    with pytest.raises(Refused, match="no pipeline"):
        arrive(builders.queue("Tasks", use_confirmed_state=False), file(1, "7.csv"))

    assert (Document.objects.count(), Content.objects.count(), before) == (0, 0, 0)


def test_a_purge_takes_them_along():
    document = arrive(builders.queue("Tasks"), file(1, "jane-doe.csv", folder="jane"), confirmed=False).document
    documents.delete(document, by=builders.owner())

    purging.purge(document, by=builders.owner(), why="Asked for by Jane.")

    row = ReceivedFile.objects.get()
    assert (row.name, row.folder, row.content.inline, row.size) == ("", "", None, 14)
    assert Document.objects.get().status == Status.PURGED


def test_the_documents_page_lists_them_and_gives_them_out_as_downloads(client, organization):
    document = arrive(
        builders.queue("Tasks"), file(1, "7.html", b"<script>1</script>", "scans"), confirmed=False
    ).document
    client.force_login(builders.user("olga", organization=organization))

    page = client.get(f"/admin/exports/document/{document.pk}/change/?tab=files").content.decode()
    given = client.get(reverse("admin:exports_document_received", args=[document.pk, document.received.get().pk]))

    assert "scans/7.html" in page
    assert "received.1.1" in page
    assert b"".join(given.streaming_content) == b"<script>1</script>"
    assert given.headers["Content-Type"] == "application/octet-stream"
    assert given.headers["Content-Disposition"] == 'attachment; filename="7.html"'


def test_nobody_of_another_organization_gets_one(client, organization):
    document = arrive(builders.queue("Tasks"), file(1, "7.csv"), confirmed=False).document
    address = reverse("admin:exports_document_received", args=[document.pk, document.received.get().pk])
    other = builders.organization("Other")
    client.force_login(builders.user("eve", organization=other))

    assert client.get(address).status_code in {302, 403, 404}


def test_a_file_that_is_the_original_too_is_kept_once():
    scan = file(1, "7.pdf", b"%PDF", "scans", text=False)

    document = arrive(builders.queue("Tasks"), scan, original=scan.blob, confirmed=False).document

    assert (document.original, document.file_name) == (document.received.get().content, "7.pdf")
    assert Content.objects.count() == 1
