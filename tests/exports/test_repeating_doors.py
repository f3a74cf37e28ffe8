"""Repeating to the byte from the desk, over the API and in bulk: chosen, tried without sending, refused with a reason."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from exports import loop
from exports.models import Attempt
from exports.states import Reason, State
from tests import builders
from tests.exports.api import world as worlds
from tests.exports.bulk.asked import ask, preview, work
from tests.exports.kinds import kinds  # noqa: F401  # a fixture
from tests.exports.sent import corrected, erp, place, ran, stages  # noqa: F401  # two are fixtures
from tests.servers.http import cut, reply

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def clerk(organization) -> Client:
    client = Client()
    client.force_login(builders.user(role="operator", organization=organization))
    return client


def shown(clerk: Client, name: str, pk: int, **query: str) -> str:
    response = clerk.get(reverse(f"admin:exports_{name}", args=[pk]), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def radio(html: str, value: str) -> str:
    found = re.findall(
        rf'<label class="desk-choice[^>]*><input type="radio" name="revision" value="{value}".*?</label>', html
    )
    assert found, f"there is no choice {value}"
    return str(found[0])


def test_a_clerk_sends_it_again_exactly_as_it_was(erp, place, clerk):
    erp.will(reply(422), reply(200, {"id": "1"}))
    first = ran(*stages(erp, place))
    corrected(first.document, number="INV-2")

    html = shown(clerk, "document_change", first.document.pk)
    clerk.post(
        reverse("admin:exports_attempt_requeue", args=[first.pk]), {"why": "a bug of theirs", "revision": "sent"}
    )
    second = loop.run_now(Attempt.objects.get(number=2).pk)

    assert "The fields have changed since." in radio(html, "same")
    assert "disabled" not in radio(html, "sent")
    assert second.state == State.SUCCEEDED
    assert erp.bodies == [b'{"no": "INV-1"}', b'{"no": "INV-1"}']
    assert "exactly as it was sent" in shown(clerk, "attempt_change", second.pk)
    assert "exactly as it was sent" in shown(clerk, "document_change", first.document.pk)


def test_where_it_cannot_be_the_choice_is_off_and_says_why(erp, place, clerk):
    erp.will(reply(422))
    first = ran(*stages(erp, place, content="{secret.erp_key}"))

    html = shown(clerk, "document_change", first.document.pk)
    answer = clerk.post(
        reverse("admin:exports_attempt_requeue", args=[first.pk]), {"why": "again", "revision": "sent"}, follow=True
    )

    assert "disabled" in radio(html, "sent")
    assert "What Send sent held a secret, which is never kept." in radio(html, "sent")
    assert "What Send sent held a secret" in answer.content.decode()
    assert Attempt.objects.count() == 1


def test_the_trial_tells_of_each_stage_what_becomes_of_it_and_sends_nothing(erp, place, clerk):
    erp.will(reply(200, {"id": ""}))
    first = ran(*stages(erp, place))
    corrected(first.document, number="INV-2")

    html = shown(clerk, "attempt_rehearsal", first.pk, revision="sent")

    key = erp.seen[0].header("Idempotency-Key")
    assert "Does not run: what it did in attempt 1 is taken over." in html
    assert f"<code>{key}</code>" in html
    assert "Rebuilt from today's fields it would be" in html
    assert "INV-2" in re.sub(r"</?mark>", "", html)
    assert "checked" in radio(html, "sent")
    assert len(erp.seen) == 1


def test_the_trial_of_what_cannot_be_repeated_says_so(erp, place, clerk):
    erp.will(reply(422))
    first = ran(*stages(erp, place, content="{secret.erp_key}"))

    html = shown(clerk, "attempt_rehearsal", first.pk, revision="sent")

    assert "Exactly as it was sent is not possible: What Send sent held a secret, which is never kept." in html
    assert 'href="?revision=sent"' not in html


def test_an_unknown_outcome_is_sent_again_as_it_was_unless_somebody_chooses_otherwise(erp, place, clerk):
    erp.will(cut(), reply(200, {"id": "1"}))
    first = ran(*stages(erp, place))
    assert first.reason == Reason.UNCONFIRMED

    html = shown(clerk, "document_change", first.document.pk)
    form = {"delivered": "no", "why": "not there", "revision": "sent"}
    clerk.post(reverse("admin:exports_attempt_settle", args=[first.pk]), form)

    assert "checked" in radio(html.split('id="settle-why"')[1], "sent")
    assert Attempt.objects.get(number=2).frozen


def test_a_robot_asks_for_the_very_bytes(organization, erp, place):
    erp.will(reply(422), reply(200, {"id": "1"}))
    first = ran(*stages(erp, place))
    corrected(first.document, number="INV-2")

    made = worlds.caller("owner").post(f"attempts/{first.pk}/requeue", {"why": "a bug of theirs", "frozen": True})
    loop.run_now(made.json()["id"])

    assert (made.status_code, made.json()["frozen"]) == (202, True)
    assert erp.bodies == [b'{"no": "INV-1"}', b'{"no": "INV-1"}']


def test_a_robot_is_told_why_it_cannot_be(organization, erp, place):
    erp.will(reply(422))
    first = ran(*stages(erp, place, content="{secret.erp_key}"))

    refused = worlds.caller("owner").post(f"attempts/{first.pk}/requeue", {"why": "again", "frozen": True})

    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert refused.json()["detail"] == "What Send sent held a secret, which is never kept."
    assert Attempt.objects.count() == 1


def test_in_bulk_those_that_can_be_are_sent_as_they_were_and_the_others_refused(organization, erp, place):
    erp.otherwise = lambda seen: reply(200, {"id": "1"})
    erp.will(reply(422), reply(422))
    whole, hidden = ran(*stages(erp, place)), ran(*stages(erp, place, content="{secret.erp_key}"))
    corrected(whole.document, number="INV-2")

    seen = preview()
    job = work(ask(options={"frozen": True}))

    assert seen.inexact == {"What Send sent held a secret, which is never kept.": 1}
    assert {item.attempt_id: (item.outcome, item.result) for item in job.items.all()} == {
        whole.pk: ("done", "delivered"), hidden.pk: ("refused", ""),
    }  # fmt: skip
    assert erp.bodies[2:] == [b'{"no": "INV-1"}']


def test_the_page_before_a_job_says_for_how_many_it_is_possible(erp, place, clerk):
    erp.will(reply(422), reply(422))
    ran(*stages(erp, place))
    before = clerk.get(reverse("admin:exports_job_new"), {"verb": "requeue", "open": "1"}).content.decode()
    ran(*stages(erp, place, content="{secret.erp_key}"))

    after = clerk.get(reverse("admin:exports_job_new"), {"verb": "requeue", "open": "1"}).content.decode()

    assert "Possible for all of them" in before
    assert "1 (What Send sent held a secret, which is never kept.)" in after


def test_a_job_cannot_be_both_newest_and_as_it_was(organization, kinds):
    from pipelines.refusals import Refused

    with pytest.raises(Refused, match="leave newest out"):
        ask(options={"frozen": True, "newest": True})
