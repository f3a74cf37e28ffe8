"""The whole admin and API as a stranger sees them: other organizations' rows, forms without a token, text that is a
page of its own, secrets."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import keys, scope
from accounts.models import ApiKey
from audit import trail
from exports.models import Artifact, Attempt, Document, Exchange, FailureGroup, Hint, Job, StageRun
from pipelines import vault
from pipelines.models import Destination, Pipeline, Queue, Revision, Schema, Secret, Stage, Trigger
from tests import builders, desk

MARK = "\"><script>alert(1)</script>'{{7*7}}"
SECRET = "hush-hush-0815"
KINDS = {
    "document": Document, "attempt": Attempt, "job": Job, "queue": Queue, "schema": Schema, "pipeline": Pipeline,
    "destination": Destination, "secret": Secret, "trigger": Trigger, "apikey": ApiKey, "stage": Stage,
    "failuregroup": FailureGroup, "hint": Hint,
}  # fmt: skip


@pytest.fixture
def filled(organization):
    """An organization with a row of every kind, each with a name that would be a page, and a secret."""
    by = builders.owner()
    to = builders.destination(f"To {MARK}", description=MARK)
    vault.put("token", SECRET, by=by, destination=to)
    keys.create(by, f"robot {MARK}", "operator")
    template = {"name": f"Render {MARK}", "kind": "template", "config": desk.TEMPLATE, "destination": to}
    pipeline = builders.pipeline(template, name=f"P {MARK}", description=MARK)
    from pipelines import publishing

    publishing.publish(pipeline, by=by, note=MARK)
    pipeline.refresh_from_db()
    node = {"category": "datapoint", "id": "number", "type": "string", "label": MARK}
    queue = builders.queue(f"Q {MARK}", pipeline=pipeline, schema=builders.schema(node, name=f"S {MARK}"))
    document = builders.document(
        queue, {"number": MARK, "document_id": MARK}, external_id=f"d {MARK}", file_name=MARK, metadata={MARK: MARK}
    )
    attempt = desk.attempt(document, "failed", "rejected", message=MARK, stage=MARK)
    run = desk.run(attempt, MARK, "failed", note=MARK, place=MARK, traceback=MARK)
    trail.record(
        f"document.{MARK}"[:60], f"document:{document.pk}", organization_id=organization.pk, actor=MARK, why=MARK
    )
    Trigger.own(name=MARK, queue=queue).save()
    Job.own(kind="requeue", predicate={"ids": str(attempt.pk)}, requested_by=MARK, why=MARK, token="t").save()
    FailureGroup.own(signature="0" * 64, reason="rejected", pattern=MARK, sample=MARK, title=MARK, note=MARK).save()
    Hint.own(pattern=MARK, advice=MARK).save()
    return {"run": run, "organization": organization}


def patterns(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield prefix + str(entry.pattern), entry


def addresses(organization):
    """Every address of the admin that the rows of one organization have."""
    with scope.to(organization.pk):
        ids = {name: model.objects.values_list("pk", flat=True).first() for name, model in KINDS.items()}
        more = {
            "exchange_id": Exchange.objects.values_list("pk", flat=True).first(),
            "artifact_id": Artifact.objects.values_list("pk", flat=True).first(),
            "number": Revision.objects.values_list("number", flat=True).first(),
        }
    found = []
    for pattern, _entry in patterns():
        if not pattern.startswith("admin/") or "^" in pattern:
            continue
        address = "/" + pattern
        model = pattern.split("/")[2] if pattern.count("/") > 2 else ""
        for name, pk in ids.items():
            address = address.replace(f"<int:{name}_id>", str(pk))
        address = address.replace("<int:key_id>", str(ids["apikey"])).replace("<str:side>", "reply")
        for name, pk in more.items():
            address = address.replace(f"<uuid:{name}>", str(pk)).replace(f"<int:{name}>", str(pk))
        address = address.replace("<path:object_id>", str(ids.get(model)))
        if "<" not in address and "None" not in address:
            found.append(address)
    assert len(found) > 60
    return found


def signed_in(organization, role="owner", **client) -> Client:
    made = Client(**client)
    made.force_login(builders.user(role=role, organization=organization))
    return made


def of_rows(address: str) -> bool:
    return any(part.isdigit() for part in address.split("/"))


def test_no_page_shows_a_name_as_markup_or_a_secret(filled):
    owner = signed_in(filled["organization"])

    shown = {address: owner.get(address, follow=True) for address in addresses(filled["organization"])}

    assert {address: page.status_code for address, page in shown.items() if page.status_code >= 500} == {}
    for address, page in shown.items():
        body = b"".join(page.streaming_content) if page.streaming else page.content
        if not page.headers["Content-Type"].startswith("application/json"):  # which no browser takes for a page
            assert b"<script>alert(1)" not in body, address
        assert SECRET.encode() not in body, address


def test_no_address_of_one_organization_answers_another(filled):
    stranger = signed_in(builders.organization("Other"))
    rows = [address for address in addresses(filled["organization"]) if of_rows(address)]

    for address in rows:
        for answer in (stranger.get(address), stranger.post(address, {"why": "mine", "stage": "1"})):
            assert answer.status_code in {302, 403, 404, 405}, (address, answer.status_code)
            if answer.status_code == 302:
                to = answer.headers["Location"]  # home, to sign in, or to the page of the row, which is not found
                assert to in {"/admin/", f"{address}change/"} or "/login/" in to, (address, to)


def test_nothing_is_changed_without_the_token_of_a_form(filled):
    owner = signed_in(filled["organization"], enforce_csrf_checks=True)

    answers = {address: owner.post(address, {"why": "x"}).status_code for address in addresses(filled["organization"])}

    assert {address: code for address, code in answers.items() if code not in {403, 404, 405}} == {}


def test_a_key_of_one_organization_finds_nothing_of_another_over_the_api(filled):
    with scope.to(None):
        other = builders.organization("Other")
    with scope.to(other.pk):
        _, plain = keys.create(builders.owner(), "robot", "owner")
    run = StageRun.unscoped.get(pk=filled["run"].pk)
    client = Client(headers={"authorization": f"Bearer {plain}"})
    first = {
        name: model.unscoped.values_list("pk", flat=True).first() for name, model in KINDS.items() if name != "apikey"
    }

    paths = [
        *(f"/api/v1/{name}s/{first[name]}" for name in ("document", "attempt", "job", "queue", "schema", "pipeline")),
        f"/api/v1/destinations/{first['destination']}",
        f"/api/v1/stage-runs/{run.pk}",
        f"/api/v1/pipelines/{first['pipeline']}/stages/{first['stage']}",
        f"/api/v1/documents/{first['document']}/original",
    ]

    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)


def test_signing_in_changes_the_session_so_that_none_can_be_fixed(organization):
    builders.user("anna", organization=organization)
    client = Client()
    client.get("/admin/login/")
    client.session.save()
    before = client.session.session_key

    client.post("/admin/login/", {"username": "anna", "password": "correct horse"})

    assert client.session.session_key != before
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
