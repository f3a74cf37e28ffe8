"""What goes wrong with Aluma: logins, throttling, files that do not come, hostile specifications, races, shutdown."""

from __future__ import annotations

import pytest
from django.utils import timezone

from exports.models import Attempt, Document, SourceState
from exports.sources import acts
from exports.states import Status
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources import alumasource
from tests.exports.sources.alumasource import account, of, turn, until_quiet
from tests.exports.sources.pretend import act, claims
from tests.servers import aluma as servers
from tests.servers.aluma import File
from tests.servers.http import reply

pytestmark = pytest.mark.usefixtures("organization", "kinds")

account = account  # noqa: PLW0127  # a fixture


def test_an_expired_token_is_fetched_anew_once(account):
    made = of(account)
    turn(made)
    assert account.calls["token"] == 1
    account.expire_tokens()
    task = account.add()

    state = turn(made)
    turn(made)

    assert (account.calls["token"], state.errors, task.state) == (2, 0, "completed")


def test_a_token_without_a_kind_and_with_a_short_life_is_renewed_before_it_expires(account):
    account.tells_token_type = False
    account.token_life = 100
    made = of(account)

    turn(made)
    account.token_life = 0.5
    account.expire_tokens()
    turn(made)

    assert [call for call in account.refused if call[0] != "list"] == []


@pytest.mark.parametrize("login", ["json", "form"])
def test_both_ways_to_log_in_work(account, login):
    task = account.add()
    made = of(account, login=login)

    turn(made), turn(made)

    assert task.state == "completed"


def test_a_login_that_is_refused_is_told_without_the_secret(account):
    made = of(account, client_id="stranger")

    state = turn(made)

    assert (state.errors, state.reason) == (1, "misconfigured")
    assert "Aluma refuses the login of stranger" in state.error
    assert servers.CLIENT[1] not in state.error


def test_a_token_that_is_refused_twice_is_no_endless_loop(account):
    account.token_life = -1
    made = of(account)

    state = turn(made)

    assert (state.reason, account.calls["list"], account.calls["token"]) == ("misconfigured", 2, 2)


def test_retry_after_is_obeyed(account):
    account.answer("list", 429, {"Retry-After": "77"})
    made = of(account)

    state = turn(made)

    assert state.errors == 1
    assert 70 < (state.next_at - timezone.now()).total_seconds() < 120


@pytest.mark.parametrize("call", ["complete", "file"])
def test_a_throttled_call_is_made_again_later(account, call):
    task = account.add([File("", "7.pdf", data=b"%PDF")])
    account.answer(call, 429, {"Retry-After": "1"})
    made = of(account)

    until_quiet(made, 5)

    assert task.state == "completed"
    assert task.acts.count("complete") == 1


def test_a_file_that_cannot_be_fetched_gives_the_whole_task_back(account):
    task = account.add([File("", "7.csv", "PO"), File("", "7.pdf", data=b"%PDF")])
    account.answer("file", 404)
    made = of(account)

    turn(made)
    assert (task.acts, claims(made), Document.objects.count()) == (["start", "cancel"], {task.id: "released"}, 0)

    until_quiet(made, 3)
    assert task.acts == ["start", "cancel", "start", "complete"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (File("../x", "7.csv", "PO"), "leads elsewhere"),
        (File("", "7.csv", "PO", source="ftp"), "has the source 'ftp'"),
        (File("", "7.pdf", data=b"%PDF", url="https://evil.example/7.pdf"), "another host"),
        (File("/etc", "cron", "x"), "is absolute"),
    ],
)
def test_a_hostile_specification_fails_the_task_and_brings_nothing(account, file, said):
    good, bad = account.add(), account.add([File("", "good.csv", "PO"), file])
    made = of(account)

    until_quiet(made, 3)

    assert (good.state, bad.state, Document.objects.count()) == ("completed", "failed", 1)
    assert said in bad.message
    assert account.calls["file"] == 0


@pytest.mark.parametrize("told", [{"documents": "x"}, {"documents": [{}]}, {"no": 1}])
def test_an_answer_that_is_no_specification_fails_the_task(account, told):
    task = account.add(specification=told)
    made = of(account)

    until_quiet(made, 2)

    assert task.state == "failed"
    assert claims(made) == {task.id: "reported"}


def test_a_file_that_is_too_large_is_left_at_aluma_and_told(account, settings):
    settings.MAX_ORIGINAL_BYTES = 1000
    task = account.add([File("", "7.pdf", data=1001)])
    made = of(account, max_tries=1)

    state = turn(made)

    assert (task.acts, claims(made)) == (["start", "cancel"], {task.id: "blocked"})
    assert "more than 1,000 bytes" in state.error


def test_a_queue_that_exports_nothing_gives_tasks_back(account):
    task = account.add()
    made = of(account)
    made.queue.pipeline = None
    made.queue.save()

    state = turn(made)

    assert (task.acts, account.hanging()) == (["start", "cancel"], [])
    assert (state.reason, Document.objects.count()) == ("misconfigured", 0)


def test_documents_that_would_wait_for_a_person_are_refused_before_anything_is_started(account):
    account.add()
    made = of(account)
    made.arrives = "review"
    made.save()

    state = turn(made)

    assert (state.reason, account.calls["start"]) == ("misconfigured", 0)
    assert "half an hour" in state.error


def test_two_sources_race_and_one_of_them_exports(account):
    tasks = [account.add() for _ in range(6)]
    one, other = of(account, name="One"), of(account, name="Other")
    before = reply(200, {"tasks": [task.told() for task in tasks]})
    turn(one, exports=False)
    account.to_answer["list"].append(before)  # both saw the same list

    turn(other), turn(one), turn(other)

    assert [task.acts for task in tasks] == [["start", "complete"]] * 6
    assert set(claims(other).values()) == {"released"}
    assert (Document.objects.count(), Attempt.objects.count()) == (6, 6)


def test_the_last_worker_that_stops_leaves_nothing_hanging(account):
    tasks = [account.add() for _ in range(3)]
    made = of(account, act("send", "park", minutes=600))
    turn(made)
    assert len(account.hanging()) == 3

    alumasource.stop()

    assert account.hanging() == []
    assert [task.acts for task in tasks] == [["start", "cancel"]] * 3
    assert {one.state for one in Attempt.objects.all()} == {"cancelled"}


def test_what_stopped_is_taken_up_again_at_once(account):
    task = account.add()
    made = of(account, act("send", "park", minutes=600, times=1))
    turn(made)
    alumasource.stop()

    until_quiet(made, 3)

    assert task.acts == ["start", "cancel", "start", "complete"]
    assert Document.objects.get().status == Status.EXPORTED


def test_the_test_button_looks_and_changes_nothing(account):
    account.add(name="delivery-0007.pdf")
    made = of(account)

    finding = acts.test(made, by=builders.owner())

    assert finding.ok
    assert 'Logged in. 1 task can be exported. The first is "delivery-0007.pdf" of Goods-in.' in finding.message
    assert (account.calls["start"], SourceState.objects.filter(last_at__isnull=False).count()) == (0, 0)
