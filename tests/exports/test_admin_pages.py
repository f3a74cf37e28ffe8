"""The desk's pages as the server writes them: who sees which button, hostile bytes, constant queries, GET changes
nothing."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from config.desk import navigation
from config.templatetags import emptiness
from exports.bulk import working
from exports.models import Attempt, Document, FailureGroup, JobItem
from exports.states import State, Status
from tests import builders, desk

HOSTILE = b'{"message":"<script>alert(1)</script><img src=x onerror=alert(2)>"}'


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def signed_in(organization, role: str) -> Client:
    client = Client()
    client.force_login(builders.user(role=role, organization=organization))
    return client


def page(client: Client, name: str, *args, **query) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_a_viewer_reads_every_page_and_finds_no_button(organization, queue):
    document = desk.document(queue)
    attempt = desk.attempt(document, "failed", "rejected", message="Unknown supplier.", stage="Send")
    viewer = signed_in(organization, "viewer")

    of_document = page(viewer, "exports_document_change", document.pk)
    of_attempt = page(viewer, "exports_attempt_change", attempt.pk)

    assert "Unknown supplier." in of_attempt
    for action in ("confirm", "export", "send_back", "postpone", "reject", "remove"):
        assert f'action="../{action}/"' not in of_document
    for action in ("requeue", "cancel", "settle"):
        assert reverse(f"admin:exports_attempt_{action}", args=[attempt.pk]) not in of_attempt
    assert "Your role does not include this." in of_document
    assert "Your role does not include this." in of_attempt
    assert "panel-correct" not in of_document


@pytest.mark.parametrize("action", ["confirm", "export", "send_back", "postpone", "reject", "remove", "correct"])
def test_a_viewer_who_posts_to_a_document_anyway_is_refused(organization, queue, action):
    document = desk.document(queue, status="to_review")
    field = document.fields.content[0]["children"][0]

    response = signed_in(organization, "viewer").post(
        reverse(f"admin:exports_document_{action}", args=[document.pk]),
        {f"field-{field['id']}": "INV-9", "version": "1"},
    )

    assert response.status_code == 403
    document.refresh_from_db()
    assert (document.status, document.fields.number) == (Status.TO_REVIEW, 1)


@pytest.mark.parametrize("action", ["requeue", "cancel", "settle"])
def test_a_viewer_who_posts_to_an_attempt_anyway_is_refused(organization, queue, action):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed")

    response = signed_in(organization, "viewer").post(
        reverse(f"admin:exports_attempt_{action}", args=[attempt.pk]), {"why": "because", "delivered": "no"}
    )

    assert response.status_code == 403
    assert Attempt.objects.count() == 1


def test_a_get_never_changes_anything(organization, queue):
    document = desk.document(queue, status="to_review")
    attempt = desk.attempt(desk.document(queue, "INV-2"), "failed", "rejected")
    owner = signed_in(organization, "owner")
    before = (Event.objects.count(), Attempt.objects.count())
    addresses = [
        *(reverse(f"admin:exports_document_{name}", args=[document.pk])
          for name in ("confirm", "export", "send_back", "postpone", "reject", "remove", "correct")),
        *(reverse(f"admin:exports_attempt_{name}", args=[attempt.pk]) for name in ("requeue", "cancel", "settle")),
        reverse("admin:switch_organization"),
    ]  # fmt: skip

    answers = {address: owner.get(address).status_code for address in addresses}

    assert set(answers.values()) == {405}, answers
    assert (Event.objects.count(), Attempt.objects.count()) == before
    document.refresh_from_db()
    assert document.status == Status.TO_REVIEW


def test_another_organizations_rows_are_not_found(organization, queue):
    document = desk.document(queue)
    attempt = desk.attempt(document, "failed", "rejected")
    artifact = desk.artifact(desk.run(attempt), "out", b"ours")
    stranger = signed_in(builders.organization("Other"), "owner")

    answers = [
        stranger.get(reverse("admin:exports_document_change", args=[document.pk])).status_code,
        stranger.get(reverse("admin:exports_attempt_change", args=[attempt.pk])).status_code,
        stranger.get(reverse("admin:exports_attempt_artifact", args=[artifact.pk])).status_code,
        stranger.get(reverse("admin:pipelines_pipeline_change", args=[queue.pipeline_id])).status_code,
        stranger.post(reverse("admin:exports_attempt_requeue", args=[attempt.pk]), {"why": "mine now"}).status_code,
    ]

    assert answers == [404, 404, 404, 404, 404]
    assert "INV-1" not in page(stranger, "exports_document_changelist")


def test_a_hostile_reply_is_shown_as_text(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected", message="<b>bold</b>")
    run = desk.run(attempt, state="failed", note="<script>alert(3)</script>")
    desk.exchange(run, reply=HOSTILE, status=422, reply_headers=[["X-Evil", "<script>alert(4)</script>"]])
    desk.artifact(run, "page", b"<script>alert(5)</script>", "text/html")

    html = page(signed_in(organization, "viewer"), "exports_attempt_change", attempt.pk)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for number in range(1, 6):
        assert f"<script>alert({number})" not in html
    assert "<img src=x" not in html
    assert "<b>bold</b>" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)


def test_a_body_is_only_ever_downloaded_and_never_run(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected")
    exchange = desk.exchange(desk.run(attempt), reply=b"<html><script>alert(1)</script></html>")

    response = signed_in(organization, "viewer").get(reverse("admin:exports_attempt_body", args=[exchange.pk, "reply"]))

    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert b"".join(response.streaming_content) == b"<html><script>alert(1)</script></html>"


def test_a_capped_body_says_how_much_there_was(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "exhausted")
    desk.exchange(desk.run(attempt), reply=b"x" * 65536, reply_size=3_250_585, reply_truncated=True, status=503)

    html = page(signed_in(organization, "viewer"), "exports_attempt_change", attempt.pk)

    assert "kept 64 KB of 3.1 MB" in html


def test_a_mark_without_its_end_is_shown_as_an_unknown_outcome(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed")
    desk.run(attempt, state="failed", marked_at=attempt.created_at)

    html = page(signed_in(organization, "operator"), "exports_attempt_change", attempt.pk)

    assert "nobody saw it end" in html
    assert "It arrived" in html
    assert "It did not arrive" in html


@pytest.mark.parametrize("name", ["exports_document_changelist", "exports_attempt_changelist", "index"])
def test_a_list_asks_the_same_few_questions_whatever_its_length(organization, queue, name):
    client = signed_in(organization, "owner")

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, name)
        return len(queries)

    for index in range(3):
        desk.attempt(desk.document(queue, f"A-{index}"), "failed", "rejected")
    few = asked()
    for index in range(25):
        desk.attempt(desk.document(queue, f"B-{index}"), "failed", "exhausted")
    many = asked()

    assert many == few
    assert many < 20


def test_no_list_reads_a_body(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected")
    desk.exchange(desk.run(attempt), reply=HOSTILE)
    client = signed_in(organization, "owner")

    with CaptureQueriesContext(connection) as queries:
        page(client, "exports_attempt_changelist")

    assert [query["sql"] for query in queries if "exports_content" in query["sql"] or "inline" in query["sql"]] == []


def test_every_page_forbids_scripts_of_its_own_and_of_others(organization, queue):
    response = signed_in(organization, "owner").get(reverse("admin:index"))

    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "default-src 'none';" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_superusers_see_the_accounts_and_others_do_not(organization):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))

    assert root.get("/admin/accounts/user/").status_code == 200
    assert signed_in(organization, "owner").get("/admin/accounts/user/").status_code == 403


@pytest.mark.parametrize("app", ["accounts", "audit", "exports", "pipelines"])
def test_an_app_is_no_page_and_leads_home(organization, app):
    response = signed_in(organization, "owner").get(f"/admin/{app}/")

    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_djangos_groups_grant_nothing_and_are_not_in_the_admin(organization):
    root = Client()
    root.force_login(User.objects.create_superuser("root"))

    assert root.get("/admin/auth/group/").status_code == 404


def test_a_page_stands_where_the_sidebar_says(organization, queue):
    owner = signed_in(organization, "owner")
    group = FailureGroup.own(signature="a" * 64, reason="rejected", pattern="inv unknown")
    group.save()

    crumbs = [
        re.findall(r'class="desk-crumb[^>]*>([^<]*)<', page(owner, *where))
        for where in (("exports_failuregroup_changelist",), ("exports_failuregroup_change", group.pk))
    ]

    assert crumbs == [["Failed exports"], ["Failed exports", "inv unknown"]]


def test_a_job_cannot_be_made_of_another_organizations_attempts(organization, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected")
    stranger = signed_in(builders.organization("Other"), "owner")

    asked = {"verb": "requeue", "ids": str(attempt.pk), "why": "mine", "token": "t"}
    stranger.post(reverse("admin:exports_job_new"), asked)
    working.advance(1)

    assert JobItem.unscoped.count() == 0
    assert Attempt.unscoped.get().state == State.FAILED
    assert Document.unscoped.get().status == Status.FAILED_EXPORT


def test_an_empty_list_says_what_would_stand_there(organization):
    owner = signed_in(organization, "owner")

    begun, searched = (
        page(owner, "pipelines_destination_changelist"),
        page(owner, "pipelines_destination_changelist", q="x"),
    )

    assert "A destination is a system that documents are exported to." in begun
    assert "Make the first" in begun
    assert "Nothing matches" in searched
    assert "A destination is a system" not in searched


def test_every_list_of_the_sidebar_has_words_for_having_no_rows(organization):
    lists = {str(entry["link"]) for section in navigation(None) for entry in section["items"]}
    ours = {reverse(f"admin:{label.replace('.', '_')}_changelist") for label in emptiness.NOTHING}
    # pages of their own, or never without a row
    never = {"index", *(f"{name}_changelist" for name in (
        "exports_failuregroup", "exports_document", "exports_attempt", "exports_alertrule", "accounts_organization", "accounts_user"
    ))}  # fmt: skip

    assert lists == ours | {reverse(f"admin:{name}") for name in never}
