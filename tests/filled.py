"""An organization that has been at work for a month: rows of every kind in every state, some of them with very long
values, so that every page has something to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts import keys
from accounts.models import Organization, User
from audit import trail
from exports import contents, grouping, searching
from exports.models import (
    Alert,
    AlertRule,
    Attempt,
    Breaker,
    Claim,
    Document,
    EventDelivery,
    EventTry,
    FailureGroup,
    Hint,
    Job,
    JobItem,
    Push,
    SavedView,
    SourceState,
)
from exports.received import Files
from exports.states import ClaimState, GroupState, JobState, Reason, RunState, State, Status
from pipelines import channels, publishing, vault
from pipelines.blobs import Blob
from pipelines.contract import Received
from pipelines.models import Channel, Destination, Queue, Source, Trigger
from tests import builders, desk, editing

LONG = "Lieferanschrift-Abteilung-Eingangsrechnungen-" * 4
MESSAGES = {
    Reason.REJECTED: "Supplier 4711 (Acme Paper & Sons) is unknown. Create it, or correct the name.",
    Reason.MISCONFIGURED: 'There is no secret "erp_token".',
    Reason.EXHAUSTED: "erp.example took nothing within 30 s. Tried 6 times.",
    Reason.UNCONFIRMED: "erp.example took the request but did not answer to the end within 30 s.",
    Reason.TIMEOUT: "No receipt came for 2 days.",
    Reason.INTERNAL: f"A stage stopped without saying why: {LONG}",
}
REPLY = json.dumps({"error": {"code": "SUPPLIER_UNKNOWN", "trace": "0a1b2c3d" * 30}}).encode()
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>"
)


@dataclass
class Filled:
    """What has more than its newest row to look at."""

    documents: dict[str, Document]
    attempts: dict[str, Attempt]
    groups: dict[str, FailureGroup]
    jobs: dict[str, Job]


def fill(organization: Organization, queue: Queue, person: User) -> Filled:
    """All of it; `person` has views, documents and a group of their own."""
    now = timezone.now()
    _configuration(queue, now)
    documents = {status.value: _document(queue, status, person) for status in Status}
    documents["broken"] = builders.document(queue, [], external_id="Without fields or original")
    documents["long"] = desk.document(queue, LONG, file_name=f"{LONG}.pdf", metadata={LONG: LONG})
    _sources(queue, documents["exported"], now)
    attempts = dict(_attempts(queue, now))
    pushed = Push.own(document=documents["exported"], type="document.corrected", begun_at=now, refused=LONG)
    pushed.save()
    grouping.adopt()
    searching.index_new(500)
    _oversight(organization, attempts["rejected"], now)
    return Filled(documents, attempts, _groups(person, now), dict(_jobs(attempts, now)))


def _subscription(queue: Queue) -> None:
    """What is pushed when somebody corrects a document."""
    from pipelines.models import Subscription

    into = builders.queue("To the warehouse", pipeline=queue.pipeline, use_confirmed_state=False)
    Subscription.own(name="Master data", events=["document.corrected"], queues=[queue.pk], into=into).save()


def _configuration(queue: Queue, now: datetime) -> None:
    by = builders.owner()
    former = queue.pipeline
    made = editing.pipeline(queue)
    editing.change(made, "Judge", "'201'", "'201', '202'")
    publishing.publish(made, by=by, note="202 counts too")
    editing.change(made, "Judge", "'202'", "'204'")
    builders.pipeline(name="Nothing in it yet", description=LONG)
    builders.queue("A queue without a pipeline", metadata={"site": "Graz"})
    erp, archive = builders.destination("ERP", description="The books."), builders.destination("Archive (SFTP)")
    builders.destination(LONG[:190])
    archive.paused_at, archive.paused_why = now - timedelta(hours=2), "Moved to a new host until noon"
    archive.save()
    _subscription(queue)
    Breaker.own(
        destination=erp, why=MESSAGES[Reason.EXHAUSTED], first_at=now, opened_at=now - timedelta(minutes=20),
        retry_at=now + timedelta(seconds=70), attempts=[1], probes=3,
    ).save()  # fmt: skip
    vault.put("erp_password", "correct horse battery", by=by, destination=erp)
    vault.put("shared", "of all of them", by=by)
    Trigger.own(name="Every night", queue=queue, every_minutes=1440, last_at=now, last_count=12).save()
    Trigger.own(name="At once", queue=queue, on="confirmed", active=False).save()
    _rossum(erp, now)
    hook = Channel.own(name="ERP team", kind="webhook", events=["*"])
    channels.save(hook, by=by, address="https://erp.example/hook")
    Channel.objects.filter(pk=hook.pk).update(failures=9, failing_since=now, disabled_at=now, disabled_why="Gone: 410.")
    channels.save(
        Channel.own(name="Accounts", kind="email", events=["document.*"]), by=by, address="accounts@acme.example"
    )
    for delivered, failed in ((now, None), (None, now), (None, None)):
        of = EventDelivery.own(
            channel=hook, type="document.exported", subject="document:1", happened_at=now, delivered_at=delivered,
            failed_at=failed, due_at=None if delivered or failed else now,
            payload={"type": "document.exported", "timestamp": now.isoformat(), "data": {"title": LONG}},
        )  # fmt: skip
        of.save(force_insert=True)
        EventTry.own(delivery=of, begun_at=now, status=500, headers=[["Server", LONG]], body=LONG, error="500").save()
    Queue.objects.filter(pk=queue.pk).update(pipeline=former)
    queue.refresh_from_db()


def _rossum(erp: Destination, now: datetime) -> None:
    """A connected account with calls that were answered well, with an error, and not yet."""
    from exports.models import ExtensionCall
    from pipelines import rossumaccounts
    from pipelines.models import RossumAccount

    base = "https://acme.rossum.app"
    account = RossumAccount.own(
        name="Acme at Rossum", base_urls=[base, f"https://{'long-' * 11}.rossum.app"], destination=erp
    )
    rossumaccounts.save(account, by=builders.owner(), secrets=["the-signing-secret"])
    rossumaccounts.save(
        RossumAccount.own(name="Off", base_urls=[base], active=False),
        by=builders.owner(),
        secrets=["the-signing-secret"],
    )
    said = {"type": "error", "content": LONG}
    for number, messages in enumerate(([], [said], None)):
        ExtensionCall.own(
            account=account, extension="rest-api-export", hook=f"{base}/api/v1/hooks/{615 + number}",
            request_id=f"request-{number}", annotation=f"{base}/api/v1/annotations/70110", fingerprint="0" * 64,
            attempt=Attempt.objects.first(), failed=bool(messages), finished_at=None if messages is None else now,
            reply=None if messages is None else {"messages": messages},
        ).save()  # fmt: skip


def _sources(queue: Queue, document: Document, now: datetime) -> None:
    """One that works, with a claim in every state; one that fails, one that is paused, one that is new."""
    config = {"base_url": "https://acme.rossum.app/api/v1", "queues": [205], "username": "waybill"}
    given = {"kind": "rossum", "queue": queue, "config": config}
    works = Source.own(name="Acme's Confirmed tab", **given)
    fails = Source.own(name=LONG[:120], **given)
    paused = Source.own(name="Archive", paused_at=now, paused_why="Moved to a new host until noon", **given)
    for source in (works, fails, paused, Source.own(name="New one", **given)):
        source.save()
    SourceState.own(source=works, last_at=now, last_found=7, last_taken=2, lag_seconds=4000).save()
    SourceState.own(source=fails, errors=9, error=MESSAGES[Reason.EXHAUSTED], reason="exhausted", error_at=now).save()
    for number, state in enumerate(ClaimState):
        Claim.own(
            source=works, key=f"https://acme.rossum.app/api/v1/annotations/{LONG[:60]}{number}", version="1", state=state,
            document=document if number else None, outcome="failed" if state == ClaimState.REPORTED else "",
            message=MESSAGES[Reason.REJECTED], error=LONG if number % 2 else "", tries=number, rounds=1 + number % 2,
        ).save()  # fmt: skip


def _document(queue: Queue, status: Status, person: User) -> Document:
    made = desk.document(queue, f"INV-{status}", status=status, file_name="invoice.pdf", media_type="application/pdf")
    _original(made)
    _received(made)
    if status == Status.REVIEWING:
        made.reviewer, made.review_began_at, made.reviewed_from = f"user:{person}", timezone.now(), Status.TO_REVIEW
    made.assignee = person
    made.save()
    return made


def _received(of: Document) -> None:
    """A file that came beside the original."""
    file = Received("received.1.1", "scans/2026", Blob.of(PDF, name="delivery-0007.pdf", media_type="application/pdf"))
    with Files([file], of.organization_id) as kept:
        kept.attach(of)


def _original(of: Document) -> None:
    of.original = contents.keep(PDF, of.organization_id)
    of.original.save()


def _attempts(queue: Queue, now: datetime) -> Iterator[tuple[str, Attempt]]:
    for state in State:
        for reason in Reason if state == State.FAILED else [""]:
            document = desk.document(queue, f"{state} {reason}".strip())
            message = MESSAGES[reason] if reason else ""
            made = desk.attempt(
                document, state, reason, message=message, stage="Send" if message else "",
                http_status=422 if reason == Reason.REJECTED else None,
            )  # fmt: skip
            _runs(made, reason)
            if state == State.WAITING:
                made.due_at, made.tries, made.message = now + timedelta(minutes=9), 2, MESSAGES[Reason.EXHAUSTED]
            made.parked_on = "the bank's receipt" if state == State.PARKED else ""
            made.save()
            yield reason or state.value, made
    for number in range(60):
        made = desk.attempt(
            desk.document(queue, f"F-{number}"), "failed", "rejected", message=MESSAGES[Reason.REJECTED], stage="Send"
        )
        Attempt.objects.filter(pk=made.pk).update(finished_at=now - timedelta(hours=number))


def _runs(of: Attempt, reason: str) -> None:
    rendered = desk.run(of, "Render", kind="template")
    desk.artifact(rendered, "out", b'{"number": "INV-1", "lines": []}', "application/json")
    if not reason:
        return
    unseen = reason == Reason.UNCONFIRMED
    sent = desk.run(
        of, "Send", RunState.FAILED, 1, note=of.message, marked_at=of.created_at if unseen else None,
        traceback='Traceback (most recent call last):\n  File "send.py", line 1\n' if reason == "internal" else "",
    )  # fmt: skip
    timings = {"dns": 2, "connect": 8, "tls": 21, "first_byte": 190, "total": 240}
    desk.exchange(sent, sent=b'{"number": "INV-1"}', reply=b"" if unseen else REPLY, status=None if unseen else 422, timings=timings)  # fmt: skip
    desk.run(of, "Judge", RunState.BLOCKED, 2, kind="evaluate", note='"Send" failed.')


def _groups(person: User, now: datetime) -> dict[str, FailureGroup]:
    found = {group.reason: group for group in FailureGroup.objects.all()}
    for reason, values in {
        "timeout": {"state": GroupState.SNOOZED, "snoozed_until": now + timedelta(hours=3)},
        "internal": {"state": GroupState.IGNORED, "note": "A test of ours"},
        "misconfigured": {"state": GroupState.ACKNOWLEDGED, "owner": person, "title": LONG[:190]},
    }.items():
        FailureGroup.objects.filter(pk=found[reason].pk).update(**values)
    merged = FailureGroup.own(signature="m" * 64, reason="rejected", pattern="Supplier missing", attempts_seen=3)
    merged.merged_into = found["rejected"]
    merged.save()
    Hint.own(pattern="supplier*unknown", advice="Ask purchasing to set it up.", link="https://wiki.example/s").save()
    Hint.own(pattern=LONG, advice=LONG, active=False, position=1).save()
    for page, name, shared in (("documents", "Mine", False), ("attempts", "The ERP's failures", True)):
        SavedView.own(page=page, name=name, owner=person, shared=shared, query="q=INV").save()
    return found


def _jobs(attempts: dict[str, Attempt], now: datetime) -> Iterator[tuple[str, Job]]:
    refused = attempts["succeeded"]
    for state in JobState:
        job = Job.own(
            kind="requeue", predicate={"reason": "rejected"}, requested_by="user:olga", why="The suppliers exist now",
            token=state, state=state, expected=9, total=9, todo=8, done=8 if state == JobState.FINISHED else 3,
            options={"canary": 2, "stop_above": 20}, begun_at=now - timedelta(minutes=4),
            finished_at=now if state == JobState.FINISHED else None,
            cancelled_at=now if state == JobState.CANCELLED else None,
            paused_why="3 of 5 failed again" if state == JobState.PAUSED else "",
        )  # fmt: skip
        job.save()
        outcomes = (("done", "", "failed"), ("refused", "It has succeeded.", ""), ("excluded", LONG, ""), ("", "", ""))
        for position, (outcome, said, result) in enumerate(outcomes):
            JobItem.own(
                job=job, position=position, document=refused.document, attempt=refused, outcome=outcome, said=said,
                result=result,
            ).save()  # fmt: skip
        yield state.value, job


def _oversight(organization: Organization, failed: Attempt, now: datetime) -> None:
    by = builders.owner()
    AlertRule.own(kind="overdue", minutes=600).save()
    for number, (ended, seen) in enumerate(((None, None), (now, None), (now, now))):
        Alert.own(
            kind="overdue", key=f"key {number}", type="exports.overdue", subject="queue:1",
            title=f"Invoices: a document is undelivered for {number + 5} h", said=LONG, facts=[["Oldest", LONG]],
            link="/admin/exports/document/", ended_at=ended, acknowledged_at=seen,
        ).save()  # fmt: skip
    key, _ = keys.create(by, "robot of the ERP", "operator")
    keys.revoke(key, by=by)
    keys.create(by, "robot of the archive", "viewer", now + timedelta(days=30))
    for role in ("viewer", "operator", "auditor"):
        builders.user(f"{role}@acme.example", role=role if role != "auditor" else "viewer", organization=organization)
    for subject in (f"document:{failed.document_id}", f"attempt:{failed.pk}"):
        trail.record(
            "attempt.queue", subject, organization_id=organization.pk, actor="user:olga", why=LONG, detail={"to": LONG}
        )
