"""Fail closed: whatever the door, no organization in context finds nothing, and one finds only its own."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest
from asgiref.sync import sync_to_async
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count
from django.shortcuts import get_object_or_404

from accounts import scope
from accounts.scope import OutOfScope
from pipelines.models import Destination, Pipeline, Queue, Schema, Stage
from tests import builders


@pytest.fixture
def stranger(db):
    return builders.organization("Stranger")


@pytest.fixture
def theirs(stranger):
    """A queue of the other organization, with a schema and a pipeline of one stage."""
    with scope.to(stranger.pk):
        schema = Schema.objects.create(name="Theirs")
        return builders.queue("Theirs", schema=schema, pipeline=builders.pipeline({"name": "a", "kind": "purge"}))


READS = {
    "all": lambda: list(Queue.objects.all()),
    "values": lambda: list(Queue.objects.values("name")),
    "values_list": lambda: list(Queue.objects.values_list("pk", flat=True)),
    "filter": lambda: list(Queue.objects.filter(name="Theirs")),
    "exclude": lambda: list(Queue.objects.exclude(name="x")),
    "count": Queue.objects.count,
    "exists": Queue.objects.exists,
    "first": Queue.objects.first,
    "aggregate": lambda: Queue.objects.aggregate(n=Count("pk"))["n"],
    "in_bulk": Queue.objects.in_bulk,
    "iterator": lambda: list(Queue.objects.iterator()),
    "union": lambda: list(Queue.objects.order_by().union(Queue.objects.filter(name="Theirs").order_by())),
    "or": lambda: list(Queue.objects.filter(name="Theirs") | Queue.objects.filter(name="x")),
    "dates": lambda: list(Queue.objects.annotate(n=Count("documents")).order_by("n")),
    "update": lambda: Queue.objects.update(name="taken"),
    "delete": lambda: Queue.objects.all().delete()[0],
    "default manager": lambda: list(Queue._default_manager.all()),
}


@pytest.mark.parametrize("read", READS)
def test_without_an_organization_nothing_is_found(theirs, read, django_assert_num_queries):
    with django_assert_num_queries(0):
        found = READS[read]()

    assert not found
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


@pytest.mark.parametrize("read", READS)
def test_another_organizations_rows_are_not_found(organization, theirs, read):
    assert not READS[read]()

    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


@pytest.mark.parametrize("read", [name for name in READS if name not in {"update", "delete"}])
def test_ones_own_are(stranger, theirs, read):
    with scope.to(stranger.pk):
        assert READS[read]()


def test_a_row_by_its_id_is_not_there_for_others(organization, theirs):
    with pytest.raises(Queue.DoesNotExist):
        Queue.objects.get(pk=theirs.pk)
    from django.http import Http404

    with pytest.raises(Http404):
        get_object_or_404(Queue, pk=theirs.pk)


def test_related_managers_are_narrowed_too(organization, stranger, theirs):
    pipeline, schema = theirs.pipeline, theirs.schema

    assert not pipeline.stages.exists()
    assert not schema.queues.all()
    assert not Pipeline.unscoped.prefetch_related("stages").get().stages.all()
    with scope.to(stranger.pk):
        assert pipeline.stages.count() == 1
        assert list(schema.queues.all()) == [theirs]


def test_a_row_at_hand_can_be_followed_and_read_again(theirs):
    theirs.refresh_from_db()
    again = Queue.unscoped.get(pk=theirs.pk)

    assert again.schema.name == "Theirs"
    assert Queue.unscoped.select_related("schema").get().schema.name == "Theirs"


def test_a_queryset_answers_for_the_organization_when_it_runs(organization, stranger, theirs):
    mine = builders.queue("Mine")
    held = Queue.objects.all()

    assert list(held.all()) == [mine]
    with scope.to(stranger.pk):
        assert list(held.all()) == [theirs]
    with scope.to(None):
        assert list(held.all()) == []


def test_a_form_offers_and_takes_only_ones_own(organization, stranger, theirs):
    class QueueForm(forms.ModelForm):
        class Meta:
            model = Queue
            fields = ("name", "schema", "metadata")

    own = Schema.objects.create(name="Own")

    assert list(QueueForm().fields["schema"].queryset) == [own]
    assert QueueForm({"name": "x", "schema": own.pk, "metadata": "{}"}).is_valid()
    refused = QueueForm({"name": "x", "schema": theirs.schema_id, "metadata": "{}"})
    assert not refused.is_valid()
    assert "not one of the available choices" in refused.errors["schema"][0]
    with scope.to(None):
        assert list(QueueForm().fields["schema"].queryset) == []


def test_another_thread_has_no_organization(organization):
    builders.queue()
    seen = []

    def look():
        seen.extend([scope.current(), list(Queue.objects.all())])
        connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [None, []]


@pytest.mark.django_db(transaction=True)
def test_asynchronous_work_keeps_the_one_it_began_in():
    acme, other = builders.organization("Acme"), builders.organization("Other")
    for owner in (acme, other):
        with scope.to(owner.pk):
            builders.queue(f"of {owner}")

    def look():
        found = list(Queue.objects.values_list("name", flat=True))
        connection.close()
        return found

    async def names(owner):
        with scope.to(owner.pk):
            await asyncio.sleep(0)
            return await sync_to_async(look)()

    async def both():
        return await asyncio.gather(names(acme), names(other))

    assert asyncio.run(both()) == [["of Acme"], ["of Other"]]
    assert scope.current() is None


def test_the_scope_comes_back_even_after_an_error(organization):
    with pytest.raises(ZeroDivisionError), scope.to(None):
        1 / 0  # noqa: B018

    assert scope.current() == organization.pk


@pytest.mark.parametrize(
    "make",
    [
        lambda: Queue.objects.create(name="new"),
        lambda: Queue(name="new").save(),
        lambda: Queue.own(name="new").save(),
        lambda: Queue.objects.bulk_create([Queue(name="new")]),
        lambda: Queue.objects.get_or_create(name="new"),
        lambda: Queue.objects.update_or_create(name="new", defaults={"metadata": {}}),
        lambda: Queue.unscoped.bulk_create([Queue(name="new")]),
    ],
)
def test_a_new_row_takes_the_organization_in_context_or_is_refused(organization, make):
    with scope.to(None), pytest.raises(OutOfScope, match="needs an organization"), transaction.atomic():
        make()
    assert Queue.unscoped.count() == 0

    make()

    assert Queue.unscoped.get().organization == organization


def test_get_or_create_does_not_find_anothers(organization, theirs):
    made, created = Queue.objects.get_or_create(name="Theirs")

    assert created
    assert made.organization == organization


def test_a_row_of_another_organization_is_not_written_from_here(organization, stranger, theirs):
    for write in (
        theirs.save,
        lambda: Queue.objects.create(name="new", organization=stranger),
        lambda: Queue.objects.bulk_create([Queue(name="new", organization=stranger)]),
    ):
        with pytest.raises(OutOfScope, match="another organization than the one in context"):
            write()

    assert Queue.unscoped.count() == 1


def test_the_work_list_writes_for_all(organization, stranger):
    Queue.unscoped.bulk_create([Queue(name="a", organization=stranger), Queue(name="b", organization=organization)])

    assert Queue.unscoped.count() == 2


STRANGE = {
    "the row": lambda theirs: {"schema": theirs.schema},
    "its id": lambda theirs: {"schema_id": theirs.schema_id},
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_foreign_key_into_another_organization_is_refused(organization, theirs, strange):
    queue = Queue.own(name="new", **STRANGE[strange](theirs))

    with pytest.raises(OutOfScope, match=r"pipelines\.Queue\.schema leads to a row of another organization"):
        queue.save()
    with pytest.raises(ValidationError) as told:
        queue.full_clean()

    assert told.value.message_dict == {"schema": ["This belongs to another organization."]}
    assert not Queue.objects.exists()


def test_one_that_is_set_later_is_refused_as_well(organization, theirs):
    queue = builders.queue()
    queue.schema_id = theirs.schema_id

    for save in (queue.save, lambda: queue.save(update_fields=["schema"])):
        with pytest.raises(OutOfScope):
            save()
    queue.save(update_fields=["name"])
    with pytest.raises(OutOfScope):
        Queue.objects.update(schema=theirs.schema)
    with pytest.raises(OutOfScope):
        Queue.objects.update(organization=theirs.organization)

    queue.refresh_from_db()
    assert queue.schema_id is None


def test_rows_at_hand_are_compared_without_a_query(organization, theirs, django_assert_num_queries):
    pipeline, erp = Pipeline.objects.create(name="p"), Destination.objects.create(name="d")

    with django_assert_num_queries(1):
        Stage.own(pipeline=pipeline, destination=erp, name="a", kind="purge").save()
    with django_assert_num_queries(1):
        Stage.objects.bulk_create([Stage(pipeline=pipeline, name=f"s{number}", kind="purge") for number in range(5)])
    with pytest.raises(OutOfScope):
        Stage.objects.bulk_create([Stage(pipeline=theirs.pipeline, name="strange", kind="purge")])


def test_a_deferred_foreign_key_is_left_alone(organization, django_assert_num_queries):
    builders.queue(schema=Schema.objects.create(name="Own"))
    queue = Queue.objects.only("name").get()
    queue.name = "renamed"

    with django_assert_num_queries(1):
        queue.save()
