"""The file storage stage, and the files that came with a document: each in its folder, under its name, or none at all."""

from __future__ import annotations

import pytest

from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.errors import Misconfigured, Rejected
from tests.pipelines.test_file_storage import FIELDS, held, run, tools
from tests.pipelines.tools import inbox

tools = tools  # noqa: PLW0127  # a fixture

RECEIVED = {"export_rules": [{"export_object_configurations": [{"type": "received_files"}]}]}


def received(folder, name, content=b"PO,Qty\n,4711,3", *, text=True):
    return Received(f"received.1.{name}", folder, Blob.of(content, name=name), text=text)


def test_files_that_came_with_the_document_keep_their_folders_and_names(tools, tmp_path):
    files = [received("", "7.csv"), received("scans/2026", "7.pdf", b"%PDF\n\x00", text=False)]

    run(tools, RECEIVED, inbox(FIELDS, received=files))
    run(tools, RECEIVED, inbox(FIELDS, received=files))

    assert held(tmp_path / "allowed" / "out") == {"7.csv": b"PO,Qty\n,4711,3", "scans/2026/7.pdf": b"%PDF\n\x00"}
    assert [key for key, _ in tools.deliveries] == ["received.1.7.csv", "received.1.7.pdf"]


def test_lines_of_received_text_end_as_windows_wants_them_and_other_files_are_left_alone(tools, tmp_path):
    files = [received("", "7.csv"), received("", "7.pdf", b"%PDF\n", text=False)]
    rule = {"path_to_directory": "{sftp_folder}"}
    rule["export_object_configurations"] = [{"type": "received_files", "newline": "crlf"}]

    run(tools, rule, inbox(FIELDS, received=files))

    assert held(tmp_path / "allowed" / "out") == {"2026/7.csv": b"PO,Qty\r\n,4711,3", "2026/7.pdf": b"%PDF\n"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "No files came with the document"),
        ([received("a/../..", "7.csv")], "leads upwards"),
        ([received("", "..")], "no usable one"),
        ([received("a", "7.csv"), received("a/", "7.csv")], "Two files would have the same name, a/7.csv"),
    ],
)
def test_received_files_that_have_no_place_stop_all_of_them(tools, tmp_path, files, said):
    with pytest.raises((Rejected, Misconfigured), match=said):
        run(tools, RECEIVED, inbox(FIELDS, received=files and [received("", "good.csv"), *files]))

    assert held(tmp_path) == {}


def test_another_documents_file_is_not_overwritten_in_silence(tools, tmp_path):
    run(tools, RECEIVED, inbox(FIELDS, received=[received("", "7.csv", b"first")]))
    tools.deliveries.clear()

    with pytest.raises(Rejected, match="exists already with other content"):
        run(tools, RECEIVED, inbox(FIELDS, received=[received("", "7.csv", b"second")]))

    assert held(tmp_path / "allowed" / "out") == {"7.csv": b"first"}
