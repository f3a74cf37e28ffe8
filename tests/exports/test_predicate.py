"""The predicate: what it reads, what it refuses, and that attempts, documents and words agree."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts import scope
from exports import conditions, looks, wording
from exports.models import Attempt, Document, FailureGroup
from exports.parameters import FIELDS, PARAMETERS
from exports.predicate import Predicate
from pipelines.refusals import Refused
from tests import builders, desk


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def read(**params):
    return Predicate.read(params)


def found(**params):
    return {f"{row.document.external_id}/{row.number}" for row in read(**params).attempts().select_related("document")}


def documents(**params):
    return {row.external_id for row in read(**params).documents()}


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("reason", "rejcted", "rejected, misconfigured"),
        ("reason", "rejected,", None),
        ("group", "1,x", "ids"),
        ("group", "99999999999999999999", "ids"),
        ("code", "6xx", "404, 5xx or 500..503"),
        ("code", "a..b", "404, 5xx or 500..503"),
        ("tries", "..", "a range"),
        ("tries", "-1", "a range"),
        ("open", "yes", "1: the failure waits"),
        ("since", "yesterday", "how long ago"),
        ("since", "9999-12-31", "how long ago"),
        ("until", "0001-01-01T00:00+14:00", "how long ago"),
        ("arrived", "..", "two of them"),
        ("assignee", "me", "me only for a person"),
        ("assignee", "anna", "ids"),
        ("ids", "", "at least one id"),
        ("document", " , ", "at least one id"),
        ("last", "0", "only the newest"),
        ("stage", "x" * 101, "names of stages"),
        ("stage", "a\0b", "names of stages"),
        ("tab", "everything", "to_review, confirmed"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_with_what_is_allowed(organization, name, text, allowed):
    if allowed is None:
        assert read(**{name: text}).values[name] == ("rejected",)
        return

    with pytest.raises(Refused) as refusal:
        read(**{name: text})

    assert refusal.value.message.startswith(f"{name}: ")
    assert allowed in refusal.value.message


@pytest.mark.parametrize("name", ["resaon", "Reason", "reason__exact", "fields.x", "field.", "pk", "\0"])
def test_a_misspelt_filter_is_refused_and_never_widens_what_is_done(organization, name):
    with pytest.raises(Refused) as refusal:
        read(**{name: "1"})

    assert "There is no filter" in refusal.value.message


def test_a_value_may_be_given_once_only_where_two_could_not_both_hold(organization):
    several = Predicate.read(QueryDict("reason=rejected&reason=timeout"))
    with pytest.raises(Refused) as refusal:
        Predicate.read(QueryDict("since=1h&since=2d"))

    assert several.values["reason"] == ("rejected", "timeout")
    assert "one value" in refusal.value.message


def test_what_a_form_left_empty_does_not_filter_and_what_is_the_pages_own_is_not_read(organization):
    predicate = Predicate.read(QueryDict("reason=&page=3&state=failed"), besides={"page"})

    assert predicate.given == {"state": "failed"}


def test_a_query_keeps_what_is_relative_and_json_what_it_meant(organization):
    before = timezone.now()
    predicate = Predicate.read({"since": "24h", "assignee": "me", "arrived": "7d.."}, me=7)

    kept = predicate.json()
    again = Predicate.from_json(kept)

    assert predicate.query() == "since=24h&assignee=me&arrived=7d.."
    assert kept["assignee"] == "7"
    assert timedelta() <= datetime.fromisoformat(kept["since"]) - (before - timedelta(hours=24)) < timedelta(seconds=9)
    assert {name: again.values[name] for name in kept} == {name: predicate.values[name] for name in kept}


def test_a_day_is_the_readers_and_until_includes_it(organization):
    predicate = Predicate.read({"since": "2026-11-20", "until": "2026-11-20"}, zone=ZoneInfo("Europe/Prague"))

    assert predicate.values["since"] == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert predicate.values["until"] == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_attempts_are_found_by_what_they_ended_with(queue):
    one, two, three = (desk.document(queue, f"T-{n}") for n in (1, 2, 3))
    desk.attempt(one, "failed", "rejected", stage="Send", http_status=422, tries=2)
    desk.attempt(two, "failed", "exhausted", stage="Send", http_status=503, resolution="ignored")
    desk.attempt(three, "waiting", stage="Render", tries=1)

    assert found(reason="rejected,exhausted") == {"T-1/1", "T-2/1"}
    assert found(side="theirs") == {"T-2/1"}
    assert found(code="5xx") == found(code="500..599,404") == {"T-2/1"}
    assert found(code="422,503") == {"T-1/1", "T-2/1"}
    assert found(stage="Render") == found(state="waiting") == {"T-3/1"}
    assert found(open="1") == {"T-1/1"}
    assert found(open="0") == {"T-2/1", "T-3/1"}
    assert found(resolution="ignored") == {"T-2/1"}
    assert found(tries="3") == found(tries="2..") == {"T-1/1"}
    assert found(tries="1") == {"T-2/1", "T-3/1"}
    assert found(queue=str(queue.pk), pipeline=str(queue.pipeline_id)) == {"T-1/1", "T-2/1", "T-3/1"}
    assert found(revision=str(queue.pipeline.published_id), trigger="person", since="1h", until="0m") == found()
    assert found(until="1h") == found(trigger="robot") == set()


def test_a_documents_list_asks_of_the_newest_attempt_only(queue):
    mended, broken, fresh = (desk.document(queue, f"T-{n}") for n in (1, 2, 3))
    desk.attempt(mended, "failed", "rejected", resolution="sent_again")
    desk.attempt(mended, "succeeded", number=2)
    desk.attempt(broken, "failed", "rejected")
    Document.objects.filter(pk=fresh.pk).update(status="to_review", automated=True)

    assert documents(reason="rejected") == documents(open="1") == {"T-2"}
    assert found(reason="rejected") == {"T-1/1", "T-2/1"}
    assert found(reason="rejected", last="1") == {"T-2/1"}
    assert documents(last="1") == {"T-1", "T-2"}
    assert documents() == {"T-1", "T-2", "T-3"}
    assert documents(automated="1") == documents(tab="to_review") == documents(status="to_review") == {"T-3"}
    assert documents(tab="exported") == {"T-1", "T-2"}
    assert documents(tab="failed") == {"T-2"}
    assert documents(arrived="1h") == documents()
    assert documents(arrived="2d..1d") == set()


def test_deleted_documents_are_listed_only_where_they_are_asked_for(queue):
    gone = desk.document(queue, "T-1", status="deleted")
    desk.attempt(gone, "failed", "rejected")
    Document.objects.filter(pk=gone.pk).update(status="deleted")

    assert documents() == documents(reason="rejected") == found(last="1") == set()
    assert documents(tab="deleted") == documents(document=str(gone.pk)) == {"T-1"}
    assert found(reason="rejected") == {"T-1/1"}


def test_a_group_counts_those_merged_into_it_and_the_destination_is_the_failed_stages(queue):
    erp, archive = builders.destination("ERP"), builders.destination("Archive")
    top, into, other = (
        FailureGroup.own(signature=str(n), reason="rejected", pattern=f"Cause {n}", destination=place)
        for n, place in enumerate((erp, erp, archive))
    )
    top.save()
    into.merged_into = top
    into.save()
    other.save()
    for number, group in enumerate((top, into, other), 1):
        desk.attempt(desk.document(queue, f"T-{number}"), "failed", "rejected", group=group)
    without = desk.attempt(desk.document(queue, "T-4"), "failed", "rejected")
    Attempt.objects.filter(pk=without.pk).update(lane=f"{scope.current()}/{archive.pk}")

    assert found(group=str(top.pk)) == {"T-1/1", "T-2/1"}
    assert found(group=str(into.pk)) == {"T-2/1"}
    assert found(destination=str(erp.pk)) == {"T-1/1", "T-2/1"}
    assert found(destination=str(archive.pk)) == {"T-3/1", "T-4/1"}
    assert documents(group=str(top.pk), open="1") == {"T-1", "T-2"}


def test_assignees_are_people_me_or_nobody(queue):
    anna = builders.user("anna", organization=None)
    builders.Membership.objects.create(user=anna, organization_id=scope.current(), role="operator")
    hers, nobodys = desk.document(queue, "T-1", assignee=anna), desk.document(queue, "T-2")

    mine = Predicate.read({"assignee": "me"}, me=anna.pk)

    assert list(mine.documents()) == [hers]
    assert documents(assignee="none") == {nobodys.external_id}
    assert documents(assignee=f"none,{anna.pk}") == {"T-1", "T-2"}
    assert (mine.said(), read(assignee=str(anna.pk)).said()) == ("assigned to me", "assigned to anna")


def test_another_organizations_rows_are_never_found_and_their_names_never_told(queue):
    theirs = desk.attempt(desk.document(queue, "T-1"), "failed", "rejected")
    secret = builders.destination("Secret place")

    with scope.to(builders.organization().pk):
        predicate = read(ids=str(theirs.pk), destination=str(secret.pk))

        assert not predicate.attempts().exists()
        assert not predicate.documents().exists()
        assert "Secret" not in predicate.said()
    assert read(ids=str(theirs.pk)).attempts().exists()


def test_the_filters_in_words(queue):
    erp = builders.destination("ERP")

    said = read(reason="rejected", destination=str(erp.pk), since="24h", code="422,5xx", tries="2..").said()

    assert said == "rejected, at ERP, answered 422 or 500 to 599, tried at least 2 times, in the last 24 hours"
    assert read().said() == ""
    assert read(ids="1,2,3").said() == "3 selected attempts"
    assert read(arrived="2026-11-01..1d").said() == "arrived since 2026-11-01 and until 1 day ago"


def test_every_filter_has_a_meaning_and_words():
    meant = conditions.OF_ATTEMPTS.keys() | conditions.OF_DOCUMENTS.keys()

    assert meant | {"q"} == PARAMETERS.keys() == wording._WORDS.keys()
    assert conditions.OF_ATTEMPTS.keys() & conditions.OF_DOCUMENTS.keys() == set()
    assert {key for key, _, _ in looks.TABS} < set(PARAMETERS["tab"].allowed.replace(",", "").split())


def test_a_filter_is_changed_or_taken_away(organization):
    predicate = read(reason="rejected", since="24h")

    assert predicate.having(reason="").query() == "since=24h"
    assert predicate.having(state="failed").query() == "reason=rejected&since=24h&state=failed"


def test_the_page_of_the_docs_lists_every_filter_as_the_code_reads_it():
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.+) \|$", Path("docs/lists.md").read_text(), re.MULTILINE)

    assert rows == [(one.name, one.title, one.allowed) for one in [*PARAMETERS.values(), FIELDS]]
