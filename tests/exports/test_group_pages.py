"""The pages of failure groups as the server writes them: what is shown to whom, what a form does, what it costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exports import grouping, groups
from exports.admin import sparkline
from exports.models import FailureGroup, Hint
from exports.states import GroupState
from tests import builders, desk

HOSTILE = "<script>alert(1)</script> of 4711"


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def signed_in(organization, role: str = "operator", name: str = "") -> Client:
    client = Client()
    client.force_login(builders.user(name, role=role, organization=organization))
    return client


def failed(
    queue, number: str, message: str = "Unknown supplier 4711", reason: str = "rejected", **values
) -> FailureGroup:
    attempt = desk.attempt(desk.document(queue, number), "failed", reason, message=message, stage="Send", **values)
    grouping.adopt()
    attempt.refresh_from_db()
    return attempt.group


def page(client: Client, name: str, *args, **query) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


LIST = "exports_failuregroup_changelist"
ONE = "exports_failuregroup_change"


def test_nothing_broken_is_said_kindly(organization, queue):
    assert "Nothing is broken" in page(signed_in(organization), LIST)
    failed(queue, "A")

    assert "None like that" in page(signed_in(organization), LIST, side="theirs")
    assert "None here" in page(signed_in(organization), LIST, state="ignored")


def test_the_list_shows_each_cause_once_with_its_documents_and_the_split(organization, queue):
    for number in range(3):
        failed(queue, f"S-{number}", f"Unknown supplier {number}")
    failed(queue, "D", "erp.example took nothing within 30 s.", "exhausted")

    shown = page(signed_in(organization), LIST)

    assert shown.count('class="desk-card desk-group"') == 2
    assert 'Unknown supplier <i class="desk-masked">value</i>' in shown
    assert "<b>3</b><span>" in shown
    assert shown.index("Unknown supplier") < shown.index("took nothing")
    assert "the last in this hour" in shown


def test_filters_narrow_the_list(organization, queue):
    anna = builders.user("anna", role="operator", organization=organization)
    mine, other = failed(queue, "A"), failed(queue, "B", "erp.example took nothing.", "exhausted")
    groups.assign(mine, anna, by=builders.owner())
    client = Client()
    client.force_login(anna)

    def found(**query):
        shown = page(client, LIST, **query)
        return ["supplier" in shown.split("desk-groups")[-1], "took nothing" in shown]

    assert found() == [True, True]
    assert found(side="theirs") == [False, True]
    assert found(owner="me") == [True, False]
    assert found(owner="none") == [False, True]
    assert found(q="took") == [False, True]
    groups.ignore(other, by=builders.owner(), note="known")
    assert found() == [True, False]
    assert found(state="ignored") == [False, True]
    assert "<b>1</b>" in page(client, LIST).split("They are down")[0][-200:]  # it still counts


def test_what_another_system_says_is_no_page(organization, queue):
    group = failed(queue, "A", HOSTILE)
    Hint.own(advice=HOSTILE, pattern="alert", position=1, link="https://wiki.example").save()
    groups.rename(group, HOSTILE, by=builders.owner())

    for shown in (
        page(signed_in(organization), LIST),
        page(signed_in(organization), ONE, group.pk),
        page(signed_in(organization), "exports_hint_changelist"),
    ):
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown


def test_a_viewer_reads_and_finds_no_button_and_is_refused(organization, queue):
    group = failed(queue, "A")
    viewer = signed_in(organization, "viewer")

    shown = page(viewer, LIST) + page(viewer, ONE, group.pk)

    assert f"{reverse('admin:exports_failuregroup_acknowledge', args=[group.pk])}" not in shown
    assert "Send all again" not in shown
    for verb in ("acknowledge", "snooze", "take", "assign", "ignore", "reopen", "rename", "merge", "unmerge", "split"):
        address = reverse(f"admin:exports_failuregroup_{verb}", args=[group.pk])
        assert viewer.post(address, {"note": "x", "until": "1h", "text": "Unknown"}).status_code == 403
        assert viewer.get(address).status_code == 405
    group.refresh_from_db()
    assert (group.state, group.owner_id) == (GroupState.OPEN, None)


def test_each_form_does_its_verb_and_says_so(organization, queue):
    group, other = failed(queue, "A"), failed(queue, "B", "Period 3 is closed")
    client = signed_in(organization, name="anna")

    def post(verb, on=group, **given):
        reply = client.post(reverse(f"admin:exports_failuregroup_{verb}", args=[on.pk]), given, follow=True)
        on.refresh_from_db()
        return reply.content.decode()

    assert "somebody knows" in post("acknowledge", back="list", query="state=open")
    assert group.state == GroupState.ACKNOWLEDGED
    assert "by itself" in post("snooze", until="monday")
    assert (group.state, group.snoozed_until.weekday(), group.snoozed_until.hour) == (GroupState.SNOOZED, 0, 8)
    assert "Choose until when" in post("snooze", until="never")
    assert "yours" in post("take")
    assert group.owner.username == "anna"
    assert "nobody" in post("assign", owner="")
    assert "Choose a member" in post("assign", owner="999999")
    assert "Say why" in post("ignore", note="")
    assert "still count" in post("ignore", note="known")
    assert "open again" in post("reopen")
    assert "name is kept" in post("rename", title="Suppliers")
    assert "Choose the group" in post("merge", into="")
    assert "taken back" in post("merge", into=str(other.pk))
    assert group.merged_into_id == other.pk
    assert "for itself" in post("unmerge")
    assert "No failure of this group" in post("split", text="Customer")


def test_a_split_leads_to_the_new_group(organization, queue):
    group = failed(queue, "A", "Supplier 4711")
    failed(queue, "B", "Supplier 4712")

    reply = signed_in(organization).post(reverse("admin:exports_failuregroup_split", args=[group.pk]), {"text": "4712"})

    child = FailureGroup.objects.get(split_from=group)
    assert reply.headers["Location"] == reverse(f"admin:{ONE}", args=[child.pk])


def test_another_organizations_group_is_not_found(organization, queue):
    group = failed(queue, "A")
    stranger = signed_in(builders.organization("Other"), "owner")

    assert stranger.get(reverse(f"admin:{ONE}", args=[group.pk])).status_code in {302, 404}
    assert stranger.post(reverse("admin:exports_failuregroup_take", args=[group.pk])).status_code in {302, 404}
    assert "Unknown supplier" not in page(stranger, LIST)


@pytest.mark.parametrize("name", ["list", "one"])
def test_a_page_asks_the_same_few_questions_whatever_its_length(organization, queue, name):
    client = signed_in(organization, "owner")
    first = failed(queue, "first")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, LIST) if name == "list" else page(client, ONE, first.pk)
        return len(queries)

    asked()
    few = asked()
    for number in range(12):
        failed(queue, f"A-{number}", f"Cause {'x' * number} of {number}", ["rejected", "exhausted"][number % 2])
        failed(queue, f"B-{number}", f"Unknown supplier {number}")
    other = FailureGroup.objects.exclude(pk=first.pk)[0]
    groups.merge([other], FailureGroup.objects.exclude(pk__in=[first.pk, other.pk])[0], by=builders.owner())

    assert asked() <= few + 1
    assert asked() <= 20


def test_hints_are_written_tried_ordered_and_deleted(organization, queue):
    group = failed(queue, "A")
    client = signed_in(organization)
    add = reverse("admin:exports_hint_add")

    assert "a rule for all is none" in client.post(add, {"advice": "x"}).content.decode()
    client.post(add, {"pattern": "unknown*supplier", "advice": "Call purchasing.", "active": "on"})
    client.post(add, {"reason": "rejected", "advice": "Look closer.", "active": "on"})

    one, two = Hint.objects.order_by("position")
    assert "Call purchasing." in page(client, LIST)
    assert "1 group" in page(client, "exports_hint_changelist")
    assert client.get(reverse("admin:exports_hint_fits"), {"pattern": "supplier"}).json() == {"said": "1 group"}
    client.post(reverse("admin:exports_hint_move", args=[two.pk]), {"to": "up"})
    assert "Look closer." in page(client, ONE, group.pk)
    client.post(reverse("admin:exports_hint_delete", args=[one.pk]), {"post": "yes"})
    assert list(Hint.objects.all()) == [two]
    assert signed_in(organization, "viewer").post(add, {"pattern": "x", "advice": "y"}).status_code == 403


def test_a_sparkline_says_in_words_what_it_draws():
    drawn = sparkline.draw([0, 0, 3, 1, 0], span="in the last 5 hours", unit="hour")

    assert sparkline.said([0, 0, 3, 1, 0], span="in the last 5 hours", unit="hour") == (
        "4 failures in the last 5 hours, the last 1 hour ago, at most 3 in one hour"
    )
    assert sparkline.said([0, 1], span="today", unit="hour") == "1 failure today, the last in this hour"
    assert sparkline.said([0, 0], span="today", unit="hour") == "No failure today"
    assert drawn.count("<rect") == 5
    assert drawn.count('class="is-none"') == 3
    assert 'height="24"' in drawn
