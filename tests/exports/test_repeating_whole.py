"""Where an attempt cannot be repeated to the byte, because not all of what it sent is kept; and what is judged anew."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from exports import attempts, cases, loop, repeating, sendings
from exports.models import Attachment, Attempt, Content, StageRun
from exports.states import Reason, RunState, State
from pipelines.refusals import Refused
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture
from tests.exports.sent import again, erp, place, ran, stages, why_not  # noqa: F401  # two are fixtures
from tests.servers.http import reply

pytestmark = pytest.mark.usefixtures("organization")


def test_where_nothing_was_sent_there_is_nothing_to_repeat(erp, place):
    one, two = stages(erp, place)[:2]
    one["config"] = {"export_configs": [{"export_reference_key": "invoice", "file_content_template": "{{ 1 / 0 }}"}]}
    first = ran(one, two)

    with pytest.raises(Refused, match="It sent nothing"):
        again(first)

    assert (erp.seen, Attempt.objects.count()) == ([], 1)


def test_a_body_with_a_secret_in_it_is_not_kept_and_so_not_repeated(erp, place):
    erp.will(reply(422))
    one, two = stages(erp, place, content='{"key": "{secret.erp_key}"}')[:2]
    first = ran(one, two)

    with pytest.raises(Refused, match="What Send sent held a secret"):
        again(first)

    assert (len(erp.seen), Attempt.objects.count()) == (1, 1)


def test_an_address_with_a_secret_in_it_is_not_repeated(erp, place):
    erp.will(reply(422))
    one, two = stages(erp, place, url=f"{erp.url}/in?key={{secret.erp_key}}")[:2]
    first = ran(one, two)

    assert why_not(first) == "The address that Send sent to held a secret, which is never kept."


def test_a_body_of_which_only_a_beginning_is_kept_is_not_repeated(erp, place, settings):
    settings.KEPT_BODY_BYTES = 100
    erp.will(reply(422))
    one, two = stages(erp, place, content="@{number}" * 40)[:2]
    first = ran(one, two)

    assert why_not(first) == "Only the beginning of what Send sent was kept."


def test_what_was_purged_is_not_repeated(erp, place):
    erp.will(reply(422))
    first = ran(*stages(erp, place)[:2])
    Content.objects.update(inline=None, purged_at=timezone.now())

    assert why_not(first) == "What Send sent was purged."


def test_what_is_purged_before_a_worker_comes_fails_and_sends_nothing(erp, place):
    erp.will(reply(422))
    first = ran(*stages(erp, place)[:2])
    made = attempts.requeue(first, by=builders.owner(), why="again", frozen=True)
    Attachment.objects.all().delete()
    Content.objects.update(inline=None, purged_at=timezone.now())

    second = loop.run_now(made.pk)

    assert (second.state, second.reason) == (State.FAILED, Reason.MISCONFIGURED)
    assert "What Send sent was purged." in second.message
    assert len(erp.seen) == 1


def test_a_kind_that_cannot_repeat_says_so(erp, place, kinds):
    started = builders.attempt({"name": "b", "kind": "act_and_send", "config": {"do": "deliver"}})
    first = loop.run_now(started.pk)

    assert why_not(first) == "Stages of the kind act_and_send cannot send again what they sent."


def test_another_revision_has_nothing_frozen(erp, place):
    erp.will(reply(422))
    first = ran(*stages(erp, place)[:2])

    with pytest.raises(Refused, match="goes through the revision that it was sent by"):
        again(first, newest=True)


def test_a_condition_still_decides_by_the_reply(erp, place):
    lookup, *rest = stages(erp, place)[1:3]
    booked = {"name": "Book", "kind": "rest_api", "destination": place,
              "config": {"request": {"url": f"{erp.url}/book", "content": "@{erp_id}"}, "condition": "@{erp_id}"}}  # fmt: skip
    lookup["config"]["request"]["content"] = "who?"
    lookup["config"].pop("export_reference_key")
    wrong = {"name": "Judge", "kind": "evaluate", "config": {"condition": "field.erp_id != '8'"}}
    erp.will(reply(200, {"id": "7"}), reply(200), reply(200, {"id": ""}))
    first = ran(lookup, *rest, booked, wrong)
    assert first.state == State.FAILED

    second = again(first)

    assert second.state == State.FAILED
    assert StageRun.objects.get(attempt=second, name="Book").state == RunState.SKIPPED
    assert [seen.target for seen in erp.seen] == ["/in", "/book", "/in"]


def test_many_are_looked_at_in_a_fixed_number_of_questions(erp, place, django_assert_max_num_queries):
    erp.otherwise = lambda seen: reply(422)
    one, two = stages(erp, place)[:2]
    made = [ran(one, two) for _ in range(6)]
    asked = {
        attempt.pk: cases.definition_of(attempt.revision_id).for_queue(attempt.document.queue_id) for attempt in made
    }

    with django_assert_max_num_queries(8):
        held = sendings.held_by(asked)

    assert [held[attempt.pk]["Send"].why_not for attempt in made] == [""] * 6
    assert json.loads(held[made[0].pk]["Send"].sent[0].body.read()) == {"no": "INV-1"}


def test_of_many_it_is_counted_how_many_cannot_be_and_why(erp, place):
    erp.otherwise = lambda seen: reply(422)
    one, two = stages(erp, place)[:2]
    hidden = stages(erp, place, content="{secret.erp_key}")[1]
    made = [ran(one, two), ran(one, hidden), ran(one, hidden), ran(one)]

    told = repeating.why_not_many([attempt.pk for attempt in made])

    assert told == {
        "What Send sent held a secret, which is never kept.": 2,
        "It sent nothing that could be sent again as it was.": 1,
    }
