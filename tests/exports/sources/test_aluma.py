"""Aluma's tasks, against a server that refuses what Aluma refuses: brought whole, exported, and always finished there."""

from __future__ import annotations

import tracemalloc

import pytest
from django.utils import timezone

from exports import contents
from exports.models import Attempt, Document, ReceivedFile
from tests.exports.kinds import done
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.alumasource import account, of, turn, until_quiet, wait_over
from tests.exports.sources.pretend import claim, claims
from tests.servers import aluma as servers
from tests.servers.aluma import File

pytestmark = pytest.mark.usefixtures("organization", "kinds")

account = account  # noqa: PLW0127  # a fixture


def test_a_task_is_brought_whole_exported_and_completed(account):
    task = account.add(
        [File("", "7.csv", "PO,Qty\n4711,3"), File("scans/2026", "7.pdf", data=b"%PDF-1.7 searchable")],
        [File("", "8.json", '{"PO": "4712"}')],
        name="delivery-0007.pdf",
    )
    made = of(account)

    state = turn(made)

    document = Document.objects.get()
    assert (document.external_id, document.status, document.file_name) == (task.id, "exported", "7.pdf")
    assert [(file.key, str(file), file.text) for file in document.received.all()] == [
        ("received.1.1", "7.csv", True),
        ("received.1.2", "scans/2026/7.pdf", False),
        ("received.2.1", "8.json", True),
    ]
    assert [contents.blob(file.content).read() for file in document.received.all()] == [
        b"PO,Qty\n4711,3", b"%PDF-1.7 searchable", b'{"PO": "4712"}'
    ]  # fmt: skip
    assert document.metadata["aluma"]["name"] == "delivery-0007.pdf"
    assert document.metadata["aluma"]["documents"] == 2
    assert (state.last_found, state.last_taken, state.errors) == (1, 1, 0)

    turn(made)

    assert (task.acts, task.state) == (["start", "complete"], "completed")
    assert claims(made) == {task.id: "reported"}
    assert account.refused == []


def test_the_vendors_own_defects_are_survived(account):
    task = servers.show_defects(account)
    made = of(account)

    turn(made), turn(made), turn(made)

    assert task.acts == ["start", "complete"]
    assert Document.objects.count() == 1
    (csv, _) = Document.objects.get().received.all()
    assert contents.blob(csv.content).read() == b"PO,Qty\n,4711,3"


def test_the_servers_order_is_kept_and_only_exports_that_wait_are_taken(account):
    tasks = [account.add() for _ in range(3)]
    account.add(client_action="validation")
    account.add(state="running", client_action=None)
    account.add(state="completed", client_action=None)

    turn(of(account))

    assert [document.external_id for document in Document.objects.order_by("pk")] == [task.id for task in tasks]
    assert account.calls["start"] == 3


def test_only_the_projects_that_are_wanted_are_taken(account):
    account.add()

    turn(of(account, name="Others", projects=["Claims"]))
    assert account.calls["start"] == 0

    turn(of(account, name="Ours", projects=["Goods-in"]))
    assert account.calls["start"] == 1


def test_busy_polling_does_not_wait_and_idle_polling_waits_ever_longer(account):
    made = of(account)
    account.add()

    busy = turn(made)
    assert busy.next_at <= timezone.now()

    waits = []
    for _ in range(5):
        state = turn(made)
        waits.append((state.next_at - state.last_at).total_seconds())
    assert waits == sorted(waits)
    assert waits[-1] > waits[0] >= 30
    assert max(waits) <= made.slowest_seconds


def test_a_task_that_somebody_else_started_meanwhile_is_not_ours(account):
    task = account.add()
    made = of(account)
    account.answer("start", 409)

    turn(made)

    assert (claims(made), Document.objects.count()) == ({task.id: "released"}, 0)
    assert claim(made, task.id).not_before > timezone.now()
    assert account.calls["cancel"] == 0


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
def test_any_refusal_of_start_means_not_ours(account, status):
    task = account.add()
    made = of(account)
    account.answer("start", status)

    state = turn(made)

    assert (claims(made), state.errors, account.calls["cancel"]) == ({task.id: "released"}, 0, 0)


def test_a_lost_answer_to_start_is_asked_about_and_given_back(account):
    task = account.add()
    made = of(account)
    account.lose("start")

    turn(made)
    assert (claims(made), account.hanging()) == ({task.id: "claimed"}, [task.id])

    until_quiet(made, 4)
    assert task.acts == ["start", "cancel", "start", "complete"]
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_start_that_was_not_done_is_asked_about_and_done_again(account, status):
    task = account.add()
    made = of(account)
    account.answer("start", status)

    until_quiet(made, 4)

    assert task.acts == ["start", "complete"]
    assert account.calls["get"] >= 1


def test_what_another_robot_finished_meanwhile_is_let_go_of(account):
    task = account.add()
    made = of(account)
    account.answer("start", 500)
    turn(made)

    task.state = "completed"
    wait_over(made)
    turn(made)

    assert (claims(made), account.calls["cancel"]) == ({task.id: "released"}, 0)


def test_a_lost_answer_to_complete_is_said_again_and_nothing_is_exported_again(account):
    task = account.add()
    made = of(account)
    turn(made)
    account.lose("complete")

    until_quiet(made, 3)

    assert (task.acts, task.state, claims(made)) == (["start", "complete"], "completed", {task.id: "reported"})
    assert account.calls["complete"] == 2
    assert done == ["send"]


def test_a_task_that_aluma_took_back_is_started_only_to_complete_it(account):
    task = account.add()
    made = of(account)
    turn(made)

    account.pass_time(31 * 60)
    until_quiet(made, 3)

    assert task.acts == ["start", "requeue", "start", "complete"]
    assert done == ["send"]
    assert claims(made) == {task.id: "reported"}


def test_a_task_that_is_offered_although_it_was_completed_is_completed_again(account):
    task = account.add()
    made = of(account)
    turn(made), turn(made)

    task.state = "pending:start_client_action"
    until_quiet(made, 3)

    assert task.acts == ["start", "complete", "start", "complete"]
    assert done == ["send"]


def test_files_of_any_size_come_with_flat_memory(account, settings):
    settings.INLINE_BYTES = 1000
    size = 32 * 1024 * 1024
    task = account.add([File("", f"{number}.bin", data=size) for number in range(2)])
    made = of(account)
    turn(made)

    account.add([File("", "8.bin", data=size)])
    tracemalloc.start()
    turn(made, exports=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert task.state == "completed"
    assert [file.size for file in ReceivedFile.objects.all()] == [size] * 3
    assert peak < 10 * 1024 * 1024
