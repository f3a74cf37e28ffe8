"""Who asks, in which organization, and that nothing of it stays on the thread."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIRequestFactory

from accounts import keys, scope
from accounts.middleware import SESSION_KEY
from accounts.models import ApiKey, Membership, User
from accounts.policy import Principal
from tests import builders
from tests.accounts import doors

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.doors")]


@pytest.fixture
def acme():
    """An organization with one queue, and no scope around the test."""
    made = builders.organization("Acme")
    with scope.to(made.pk):
        builders.queue("of Acme")
    return made


@pytest.fixture
def other():
    made = builders.organization("Other")
    with scope.to(made.pk):
        builders.queue("of Other")
    return made


def key_of(organization, role="operator", name="erp-robot", **options):
    return keys.create(Principal.system("test", organization.pk), name, role, **options)


def with_key(plain, kind="Bearer"):
    return Client(headers={"authorization": f"{kind} {plain}"})


def signed_in(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "Api-Key"])
def test_a_key_sees_its_organization_and_nothing_stays_in_scope(acme, other, kind):
    _, plain = key_of(acme)

    reply = with_key(plain, kind).get("/queues")

    assert reply.json() == {"queues": ["of Acme"], "principal": "key:erp-robot", "user": "key:erp-robot"}
    assert scope.current() is None


def test_requests_of_many_on_one_thread_do_not_mix(acme, other):
    first, second = with_key(key_of(acme)[1]), with_key(key_of(other)[1])
    person = signed_in(builders.user("otto", organization=other))

    seen = [door.get("/queues").json()["queues"] for door in (first, second, person, first, person)]

    assert seen == [["of Acme"], ["of Other"], ["of Other"], ["of Acme"], ["of Other"]]
    assert Client().get("/queues").status_code == 401
    assert scope.current() is None


def test_an_error_in_the_view_leaves_no_scope_either(acme):
    client = with_key(key_of(acme)[1])
    client.raise_request_exception = False

    assert client.get("/fails").status_code == 500
    assert scope.current() is None


def test_without_the_middleware_around_it_nobody_is_authenticated(acme, caplog):
    _, plain = key_of(acme)
    request = APIRequestFactory().get("/queues", headers={"authorization": f"Bearer {plain}"})

    reply = doors.Queues.as_view({"get": "list"})(request)

    assert reply.status_code == 500
    assert "OrganizationMiddleware must surround every view" in caplog.text
    assert scope.current() is None


def test_a_key_counts_even_where_a_session_came_along(acme, other):
    person = signed_in(
        builders.user("otto", organization=other), headers={"authorization": f"Bearer {key_of(acme)[1]}"}
    )

    assert person.get("/queues").json()["queues"] == ["of Acme"]


@pytest.mark.parametrize("spoil", ["unknown", "other secret", "revoked", "expired", "not a key", "empty"])
def test_a_key_that_does_not_count_is_refused_with_one_answer(acme, spoil):
    key, plain = key_of(acme)
    if spoil == "unknown":
        plain = "wb_" + "0" * 12 + plain[15:]
    if spoil == "other secret":
        plain = plain[:-1] + ("A" if plain[-1] != "A" else "B")
    if spoil == "revoked":
        keys.revoke(key, by=Principal.system("test", acme.pk))
    if spoil == "expired":
        ApiKey.unscoped.update(expires_at=timezone.now())
    if spoil in {"not a key", "empty"}:
        plain = "" if spoil == "empty" else "eyJhbGciOiJIUzI1NiJ9.e30.x"
    session = signed_in(builders.user("otto", organization=acme), headers={"authorization": f"Bearer {plain}"})

    reply = session.get("/queues")

    assert reply.status_code == 401
    assert reply["WWW-Authenticate"] == 'Bearer realm="waybill"'
    assert keys.REFUSAL in reply.content.decode()


def test_a_person_needs_the_csrf_token_to_change_something(acme):
    strict = signed_in(builders.user("ida", role="integrator", organization=acme), enforce_csrf_checks=True)

    assert strict.get("/queues").status_code == 200
    assert strict.post("/queues").status_code == 403
    strict.cookies["csrftoken"] = "a" * 32
    assert strict.post("/queues", headers={"x-csrftoken": "a" * 32}).json() == {"queue": "made"}


def test_a_key_needs_none(acme):
    client = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {key_of(acme, 'integrator')[1]}"})

    assert client.post("/queues").json() == {"queue": "made"}


def test_a_person_works_where_they_chose(acme, other):
    anna = builders.user("anna", organization=acme)
    Membership.objects.create(user=anna, organization=other, role="viewer")
    client = signed_in(anna)
    assert client.get("/queues").json()["queues"] == ["of Acme"]

    session = client.session
    session[SESSION_KEY] = other.pk
    session.save()

    assert client.get("/queues").json()["queues"] == ["of Other"]


def test_a_membership_that_ends_ends_now(acme):
    anna = builders.user("anna", organization=acme)
    client = signed_in(anna)
    assert client.get("/queues").status_code == 200

    anna.memberships.all().delete()

    assert client.get("/queues").status_code == 403


def test_an_open_form_does_not_land_in_another_organization(acme, other):
    anna = builders.user("anna", role="integrator", organization=acme)
    chosen = Membership.objects.create(user=anna, organization=other, role="integrator")
    client = signed_in(anna)
    session = client.session
    session[SESSION_KEY] = other.pk
    session.save()
    chosen.delete()

    assert client.post("/queues").status_code == 403
    assert client.get("/queues").json()["queues"] == ["of Acme"]
    assert client.post("/queues").status_code == 200


def test_who_is_deactivated_is_out_at_once(acme):
    anna = builders.user("anna", organization=acme)
    client = signed_in(anna)

    User.objects.update(is_active=False)

    assert client.get("/queues").status_code == 401


def test_a_superuser_works_in_any_organization(acme, other):
    root = builders.user("root", is_superuser=True)
    client = signed_in(root)
    session = client.session
    session[SESSION_KEY] = other.pk
    session.save()

    assert client.get("/queues").json() == {"queues": ["of Other"], "principal": "user:root", "user": "root"}


def test_a_role_without_the_verb_is_told_which(acme):
    client = with_key(key_of(acme, "viewer")[1])

    reply = client.post("/queues")

    assert reply.status_code == 403
    assert "pipelines.add_queue and pipelines.change_queue" in reply.content.decode()
    assert client.get("/queues").status_code == 200


def test_what_a_view_does_not_name_is_refused(acme):
    owner = with_key(key_of(acme, "owner")[1])

    assert owner.get("/forgotten").status_code == 403
    assert owner.delete("/plain").status_code == 403
    assert owner.get("/plain").status_code == owner.head("/plain").status_code == 200


def test_a_method_that_nothing_answers_is_not_a_matter_of_permission(acme):
    owner = with_key(key_of(acme, "owner")[1])

    assert owner.put("/queues").status_code == 405
    assert owner.patch("/plain").status_code == 405
    assert owner.head("/queues").status_code == 200


def test_a_row_of_another_organization_is_refused_even_when_a_view_finds_it(acme, other):
    with scope.to(other.pk):
        theirs = builders.queue("secret")

    assert with_key(key_of(acme)[1]).get(f"/queues/{theirs.pk}").status_code == 403
    assert with_key(key_of(other)[1]).get(f"/queues/{theirs.pk}").json() == {"name": "secret"}


def test_rows_that_are_streamed_are_found_and_nothing_stays_in_scope(acme):
    with scope.to(acme.pk):
        builders.queue("second")
    client = signed_in(builders.user("anna", organization=acme))

    reply = client.get("/stream")
    chunks = []
    for chunk in reply.streaming_content:
        assert scope.current() is None
        chunks.append(chunk)

    assert b"".join(chunks).decode() == f"of Acme/{acme.pk};second/{acme.pk};"


def test_use_of_a_key_is_noted_at_most_once_a_minute(acme, django_assert_num_queries):
    key, plain = key_of(acme)
    keys.find(plain)
    key.refresh_from_db()
    first = key.last_used_at
    assert timezone.now() - first < timedelta(seconds=10)

    with django_assert_num_queries(1):
        keys.find(plain)
    ApiKey.unscoped.update(last_used_at=first - timedelta(seconds=61))
    with django_assert_num_queries(2):
        keys.find(plain)

    key.refresh_from_db()
    assert key.last_used_at >= first
