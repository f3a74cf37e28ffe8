"""A clerk's whole morning: 400 documents failed over night for five causes. At its end nothing is failed, nothing was
sent twice, and the audit trail tells the story. The servers are real; the clerk uses the pages, as a browser would."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import ExitStack

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import scope
from audit import proof, sealing
from audit.models import Event
from exports import attempts, groups, loop
from exports.bulk import working
from exports.models import Attempt, Document, FailureGroup, Job
from exports.states import GroupState, JobState, Reason, State, Status
from pipelines import publishing
from pipelines.models import Stage
from tests import builders
from tests.journeys.pretend_morning import Archive, Erp
from tests.servers import http

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

EACH = 80
CAUSES = ("unknown supplier", "closed period", "cut line", "credit note", "archive down")


def rendered(body: str) -> dict:
    return {
        "name": "Render", "kind": "template",
        "config": {"export_configs": [{"export_reference_key": "body", "file_content_template": body}]},
    }  # fmt: skip


def posted(url: str, destination, *, name: str) -> dict:
    request = {
        "url": url,
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "content": "#{file_content}",
    }
    return {
        "name": name, "kind": "rest_api", "destination": destination,
        "config": {"export_reference_key": "body", "request": request, "response_payload_reference_key": "reply"},
    }  # fmt: skip


INVOICE = """{"number": "{{ field.number }}", "supplier": "{{ field.supplier }}", "total": "{{ field.total }}",
 "period": "{{ field.period }}", "line": "{{ field.line }}"}"""
BROKEN = INVOICE + "{% if field.kind == 'credit' %}{{ (field.total | float) / 0 }}{% endif %}"


class Morning:
    """What the clerk has before them."""

    def __init__(self, stack: ExitStack) -> None:
        self.erp, self.archive = Erp(), Archive()
        erp, archive = stack.enter_context(http.running()), stack.enter_context(http.running())
        erp.otherwise, archive.otherwise = self.erp, self.archive
        near = {"allowed_networks": ["127.0.0.0/8"]}
        self.to_erp = builders.destination("ERP", **near)
        self.to_archive = builders.destination("Archive", **near)
        self.invoices = self._queue("Invoices", rendered(BROKEN), posted(erp.url, self.to_erp, name="Book"))
        self.scans = self._queue("Scans", rendered(INVOICE), posted(archive.url, self.to_archive, name="File"))
        self.of_cause = {cause: self._documents(cause) for cause in CAUSES}
        self.erp.suppliers = {"S-1"}

    @staticmethod
    def _queue(name: str, *stages: dict):
        draft = builders.pipeline(*stages, name=f"{name} pipeline", max_tries=1)
        publishing.publish(draft, by=builders.owner())
        return builders.queue(name, pipeline=draft)

    def _documents(self, cause: str) -> list[Document]:
        place = CAUSES.index(cause)
        made = []
        for number in range(EACH):
            fields = {
                "number": f"{place}{number:04d}", "supplier": "S-1", "total": f"{100 + number}.50", "period": "open",
                "line": "good", "kind": "invoice",
            }  # fmt: skip
            if cause == "unknown supplier":
                fields["supplier"] = f"S-{1000 + number}"
            elif cause == "closed period":
                fields["period"] = "closed"
            elif cause == "cut line":
                fields["line"] = "bad"
            elif cause == "credit note":
                fields["kind"] = "credit"
            queue = self.scans if cause == "archive down" else self.invoices
            made.append(builders.document(queue, fields, external_id=f"{cause} {number}"))
        return made

    def night(self) -> None:
        """Everything is exported, and fails."""
        for document in Document.objects.order_by("pk"):
            attempts.start(document, by=builders.owner(), trigger="automatic")
        run_what_is_due()


def run_what_is_due() -> None:
    for pk in Attempt.objects.filter(state=State.QUEUED).order_by("pk").values_list("pk", flat=True):
        loop.run_now(pk)


class Clerk:
    """At the pages, with what a form needs and nothing else."""

    def __init__(self, organization, role: str = "operator") -> None:
        self.client = Client()
        self.user = builders.user(role, role=role, organization=organization)
        self.client.force_login(self.user)

    def page(self, name: str, *args: object, **query: object) -> str:
        answer = self.client.get(reverse(f"admin:{name}", args=args), query)
        assert answer.status_code == 200, answer.headers.get("Location", answer.status_code)
        return answer.content.decode()

    def press(self, name: str, *args: object, **form: object) -> str:
        answer = self.client.post(reverse(f"admin:{name}", args=args), form, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    def again(self, why: str, **asked: object) -> Job:
        """Three clicks: the group's button, a reason, Send again."""
        html = self.page("exports_job_new", verb="requeue", **asked)
        token = re.search(r'name="token" value="([^"]+)"', html).group(1)
        self.press("exports_job_new", verb="requeue", why=why, token=token, **asked)
        return Job.objects.get(token=token)


def finish(job: Job) -> Job:
    for _ in range(200):
        Job.objects.filter(pk=job.pk).update(next_at=None)
        working.advance(2)
        run_what_is_due()
        job.refresh_from_db()
        if job.state in {JobState.FINISHED, JobState.PAUSED}:
            return job
    message = f"the job is still {job.state}"
    raise AssertionError(message)


def group_of(document: Document) -> FailureGroup:
    return document.attempts.order_by("-number").first().group


@pytest.fixture
def morning(organization, settings):
    settings.BREAKER_FAILURES = 0  # else most of what goes to the archive would wait behind its breaker, not fail
    with ExitStack() as stack:
        made = Morning(stack)
        made.night()
        yield made


def test_the_morning_of_a_clerk(morning, organization):
    clerk = Clerk(organization)
    found = {cause: {group_of(document).pk for document in some} for cause, some in morning.of_cause.items()}
    by_cause = {cause: FailureGroup.objects.get(pk=pk) for cause, (pk,) in found.items()}

    # 9:00. Five causes, none split and none merged, and whose fault each is.
    assert len({group.pk for group in by_cause.values()}) == FailureGroup.objects.count() == 5
    assert {cause: group.reason for cause, group in by_cause.items()} == {
        "unknown supplier": Reason.REJECTED, "closed period": Reason.REJECTED, "cut line": Reason.UNCONFIRMED,
        "credit note": Reason.MISCONFIGURED, "archive down": Reason.EXHAUSTED,
    }  # fmt: skip
    html = clerk.page("exports_failuregroup_changelist")
    assert html.count("data-row") >= 5 or all(group.stage in html for group in by_cause.values())
    assert Document.objects.filter(status=Status.FAILED_EXPORT).count() == 5 * EACH

    # The archive is down: hold it, tell the others, and go on when it is back.
    clerk.press("pipelines_destination_pause", morning.to_archive.pk, why="down for maintenance until ten")
    clerk.press("exports_failuregroup_acknowledge", by_cause["archive down"].pk, note="maintenance until ten")
    waiting = clerk.again("it will be back at ten", group=by_cause["archive down"].pk, open=1)
    assert morning.archive.kept == Counter()
    morning.archive.up = True
    clerk.press("pipelines_destination_resume", morning.to_archive.pk)
    assert finish(waiting).state == JobState.FINISHED

    # One supplier number was a typo: corrected in the document. The others were missing in the ERP.
    typo = morning.of_cause["unknown supplier"][0]
    correct(clerk, typo, "supplier", "S-1", why="a typo")
    clerk.press("exports_attempt_requeue", typo.attempts.get().pk, why="the supplier is right now")
    run_what_is_due()
    typo.refresh_from_db()
    assert typo.status == Status.EXPORTED
    morning.erp.suppliers |= {f"S-{1000 + number}" for number in range(EACH)}
    assert finish(clerk.again("added to the ERP", group=by_cause["unknown supplier"].pk, open=1)).done == EACH - 1

    # The period looks open, but is not: the canary says so, and nothing else was sent.
    careful = clerk.again("the period is open", group=by_cause["closed period"].pk, open=1, canary=2)
    assert finish(careful).state == JobState.PAUSED
    assert sum(morning.erp.asked[document_number(d)] for d in morning.of_cause["closed period"]) == EACH + 2
    morning.erp.open_period = True
    clerk.press("exports_job_go_on", careful.pk)
    assert finish(careful).state == JobState.FINISHED
    finish(clerk.again("the canaries, too", group=by_cause["closed period"].pk, open=1))

    # The template divides by zero for credit notes: ours. The integrator mends and publishes it.
    stage = Stage.objects.get(pipeline=morning.invoices.pipeline, name="Render")
    stage.config = json.dumps(rendered(INVOICE)["config"])
    stage.save()
    publishing.publish(morning.invoices.pipeline, by=builders.owner(), note="credit notes have no rate")
    assert finish(clerk.again("mended and published", group=by_cause["credit note"].pk, open=1)).done == EACH

    # Nobody knows what became of the cut ones: never in bulk, one by one, after a look into the ERP.
    refused = clerk.page("exports_job_new", verb="requeue", group=by_cause["cut line"].pk, open=1)
    assert "Outcome unknown: each needs a look" in refused
    assert 'name="token"' not in refused, "there is nothing to press"
    morning.erp.cutting = False
    for document in morning.of_cause["cut line"]:
        number, attempt = document_number(document), document.attempts.get()
        if morning.erp.booked[number]:
            clerk.press(
                "exports_attempt_settle", attempt.pk, delivered="yes", reference=f"ERP-{number}", why="seen there"
            )
        else:
            clerk.press("exports_attempt_settle", attempt.pk, delivered="no", why="not in their list")
    run_what_is_due()

    the_day_is_saved(morning, by_cause, organization)


def document_number(document: Document) -> str:
    return document.fields.content[0]["children"][0]["content"]["value"]


def correct(clerk: Clerk, document: Document, name: str, value: str, *, why: str) -> None:
    clerk.press("exports_document_send_back", document.pk, why=why)
    document.refresh_from_db()
    field = next(node for node in document.fields.content[0]["children"] if node["schema_id"] == name)
    clerk.press(
        "exports_document_correct", document.pk,
        **{f"field-{field['id']}": value, "version": str(document.fields.number), "why": why},
    )  # fmt: skip


def the_day_is_saved(morning: Morning, by_cause: dict[str, FailureGroup], organization) -> None:
    groups.tend(timezone.now())

    assert Counter(Document.objects.values_list("status", flat=True)) == {Status.EXPORTED: 5 * EACH}
    assert not Attempt.objects.filter(state=State.FAILED, resolution="").exists()
    assert {group.state for group in FailureGroup.objects.all()} == {GroupState.RESOLVED}
    booked = {document_number(d) for cause in CAUSES[:4] for d in morning.of_cause[cause]}
    assert morning.erp.booked == Counter(dict.fromkeys(booked, 1)), "each once, none twice, none missing"
    assert morning.archive.kept == Counter({document_number(d): 1 for d in morning.of_cause["archive down"]})
    settled = Event.objects.filter(verb="attempt.settle", actor="user:operator").count()
    assert settled == EACH // 2
    told = set(Event.objects.filter(actor="user:operator").values_list("verb", flat=True))
    assert told >= {
        "destination.pause", "destination.resume", "failure_group.acknowledge", "job.start", "job.go_on",
        "document.send_back", "document.correct", "attempt.settle",
    }  # fmt: skip
    while sealing.seal_new(limit=2000):
        pass
    with scope.to(organization.pk):
        assert proof.verify(organization.pk) == []
