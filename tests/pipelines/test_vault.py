"""Secrets: sealed in the row, open to the right place only, renewed without a gap."""

from __future__ import annotations

import base64
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts import scope
from accounts.policy import GRANTS, Principal
from audit.models import Event
from pipelines import rotation, vault
from pipelines.errors import Misconfigured
from pipelines.models import DataKey, Destination, Secret, Token
from pipelines.tokens import SharedTokens
from tests import builders


def key(name: str, byte: bytes) -> str:
    return f"{name}:{base64.b64encode(byte * 32).decode()}"


OLD, NEW = key("2025", b"a"), key("2026", b"b")


def secrets_of(organization, destination=None, pipeline=None):
    return vault.secrets_for(
        organization.pk,
        destination_id=destination and destination.pk,
        pipeline_id=pipeline and pipeline.pk,
    )


def destination(name="ERP"):
    made = Destination.own(name=name)
    made.save()
    return made


def test_a_secret_comes_back_as_it_was_put_and_its_row_does_not_show_it(organization):
    vault.put("password", "päss & wörd", by=builders.owner())

    assert secrets_of(organization) == {"password": "päss & wörd"}
    assert "wörd".encode() not in bytes(Secret.objects.get().sealed)


def test_the_nearest_place_wins(organization, django_assert_num_queries):
    erp, other, draft = destination(), destination("Other"), builders.pipeline()
    vault.put("user", "of the organization", by=builders.owner())
    for name in ("user", "password"):
        vault.put(name, "of the destination", by=builders.owner(), destination=erp)
        vault.put(name, "of the pipeline", by=builders.owner(), pipeline=draft)
        vault.put(name, "of another", by=builders.owner(), destination=other)
    vault.put("token", "of the pipeline", by=builders.owner(), pipeline=draft)

    with django_assert_num_queries(1):
        found = secrets_of(organization, erp, draft)

    assert found == {
        "user": "of the destination",
        "password": "of the destination",
        "token": "of the pipeline",
    }
    assert secrets_of(organization) == {"user": "of the organization"}
    assert vault.names_for(organization.pk, destination_id=None, pipeline_id=draft.pk) == {"user", "password", "token"}


def test_setting_a_secret_again_replaces_it_and_both_are_on_the_trail_without_the_value(organization):
    vault.put("password", "hunter2hunter2", by=builders.owner())
    secret = vault.put("password", "correct horse", by=builders.owner())
    vault.remove(secret, by=builders.owner())

    events = list(Event.objects.order_by("id"))
    assert [event.verb for event in events] == [
        "secret.add",
        "secret.change",
        "secret.delete",
    ]
    assert {event.actor for event in events} == {"waybill:test"}
    assert events[0].detail == {"name": "password", "destination": None, "pipeline": None}
    assert not any("hunter2" in str(vars(event)) or "horse" in str(vars(event)) for event in events)
    assert secrets_of(organization) == {}


def test_one_who_may_not_leaves_no_trace(organization):
    operator = Principal("user:otto", organization.pk, GRANTS["operator"])
    secret = vault.put("password", "hunter2hunter2", by=builders.owner())

    with pytest.raises(PermissionDenied, match='user:otto lacks the permission "pipelines.change_secret" here'):
        vault.put("password", "mine", by=operator)
    with pytest.raises(PermissionDenied):
        vault.remove(secret, by=operator)
    with pytest.raises(PermissionDenied):
        rotation.rotate(organization.pk, by=operator)

    assert secrets_of(organization) == {"password": "hunter2hunter2"}
    assert Event.objects.count() == 1


def test_a_destination_of_another_organization_takes_no_secret(organization):
    stranger = builders.organization()
    with scope.to(stranger.pk):
        theirs = destination()

    with pytest.raises(PermissionDenied):
        vault.put("password", "hunter2hunter2", by=builders.owner(), destination=theirs)


def test_a_row_copied_to_another_place_does_not_open(organization):
    erp, other = destination(), destination("Other")
    vault.put("password", "hunter2hunter2", by=builders.owner(), destination=erp)

    Secret.objects.update(destination=other)

    with pytest.raises(Misconfigured, match='The secret "password" cannot be opened') as told:
        secrets_of(organization, other)
    assert told.value.place == "secret.password"


def test_a_row_copied_to_another_organization_does_not_open(organization):
    stranger = builders.organization()
    vault.put("password", "hunter2hunter2", by=builders.owner())

    with connection.cursor() as cursor:
        for table in ("pipelines_secret", "pipelines_datakey"):
            cursor.execute(f"UPDATE {table} SET organization_id = %s", [stranger.pk])

    with pytest.raises(Misconfigured):
        secrets_of(stranger)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("one line\n", "one line"), ("a\r\nb\r\n", "a\nb\n"), (" spaced ", " spaced "), ("a\nb", "a\nb"), ("x\r\n", "x")],
)
def test_line_ends_that_browsers_and_terminals_add_are_taken_off(organization, typed, kept):
    vault.put("password", typed, by=builders.owner())

    assert secrets_of(organization) == {"password": kept}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pass word", "x", "A letter, then letters"),
        ("1st", "x", "A letter, then letters"),
        ("", "x", "A letter, then letters"),
        ("password", "", "Give a value"),
        ("password", "\n", "Give a value"),
        ("password", "a\ud800", "half a character"),
        ("password", "x" * 70_000, "At most 65,536 characters; this has 70,000."),
    ],
)
def test_what_cannot_be_a_secret_is_refused_in_words(organization, name, value, told):
    with pytest.raises(ValidationError, match=told):
        vault.put(name, value, by=builders.owner())

    assert not Secret.objects.exists()


def test_a_new_first_key_opens_what_the_former_one_sealed(organization, settings):
    settings.KEYS = [OLD]
    vault.put("password", "hunter2hunter2", by=builders.owner())
    settings.KEYS = [NEW, OLD]

    assert secrets_of(organization) == {"password": "hunter2hunter2"}
    assert rotation.rewrap() == 1
    assert rotation.rewrap() == 0

    settings.KEYS = [NEW]
    assert secrets_of(organization) == {"password": "hunter2hunter2"}
    event = Event.objects.get(verb="data_key.rewrap")
    assert event.detail == {"from": "2025", "to": "2026"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([NEW], 'The secrets are sealed by the key "2025", which WAYBILL_KEYS does not hold'),
        ([key("2025", b"c")], 'The key "2025" in WAYBILL_KEYS is not the one that sealed the secrets'),
        (["2025"], "Entry 1 must be an id"),
        ([NEW, "2025:c2hvcnQ="], "Entry 2 must be an id"),
        ([NEW, "2025:not base64"], "Entry 2 must be an id"),
        ([NEW, NEW], 'Two entries have the id "2026"'),
        ([], "No key is given"),
    ],
)
def test_a_missing_or_wrong_key_is_named_with_what_to_do(organization, settings, given, told):
    settings.KEYS = [OLD]
    vault.put("password", "hunter2hunter2", by=builders.owner())

    settings.KEYS = given

    with pytest.raises(Misconfigured, match=told) as raised:
        secrets_of(organization)
    assert raised.value.place == "WAYBILL_KEYS"
    assert "c2hvcnQ" not in str(raised.value)
    with pytest.raises(CommandError if given != [key("2025", b"c")] else Misconfigured, match="WAYBILL_KEYS"):
        call_command("rotate_keys") if given != [key("2025", b"c")] else rotation.rewrap()


def test_rotation_seals_everything_by_a_new_data_key(organization):
    vault.put("password", "hunter2hunter2", by=builders.owner())
    vault.put("password", "of the ERP", by=builders.owner(), destination=destination())
    SharedTokens(organization.pk).put("a" * 64, "bearer", None)
    before = DataKey.objects.get()

    assert rotation.rotate(organization.pk, by=builders.owner()) == 3

    before.refresh_from_db()
    assert before.retired_at is not None
    assert set(Secret.objects.values_list("key__retired_at", flat=True)) == {None}
    assert not Token.objects.filter(key=before).exists()
    assert secrets_of(organization) == {"password": "hunter2hunter2"}
    assert SharedTokens(organization.pk, clock=lambda: 0.0).get("a" * 64) == "bearer"
    assert Event.objects.get(verb="data_key.rotate").detail == {"values": 3}


def test_a_rotation_that_was_cut_short_is_finished_with_the_key_it_began(organization, monkeypatch):
    for number in range(5):
        vault.put(f"secret{number}", f"value {number}", by=builders.owner())
    sealing = vault.seal_by
    left = iter(range(2))

    def cut(*args):
        next(left)
        return sealing(*args)

    monkeypatch.setattr(vault, "seal_by", cut)
    with pytest.raises(StopIteration):
        rotation.rotate(organization.pk, by=builders.owner())
    monkeypatch.undo()

    assert len(secrets_of(organization)) == 5
    assert rotation.rotate(organization.pk, by=builders.owner()) == 3
    assert secrets_of(organization) == {f"secret{number}": f"value {number}" for number in range(5)}
    assert DataKey.objects.filter(retired_at=None).count() == 1
    assert DataKey.objects.count() == 2


def test_the_command_renews_the_keys_of_one_organization_or_all(organization, settings):
    settings.KEYS = [OLD]
    vault.put("password", "hunter2hunter2", by=builders.owner())
    settings.KEYS = [NEW, OLD]
    said = StringIO()

    call_command("rotate_keys", "--data-keys", "--organization", "Acme", stdout=said)

    assert said.getvalue().splitlines() == [
        "1 data keys sealed by the first key of WAYBILL_KEYS",
        "Acme: new data key, 1 values sealed anew",
    ]
    with pytest.raises(CommandError, match='There is no organization named "Nobody"'):
        call_command("rotate_keys", "--data-keys", "--organization", "Nobody", stdout=said)


def test_a_name_stands_once_at_each_place(organization):
    erp = destination()
    for place in ({}, {"destination": erp}, {"pipeline": builders.pipeline()}):
        secret = vault.put("password", "hunter2hunter2", by=builders.owner(), **place)
        vault.put("password", "again", by=builders.owner(), **place)
        twin = Secret(name="password", key=secret.key, sealed=b"", changed_by="", **place)

        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()

    assert Secret.objects.count() == 3
    with pytest.raises(ValidationError, match="not to both"):
        vault.put("password", "x", by=builders.owner(), destination=erp, pipeline=builders.pipeline())


@pytest.mark.django_db(transaction=True)
def test_two_first_secrets_at_once_share_one_data_key():
    acme = builders.organization("Acme")
    together = Barrier(4)

    def put(number):
        together.wait()
        vault.put("password", f"value {number}", by=Principal.system("test", acme.pk))
        connection.close()

    threads = [Thread(target=put, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert DataKey.unscoped.count() == 1
    assert Secret.unscoped.count() == 1
    assert secrets_of(acme)["password"].startswith("value ")
