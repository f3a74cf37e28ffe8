"""The admin through its front door: one organization's rows, whoever asks and whatever they type."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import scope
from pipelines.models import Queue, Schema
from tests import builders


@pytest.fixture
def theirs(db):
    with scope.to(builders.organization("Stranger").pk):
        return builders.queue("strangers-queue", schema=Schema.objects.create(name="strangers-schema"))


@pytest.fixture(params=["owner", "superuser"])
def client(request, db):
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        builders.queue("own-queue", schema=Schema.objects.create(name="own-schema"))
    if request.param == "owner":
        person = builders.user("anna", role="owner", organization=acme)
    else:
        person = builders.user("root", is_superuser=True)
    client = Client()
    client.force_login(person)
    return client


def test_a_list_shows_ones_own(client, theirs):
    page = client.get(reverse("admin:pipelines_queue_changelist")).content.decode()

    assert "own-queue" in page
    assert "strangers-queue" not in page


def test_a_row_of_another_organization_has_no_page(client, theirs):
    for name in ("change", "history"):
        reply = client.get(reverse(f"admin:pipelines_queue_{name}", args=[theirs.pk]))

        assert reply.status_code in {302, 404}
        assert "strangers" not in reply.content.decode()


def test_a_row_of_another_organization_is_not_changed(client, theirs):
    client.post(reverse("admin:pipelines_queue_change", args=[theirs.pk]), {"name": "taken", "metadata": "{}"})

    theirs.refresh_from_db()
    assert theirs.name == "strangers-queue"


def test_a_choice_offers_and_takes_ones_own(client, theirs):
    place = reverse("admin:pipelines_queue_add")
    page = client.get(place).content.decode()
    client.post(place, {"name": "new", "schema": theirs.schema_id, "metadata": "{}"})

    assert "own-schema" in page
    assert "strangers-schema" not in page
    assert not Queue.unscoped.filter(name="new").exists()
    client.post(place, {"name": "new", "schema": Schema.unscoped.get(name="own-schema").pk, "metadata": "{}"})
    assert Queue.unscoped.get(name="new").organization.name == "Acme"
