"""The fast way in leaves the same rows as the ORM's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit import rows, trail
from audit.models import Event
from exports.ids import uuid7
from exports.models import Artifact, Attachment, Content, Document, Exchange, FieldsVersion, StageRun
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")

AT = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
WHOLE = datetime(2026, 3, 2, 8, 0, 0, 0, tzinfo=UTC)


def run_of(attempt, **values):
    return StageRun.own(id=uuid7(), attempt=attempt, name="a", kind="act", position=1, begun_at=AT, **values)


def stored(model, pk):
    return model.unscoped.filter(pk=pk).values().get()


def test_every_column_is_stored_as_the_orm_would(organization):
    attempt = builders.attempt({"name": "a", "kind": "act"})
    content = Content.own(id=uuid7(), sha256="ab", size=3, inline=b"\x00\xff\x01")
    run = run_of(
        attempt, messages=[{"ü": None}], checkpoint={"next": 1}, marked_at=AT, finished_at=WHOLE, note="it’s 100 %"
    )
    exchange = Exchange.own(
        id=uuid7(), run=run, attempt=attempt, purpose="request", method="POST", url="http://x/%s", request_headers=[["a", "b"]],
        request_content=content, status=201, timings={"dns": 0.5}, begun_at=AT,
    )  # fmt: skip
    written = {Content: content, StageRun: run, Exchange: exchange}

    for model, row in written.items():
        rows.insert(model, [row])
    fast = {model: stored(model, row.pk) for model, row in written.items()}
    Exchange.unscoped.all().delete()
    StageRun.unscoped.all().delete()
    Content.unscoped.filter(pk=content.pk).delete()
    for model, row in written.items():
        model.unscoped.bulk_create([row])

    assert fast == {model: stored(model, row.pk) for model, row in written.items()}
    assert StageRun.objects.get(marked_at=AT, finished_at=WHOLE).pk == run.pk


@pytest.mark.parametrize(
    "text",
    ["it's", '"q"', "a\\b\\u0041", "%s %(a)s {b}", "$1 ::json", "line\nfeed\ttab", "Žluťoučký 🚚", "\u2028", "'); --"],
)
def test_text_and_json_arrive_as_they_were(text):
    attempt = builders.attempt({"name": "a", "kind": "act"})
    run = run_of(attempt, note=text, messages=[{text: [text, 1, 1.25, 10**20, True, None]}], progress={})

    rows.insert(StageRun, [run])

    kept = StageRun.objects.get(pk=run.pk)
    assert (kept.note, kept.messages) == (text, [{text: [text, 1, 1.25, 10**20, True, None]}])
    assert (kept.progress, kept.checkpoint) == ({}, None)


def test_an_update_of_many_rows_leaves_columns_whose_value_is_none():
    attempt = builders.attempt({"name": "a", "kind": "act"})
    other = builders.document(attempt.document.queue)
    rows.update(Document, ["messages", "exported_at"], [(attempt.document_id, [{"a": "ü"}], AT), (other.pk, [], None)])

    rows.update(Document, ["messages", "exported_at"], [(attempt.document_id, None, None), (other.pk, [1], WHOLE)])

    kept = {row.pk: (row.messages, row.exported_at) for row in Document.objects.all()}
    assert kept == {attempt.document_id: ([{"a": "ü"}], AT), other.pk: ([1], WHOLE)}


def test_a_row_that_is_there_takes_over_what_is_named():
    attempt = builders.attempt({"name": "a", "kind": "act"})
    run = run_of(attempt, note="first")
    rows.insert(StageRun, [run])
    run.note, run.kind = "second", "changed"

    rows.insert(StageRun, [run], update=["note"])

    kept = StageRun.objects.get(pk=run.pk)
    assert (kept.note, kept.kind) == ("second", "act")


def test_a_row_that_is_there_is_left_alone_where_nothing_is_named():
    content = Content.own(id=uuid7(), sha256="ab", size=3, inline=b"one")
    rows.insert(Content, [content])
    content.inline = b"two"

    rows.insert(Content, [content])

    assert bytes(Content.objects.get(pk=content.pk).inline) == b"one"


def test_rows_whose_ids_the_database_gives(organization):
    rows.insert(
        Event,
        [trail.event("a.b", f"x:{n}", organization_id=organization.pk, actor="t", detail={"n": n}) for n in range(3)],
    )

    assert list(Event.objects.filter(verb="a.b").order_by("id").values_list("detail", flat=True)) == [
        {"n": 0},
        {"n": 1},
        {"n": 2},
    ]


def test_a_row_with_the_same_unique_values_takes_over_what_is_named():
    attempt = builders.attempt({"name": "a", "kind": "act"})
    run, content = run_of(attempt), Content.own(id=uuid7(), sha256="ab", size=3, inline=b"one")
    rows.insert(StageRun, [run])
    rows.insert(Content, [content])
    made = [
        Artifact.own(id=uuid7(), attempt=attempt, run=run, key="k", name=name, content=content, size=3, sha256="ab")
        for name in ("first", "second")
    ]
    rows.insert(Artifact, made)

    for artifact in made:
        attached = Attachment.own(document=attempt.document, key="k", artifact=artifact)
        rows.insert(Attachment, [attached], update=["artifact"], unique=["document_id", "key"])

    assert Attachment.objects.get().artifact == made[1]


def test_ids_that_the_database_gives_come_back_by_what_is_unique():
    attempt = builders.attempt({"name": "a", "kind": "act"})
    other = builders.document(attempt.document.queue)
    versions = [
        FieldsVersion.own(document=document, number=7, content=[], by="t") for document in (attempt.document, other)
    ]

    ids = rows.insert_returning(FieldsVersion, versions, "document_id")

    stored = FieldsVersion.objects.filter(number=7).values_list("document_id", "id")
    assert ids == dict(stored)
    assert len(ids) == 2


@pytest.mark.parametrize("model", [StageRun, Exchange, Artifact, Content, Attachment, FieldsVersion, Event])
def test_a_row_made_quickly_is_the_row_its_constructor_makes(model):
    given = {"pk" if model is Event else "id": None} if model in (Attachment, FieldsVersion, Event) else {"id": uuid7()}
    names = [field.attname for field in model._meta.concrete_fields]
    quick, slow = rows.new(model, **({} if model in (Attachment, FieldsVersion, Event) else given)), model(**given)

    differing = [name for name in names if getattr(quick, name) != getattr(slow, name)]

    assert [name for name in differing if not name.endswith("_at") and name != "at"] == []
    assert quick._state.adding
    fresh = [name for name in names if isinstance(getattr(quick, name), list | dict)]
    assert all(getattr(quick, name) is not getattr(rows.new(model), name) for name in fresh)
