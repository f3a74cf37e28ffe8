"""The file agent, set up in one step: every file of every task lands where it is meant to be, and again does no harm."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts import scope
from accounts.models import Organization
from exports.models import Attempt, Document
from exports.sources import filing
from pipelines.models import Destination, Pipeline, Queue, Secret, Source
from pipelines.refusals import Refused
from tests import builders
from tests.exports.sources import alumasource
from tests.exports.sources.alumasource import account, turn, until_quiet
from tests.servers.aluma import CLIENT, File

pytestmark = pytest.mark.usefixtures("organization")

account = account  # noqa: PLW0127  # a fixture


@pytest.fixture
def folder(settings, tmp_path):
    settings.FOLDER_ROOTS = [tmp_path]
    return tmp_path


def agent(account, folder, **options):
    return filing.set_up(
        "File agent",
        by=builders.owner(),
        config={"url": account.url, "client_id": CLIENT[0], "first_delay_seconds": 1},
        store={"type": "folder", "path": str(folder)},
        secrets={"aluma_client_secret": CLIENT[1]},
        networks=("127.0.0.1/32",),
        **options,
    )


def held(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_every_document_lands_by_its_folder_and_name(account, folder):
    tasks = [
        account.add(
            [
                File("", f"{number}.csv", f"PO,Qty\n,{number},3"),
                File("scans/2026", f"{number}.pdf", data=b"%PDF\n\x00"),
            ],
            [File("second", f"{number}.json", '{\n"a": 1}')],
        )
        for number in (7, 8)
    ]
    made = agent(account, folder, newline="crlf")

    turn(made), turn(made)

    assert held(folder) == {
        "7.csv": b"PO,Qty\r\n,7,3", "scans/2026/7.pdf": b"%PDF\n\x00", "second/7.json": b'{\r\n"a": 1}',
        "8.csv": b"PO,Qty\r\n,8,3", "scans/2026/8.pdf": b"%PDF\n\x00", "second/8.json": b'{\r\n"a": 1}',
    }  # fmt: skip
    assert [task.state for task in tasks] == ["completed", "completed"]


def test_a_task_that_is_run_again_does_no_harm(account, folder):
    task = account.add([File("in", "7.csv", "PO")])
    made = agent(account, folder)
    turn(made, exports=False)
    alumasource.export()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")}
    Document.objects.all().update(status="failed_export")
    Attempt.objects.all().update(state="failed", reason="exhausted")

    until_quiet(made, 3)

    assert task.acts == ["start", "cancel", "start", "complete"]
    assert Attempt.objects.count() == 2
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")} == before


def test_another_tasks_file_is_not_overwritten_unless_that_is_wanted(account, folder):
    first, second = account.add([File("", "7.csv", "first")]), account.add([File("", "7.csv", "second")])
    made = agent(account, folder)

    turn(made), turn(made)

    assert (first.state, second.state, held(folder)) == ("completed", "failed", {"7.csv": b"first"})
    assert "exists already with other content" in second.message

    third = account.add([File("", "7.csv", "third")])
    replacing = filing.set_up(
        "Replacing",
        by=builders.owner(),
        config={"url": account.url, "client_id": CLIENT[0]},
        store={"type": "folder", "path": str(folder)},
        secrets={"aluma_client_secret": CLIENT[1]},
        networks=("127.0.0.1/32",),
        replace=True,
    )
    turn(replacing), turn(replacing)

    assert (third.state, held(folder)) == ("completed", {"7.csv": b"third"})


def test_a_folder_a_task_keeps_them_apart(account, folder):
    tasks = [account.add([File("", "7.csv", text)]) for text in ("first", "second")]
    made = agent(account, folder, directory="tasks/{document.external_id}")

    turn(made), turn(made)

    assert held(folder) == {
        f"tasks/{tasks[0].id}/7.csv": b"first",
        f"tasks/{tasks[1].id}/7.csv": b"second",
    }


def test_a_name_that_is_taken_makes_nothing_at_all(account, folder):
    Pipeline.own(name="File agent").save()

    with pytest.raises(Refused, match='There is a pipeline called "File agent" already'):
        agent(account, folder)

    assert (Source.objects.count(), Queue.objects.count(), Destination.objects.count()) == (0, 0, 0)
    assert Secret.objects.count() == 0


def test_the_command_sets_it_up_and_reads_secrets_from_standard_input(account, folder, monkeypatch):
    task = account.add([File("in", "7.csv", "PO")])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"aluma_client_secret": CLIENT[1]})))
    slug = Organization.objects.get(pk=scope.current()).slug

    call_command(
        "aluma_files", "--organization", slug, "--client-id", CLIENT[0], "--url", account.url, "--folder", str(folder),
        "--network", "127.0.0.1/32", "--newline", "crlf", stdout=io.StringIO(),
    )  # fmt: skip

    made = Source.objects.get(name="Aluma files")
    turn(made), turn(made)
    assert (task.state, held(folder)) == ("completed", {"in/7.csv": b"PO"})


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (["--folder", "/nowhere"], "no json", "standard input is no JSON object"),
        (["--store", "[]"], "{}", "--store is no JSON object"),
        (["--store", '{"type": "ftp"}'], '{"aluma_client_secret": "x"}', "sftp"),
    ],
)
def test_what_the_command_cannot_use_is_told(options, given, said, monkeypatch, organization):
    monkeypatch.setattr("sys.stdin", io.StringIO(given))

    with pytest.raises(CommandError, match=said):
        call_command("aluma_files", "--organization", organization.slug, "--client-id", "x", *options)

    assert Source.objects.count() == 0
