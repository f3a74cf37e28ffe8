"""Rossum's Confirmed tab, against a server that refuses what Rossum refuses: exported, failed, changed, lost, throttled."""

from __future__ import annotations

import pytest

from exports import attempts
from exports.models import Attempt, Claim, Document
from exports.states import Status
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import act, claim, claims, turn
from tests.exports.sources.rossums import account as account
from tests.exports.sources.rossums import hurried as hurried
from tests.exports.sources.rossums import of

pytestmark = pytest.mark.usefixtures("organization", "kinds", "hurried")


def test_confirmed_annotations_are_fetched_exported_and_marked(account):
    first = account.add({"number": "INV-1", "lines": [{"qty": "2"}, {"qty": "3"}]}, name="first.pdf", data=b"%PDF 1")
    account.add({"number": "INV-2"}, status="to_review")
    made = of(account)

    turn(made), turn(made)

    document = Document.objects.get()
    key = f"{account.url}/annotations/{first.id}"
    assert (document.external_id, document.file_name, document.original.size) == (key, "first.pdf", 6)
    assert document.metadata == {"rossum": {"annotation": key, "queue": 205}}
    assert [
        node["content"]["value"] for node in document.fields.content[0]["children"][1]["children"][0]["children"]
    ] == ["2"]
    assert account.states() == {"exported": 1, "to_review": 1}
    assert claims(made) == {key: "reported"}
    assert account.patched_to_exported == []


def test_all_that_was_exported_is_marked_by_one_post_with_explicit_ids(account):
    for number in range(45):
        account.add({"number": str(number)})
    made = of(account, page_size=20)

    for _ in range(4):
        turn(made)

    assert account.states() == {"exported": 45}
    assert account.calls["POST export"] <= 2
    assert account.calls["PATCH annotation"] == 0


def test_what_failed_is_marked_red_with_its_reason(account):
    annotation = account.add({"number": "INV-1"})
    made = of(account, act("send", "reject", message="Supplier is blocked in the ERP"))

    turn(made), turn(made)

    assert annotation.history == ["confirmed", "failed_export"]
    assert annotation.messages == [{"type": "error", "content": "Supplier is blocked in the ERP", "id": "all"}]
    assert account.calls["POST export"] == 0


def test_what_failed_stays_confirmed_where_that_is_wanted_and_is_not_taken_again(account):
    annotation = account.add({"number": "INV-1"})
    made = of(account, act("send", "reject"), mark_failed=False)

    for _ in range(3):
        turn(made)

    assert annotation.history == ["confirmed"]
    assert Attempt.objects.count() == 1


def test_a_corrected_and_confirmed_annotation_is_the_same_document_exported_once_more(account):
    annotation = account.add({"number": "wrong"})
    made = of(account, act("send", "reject", times=1))
    turn(made), turn(made)

    account.confirm_again(annotation, {"number": "right"})
    turn(made), turn(made)

    assert annotation.history == ["confirmed", "failed_export", "to_review", "confirmed", "exported"]
    assert (Document.objects.count(), Attempt.objects.count()) == (1, 2)
    assert Document.objects.get().fields.content[0]["children"][0]["content"]["value"] == "right"


def test_what_a_person_sends_again_here_is_marked_exported_after_all(account):
    annotation = account.add({"number": "1"})
    made = of(account, act("send", "reject", times=1))
    turn(made), turn(made)

    attempts.requeue(Attempt.objects.get(), by=builders.owner(), why="Their master data are mended.")
    turn(made), turn(made)

    assert annotation.history == ["confirmed", "failed_export", "exported"]


def test_an_unknown_outcome_leaves_the_annotation_alone(account):
    annotation = account.add({"number": "1"})
    made = of(account, act("send", "unconfirmed", kind="act_and_send"))

    for _ in range(3):
        turn(made)

    assert annotation.history == ["confirmed"]
    assert list(claims(made).values()) == ["blocked"]
    assert (account.calls["POST export"], account.calls["PATCH annotation"]) == (0, 0)


@pytest.mark.parametrize(("call", "stage"), [("POST export", []), ("PATCH annotation", [act("send", "reject")])])
def test_a_lost_answer_is_asked_about_and_nothing_is_repeated(account, call, stage):
    annotation = account.add({"number": "1"})
    made = of(account, *stage)
    turn(made)
    account.lose(call)

    state = turn(made)
    assert (state.errors, state.reason) == (1, "unconfirmed")
    turn(made)

    assert account.calls[call] == 1
    assert len(annotation.history) == 2
    assert list(claims(made).values()) == ["reported"]


def test_a_500_to_a_move_is_asked_about_and_then_repeated(account):
    annotation = account.add({"number": "1"})
    made = of(account)
    turn(made)
    account.answer("POST export", 500)

    turn(made), turn(made)

    assert (annotation.status, account.calls["POST export"]) == ("exported", 2)


def test_an_annotation_that_the_answer_leaves_out_is_asked_for_by_itself(account):
    annotation, other = account.add({"number": "1"}), account.add({"number": "2"})
    made = of(account)
    turn(made)
    account.left_out = {annotation.id}

    turn(made)

    assert other.status == "exported"
    assert annotation.status == "confirmed"
    key = f"{account.url}/annotations/{annotation.id}"
    assert (claim(made, key).state, claim(made, key).error) == (
        "to_report", "It was to be marked as exported, and is confirmed."
    )  # fmt: skip
    turn(made)
    assert annotation.status == "exported"


def test_one_that_was_changed_while_it_was_exported_is_taken_again_before_it_is_marked(account):
    annotation = account.add({"number": "old"})
    made = of(account)
    turn(made)

    account.confirm_again(annotation, {"number": "new"})
    turn(made)
    assert annotation.status == "confirmed"
    turn(made), turn(made)

    assert annotation.status == "exported"
    assert Attempt.objects.count() == 2
    assert Document.objects.get().fields.content[0]["children"][0]["content"]["value"] == "new"


def test_one_that_was_only_touched_meanwhile_is_not_exported_twice(account):
    annotation = account.add({"number": "same"})
    made = of(account)
    turn(made)

    annotation.times["modified_at"] = "2031-01-01T00:00:00.000000Z"
    turn(made)

    assert (annotation.status, Attempt.objects.count()) == ("exported", 1)


@pytest.mark.parametrize("status", ["to_review", "deleted", "postponed"])
def test_one_that_somebody_took_back_meanwhile_is_left_to_them(account, status):
    annotation = account.add({"number": "1"})
    made = of(account)
    turn(made)

    annotation.go(status)
    turn(made)

    assert annotation.status == status
    (left,) = Claim.objects.all()
    assert (left.state, left.error) == ("released", f"Somebody took it back: it is {status}, and stays so.")


def test_an_original_that_is_too_large_is_told_instead_of_taken(account, settings):
    settings.MAX_ORIGINAL_BYTES = 10
    annotation = account.add({"number": "1"}, data=b"x" * 11)
    made = of(account)

    turn(made), turn(made)

    assert annotation.status == "failed_export"
    assert "10 are the most" in annotation.messages[0]["content"]
    assert Document.objects.count() == 0


def test_more_than_one_turn_brings_is_brought_in_the_next(account):
    for number in range(30):
        account.add({"number": str(number)})
    made = of(account, original=False)

    turn(made)
    assert Document.objects.filter(status=Status.EXPORTED).count() == 25
    turn(made), turn(made)

    assert account.states() == {"exported": 30}
