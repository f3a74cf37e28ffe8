"""The list pages: what is shown is what is counted, filed and acted upon, in few queries whatever the length."""

from __future__ import annotations

import random
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exports import searching
from exports.models import Attempt, Document, ListChoice
from exports.predicate import Predicate
from tests import builders, desk
from tests.lists import ATTEMPTS, DOCUMENTS, filed, lines, rows, shown, signed_in, total, walked


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline(), schema=builders.schema("document_id", "sender_name"))


@pytest.fixture
def olga(organization):
    return builders.user("olga", role="operator", organization=organization)


@pytest.fixture
def operator(olga):
    return signed_in(olga)


def test_the_pages_of_a_list_hold_every_row_once_in_both_directions(operator, queue):
    made = [desk.document(queue, f"T-{number:03}").pk for number in range(60)]

    down = walked(operator, DOCUMENTS, per="25")
    up = walked(operator, DOCUMENTS, per="25", sort="document")
    second = re.search(r'href="\?([^"]*)"[^>]*rel="next"', shown(operator, per="25"))[1].replace("&amp;", "&")
    html = operator.get(f"{reverse(DOCUMENTS)}?{second}").content.decode()
    back = re.search(r'href="\?([^"]*)"[^>]*rel="prev"', html)[1].replace("&amp;", "&")

    assert down == list(reversed(made))
    assert up == made
    assert rows(operator.get(f"{reverse(DOCUMENTS)}?{back}").content.decode()) == down[:25]
    assert total(html) == 60


@pytest.mark.parametrize("mark", ["x", "W10", "WzEsIjIiXQ", "WzEsLTFd", "WyJcdTAwMDAiLDFd", "W251bGwsMV0"])
def test_a_mark_that_is_none_is_told_and_shows_no_row(operator, queue, mark):
    desk.document(queue)

    for sort in ("", "-changed", "document"):
        response = operator.get(reverse(DOCUMENTS), {"after": mark, "sort": sort})

        assert response.status_code in {200, 400}
        assert b"cannot be found any more" in response.content or sort != "-changed"


@pytest.mark.parametrize(
    "query", [{"resaon": "rejected"}, {"reason": "rejcted"}, {"sort": "amount"}, {"group": "x"}, {"e": "1"}]
)
def test_a_filter_that_is_not_understood_shows_nothing_and_says_what_is_allowed(operator, queue, query):
    desk.document(queue, "T-1")

    response = operator.get(reverse(DOCUMENTS), query)

    assert response.status_code == 400
    assert rows(response.content.decode()) == []
    assert 'role="alert"' in response.content.decode()


def test_tabs_count_under_the_other_filters_and_failed_exports_lie_among_the_exported(operator, queue):
    desk.attempt(desk.document(queue, "F-1"), "failed", "rejected", message="Unknown <supplier>.")
    desk.attempt(desk.document(queue, "S-1"), "succeeded")
    desk.document(queue, "R-1", status="to_review")
    elsewhere = builders.queue("Orders", pipeline=queue.pipeline)
    desk.document(elsewhere, "R-2", status="to_review")

    html = shown(operator, tab="exported", queue=str(queue.pk))

    assert re.search(r'To review<span class="desk-count">1</span>', html)
    assert re.search(r'Exported<span class="desk-count">2</span><span class="desk-count is-bad"[^>]*>1 failed', html)
    assert 'data-why="Rejected: Unknown &lt;supplier&gt;."' in html
    assert html.count("/send_back/") == 1


def test_the_arrow_sends_a_failed_one_back_to_review_and_stays_on_the_list(operator, queue):
    failed = desk.document(queue, "F-1")
    desk.attempt(failed, "failed", "rejected")
    here = f"{reverse(DOCUMENTS)}?tab=exported"

    response = operator.post(reverse("admin:exports_document_send_back", args=[failed.pk]), {"next": here})
    elsewhere = operator.post(reverse("admin:exports_document_confirm", args=[failed.pk]), {"next": "//evil.example/"})

    failed.refresh_from_db()
    assert response["Location"] == here
    assert elsewhere["Location"] == reverse("admin:exports_document_change", args=[failed.pk])
    assert Attempt.objects.get().resolution == "sent_back"


@pytest.mark.parametrize(("name", "page"), [(DOCUMENTS, "documents"), (ATTEMPTS, "attempts")])
def test_a_list_asks_at_most_twenty_questions_whatever_its_length(olga, operator, queue, name, page):
    columns = ["document", "status", "number", "amount", "due", "reason", "reply", "risk", "assignee", "pipeline"]
    ListChoice.own(page=page, user=olga, columns=columns).save()
    query = {"per": "200", "queue": str(queue.pk), "q": "inv", "since": "7d"}

    def asked() -> int:
        searching.index_new(1000)
        with CaptureQueriesContext(
            connection,
        ) as said:
            shown(operator, name, **query)
        sql = " ".join(query["sql"] for query in said)
        assert not re.findall("exports_content|exports_exchange|exports_fieldsversion|exports_stagerun", sql)
        return len(said)

    def make(count: int) -> None:
        for number in range(count):
            attempt = desk.attempt(
                desk.document(queue, f"INV-{Document.objects.count()}-{number}"), "failed", "rejected"
            )
            desk.exchange(desk.run(attempt), reply=b"no")

    make(10)
    few = asked()
    make(190)

    assert asked() == few <= 20


def test_a_walk_leads_from_document_to_document_and_back_to_the_list(operator, queue):
    first, second = (desk.document(queue, f"T-{n}", status="to_review") for n in (1, 2))
    walk = "tab=to_review"

    onwards = operator.post(reverse("admin:exports_document_confirm", args=[second.pk]), {"walk": walk})
    ended = operator.post(reverse("admin:exports_document_confirm", args=[first.pk]), {"walk": walk})

    assert onwards["Location"] == reverse("admin:exports_document_change", args=[first.pk]) + "?walk=tab%3Dto_review"
    assert ended["Location"] == f"{reverse(DOCUMENTS)}?{walk}"


def test_all_that_match_and_the_selected_are_asked_for_by_the_same_filters(operator, queue):
    desk.attempt(desk.document(queue, "F-1"), "failed", "rejected")

    html = shown(operator, tab="failed", reason="rejected")
    chosen, everything = (
        re.search(rf'<form id="bulk-{one}".*?</form>', html, re.DOTALL)[0] for one in ("chosen", "all")
    )

    assert '<input type="hidden" name="document" value="">' in chosen  # an empty selection is refused, never widened
    assert re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', everything) == [
        ("of", "documents"), ("tab", "failed"), ("reason", "rejected")
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_list_count_file_and_predicate_never_disagree(operator, queue, seed):
    """Over random rows and random filters."""
    chance = random.Random(seed)
    reasons = ["rejected", "exhausted", "unconfirmed", "internal"]
    for number in range(70):
        document = desk.document(
            queue, f"T-{chance.choice('abc')}{number}", status=chance.choice(["to_review", "confirmed", "deleted"])
        )
        for attempt in range(chance.choice([0, 1, 1, 2])):
            state = chance.choice(["failed", "succeeded", "cancelled"])
            reason = chance.choice(reasons) if state == "failed" else ""
            desk.attempt(
                document,
                state,
                reason,
                number=attempt + 1,
                tries=chance.randrange(4),
                message=f"Said {number % 7}",
                resolution=chance.choice(["", "ignored"]) if state == "failed" else "",
                http_status=chance.choice([None, 422, 503]),
            )
    searching.index_new(1000)
    filters = {
        "reason": chance.choice(["rejected", "rejected,internal"]),
        "side": "theirs",
        "code": "5xx",
        "tries": "2..3",
        "open": "1",
        "q": chance.choice(["T-a", "said 3", "acme"]),
        "reply": "said",
        "field.amount_total": "10..20",
        "tab": "exported",
        "state": "failed",
        "last": "1",
        "since": "1h",
        "arrived": "1d",
        "resolution": "ignored",
    }

    for _ in range(4):
        given = {name: filters[name] for name in chance.sample(sorted(filters), chance.randrange(4))}
        predicate = Predicate.read(given)
        for name, page, found in (
            (DOCUMENTS, "documents", predicate.documents()),
            (ATTEMPTS, "attempts", predicate.attempts()),
        ):
            expected = set(found.values_list("pk", flat=True))
            listed = walked(operator, name, per="25", **given or {"view": "none"})
            counted = total(shown(operator, name, **given or {"view": "none"}))
            file = lines(filed(operator, page, columns=["document"], **given))[1:]

            assert (sorted(listed), counted, len(file), found.count()) == (
                sorted(expected),
                len(expected),
                len(expected),
                len(expected),
            ), given
