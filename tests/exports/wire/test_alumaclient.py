"""What a client makes of Aluma's answers: lenient with lists and times, strict with paths and addresses."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from datetime import UTC, datetime
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.wire import alumaclient
from exports.wire.alumaclient import Entry, SpecificationError, UnreadableError
from pipelines.transports import http

BASE = "https://api.aluma.example"


def body(**told):
    return json.dumps(told).encode()


def spec(*files, **more):
    return body(documents=[{"files": list(files)}], **more)


def file(folder="", filename="a.csv", source="content", content="PO", url=None):
    return {"folder": folder, "filename": filename, "source": source, "content": content, "url": url}


def test_of_two_tasks_with_one_id_the_first_counts_and_the_order_stays():
    rows = [{"id": "b", "name": "1"}, {"id": "a", "name": "2"}, {"id": "b", "name": "3"}, {"name": "no id"}, "no task"]

    assert [(task.id, task.name) for task in alumaclient.tasks(body(tasks=rows))] == [("b", "1"), ("a", "2")]


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"tasks": null}', b"<html>", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_list_of_tasks_is_told(said):
    with pytest.raises(UnreadableError, match="list of tasks"):
        alumaclient.tasks(said)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-03-02T08:01:66Z", datetime(2026, 3, 2, 8, 1, 59, tzinfo=UTC)),
        ("2026-03-02T08:01:06.25Z", datetime(2026, 3, 2, 8, 1, 6, tzinfo=UTC)),
        ("2026-13-02T08:01:06Z", None),
        ("yesterday", None),
        (None, None),
        (17, None),
    ],
)
def test_impossible_times_are_survived(told, meant):
    (task,) = alumaclient.tasks(body(tasks=[{"id": "a", "created_at": told}]))

    assert alumaclient.created(task) == meant


def test_a_specification_names_every_file_of_every_document():
    documents = [
        {"files": [file(), file("scans/2026", "a.pdf", "url", None, "/file_collections/c/files/f")]},
        {"files": [file(filename="b.csv", content="PO,Qty\n,4711,3")]},
    ]

    assert alumaclient.specification(body(documents=documents), f"{BASE}/") == [
        Entry(1, 1, "", "a.csv", "PO", ""),
        Entry(1, 2, "scans/2026", "a.pdf", None, f"{BASE}/file_collections/c/files/f"),
        Entry(2, 1, "", "b.csv", "PO,Qty\n,4711,3", ""),
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "has no files"),
        (["x"], "is no object"),
        ([file(source="ftp")], "has the source 'ftp'; content and url are known"),
        ([file(source=None)], "has the source 'None'"),
        ([file(content=None)], "its source is content, and it has none"),
        ([file(content="\ud800")], "half a character"),
        ([file(source="url")], "it has no url"),
        ([file(filename="")], "no filename"),
        ([file(filename=7)], "no filename"),
        ([file(folder=["a"])], "folder is no text"),
        ([file("../x")], "leads elsewhere: '../x'"),
        ([file("a/../../x")], "leads elsewhere"),
        ([file("a/ .. /x")], "leads elsewhere"),
        ([file(filename="..")], "leads elsewhere"),
        ([file("/etc")], "is absolute"),
        ([file("C:/temp")], "one of Windows"),
        ([file("a\\..\\b")], "one of Windows"),
        ([file(filename="a/b.csv")], "leads into a folder"),
        ([file(filename="a\x00.csv")], "control character"),
        ([file(filename="a\r\nX-Evil: 1")], "control character"),
        ([file("com1")], "stands for a device"),
        ([file(filename="NUL.csv")], "stands for a device"),
        ([file(filename="x" * 256)], "more than 255 bytes"),
        ([file("/".join(["x" * 200] * 6))], "longer than 1,000"),
        ([file(), file()], "file 1 of document 1 and file 2 of document 1 have the same path, a.csv"),
        ([file("x", "A.csv"), file("x/.", "a.csv")], "have the same path"),
    ],
)
def test_what_can_never_be_exported_says_why(files, said):
    with pytest.raises(SpecificationError, match=said):
        alumaclient.specification(spec(*files), BASE)


@pytest.mark.parametrize("documents", [None, [], {}, [None], [{}], [{"files": None}], [{"files": []}]])
def test_a_specification_without_documents_or_files_is_none(documents):
    with pytest.raises(SpecificationError, match="has no (documents|files)"):
        alumaclient.specification(body(documents=documents), BASE)


def test_what_extracted_data_bring_along_by_accident_is_taken_away():
    entries = alumaclient.specification(spec(file("Dell Inc./20\u00ad26", " a.csv ")), BASE)

    assert [(entry.folder, entry.filename) for entry in entries] == [("Dell Inc/2026", "a.csv")]


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("/file_collections/c/files/-f_", f"{BASE}/file_collections/c/files/-f_"),
        ("file_collections/c/files/f", f"{BASE}/file_collections/c/files/f"),
        (f"{BASE}/file_collections/c/files/f", f"{BASE}/file_collections/c/files/f"),
        (f"{BASE}:443/f", f"{BASE}:443/f"),
    ],
)
def test_the_address_of_a_file_belongs_to_the_api(url, meant):
    assert alumaclient.address(url, BASE) == meant


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/f", "http://api.aluma.example/f", "//evil.example/f", "https://api.aluma.example:8443/f",
        "https://a:b@api.aluma.example/f", "https://api.aluma.example.evil.example/f", "https:\\\\evil.example/f",
        "/f\r\nX: 1", "javascript:1", "https://[/f", "https://api.aluma.example:x/f",
    ],
)  # fmt: skip
def test_no_access_token_goes_to_another_host(url):
    with pytest.raises(SpecificationError, match=r"another host|no address"):
        alumaclient.address(url, BASE)


def test_a_token_without_its_kind_is_a_bearers():
    assert alumaclient.token(body(access_token="t", expires_in=86400)) == ("t", 86400.0)
    assert alumaclient.token(body(access_token="t", token_type="Bearer")) == ("t", None)
    for wrong in ({}, {"access_token": ""}, {"access_token": "a\nb"}, {"access_token": "t", "token_type": "mac"}):
        with pytest.raises(UnreadableError):
            alumaclient.token(body(**wrong))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (body(message="No.", requestErrors={"client_id": ["unknown", "old"]}), "No. client_id: unknown, old"),
        (body(title="Wrong state", detail="It is completed.", status=409), "It is completed."),
        (b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
        (b"", ""),
    ],
)
def test_an_error_says_why_in_each_of_its_forms(told, said):
    assert alumaclient.message(told) == said


def test_ids_are_quoted_in_addresses():
    assert alumaclient.call(BASE, "-a_/?#", "start") == (f"{BASE}/tasks/-a_%2F%3F%23/start_client_action?action=export")
    assert alumaclient.listing(BASE).endswith("?state=pending:start_client_action&client_action=export")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["content", "url", "..", "/"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["documents", "files", "folder", "filename", "source", "content", "url", "tasks", "id"]),
            inner,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_whatever_comes_is_read_or_refused(told):
    said = json.dumps(told).encode()

    for read in (alumaclient.tasks, alumaclient.task, alumaclient.token):
        with contextlib.suppress(UnreadableError):
            read(said)
    with contextlib.suppress(UnreadableError):
        alumaclient.specification(said, BASE)
    assert isinstance(alumaclient.message(said), str)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_path_that_is_accepted_leads_anywhere_else(folder, filename):
    try:
        kept, name = alumaclient.path(folder, filename)
    except SpecificationError:
        return
    below = PurePosixPath("/exports", kept, name)

    assert ".." not in below.parts
    assert below.is_relative_to("/exports")
    assert PureWindowsPath(kept, name).drive == ""
    assert {unicodedata.category(char) for char in kept + name}.isdisjoint({"Cc", "Cf", "Cs"})
    assert "/" not in name


@given(st.text(max_size=100))
def test_no_address_that_is_accepted_is_another_hosts(url):
    with contextlib.suppress(SpecificationError):
        assert http.parsed(alumaclient.address(url, BASE)).host == "api.aluma.example"
