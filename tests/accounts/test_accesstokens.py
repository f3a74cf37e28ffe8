"""Tokens that a protocol's login gives out: found while whoever logged in could still do so, and not a moment longer."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError
from django.utils import timezone

from accounts import accesstokens, keys, members, scope
from accounts.models import AccessToken, Membership
from accounts.policy import Principal
from audit.models import Event
from exports import sweep
from tests import builders

HOUR = timedelta(hours=1)


def token_of(organization, *, user=None, key=None, lifetime=HOUR, protocol="rossum"):
    return accesstokens.issue(protocol=protocol, organization_id=organization.pk, lifetime=lifetime, user=user, key=key)


@pytest.fixture
def anna(organization) -> AbstractUser:
    builders.user("otto", role="owner", organization=organization)
    return builders.user("anna", organization=organization)


@pytest.fixture
def robot(organization):
    return keys.create(builders.owner(), "erp-robot", "operator")[0]


def test_a_persons_token_is_kept_as_a_digest_and_stands_for_the_person(organization, anna):
    plain = token_of(organization, user=anna)

    with scope.to(None):
        found = accesstokens.find(plain, "rossum")

    assert found.digest == hashlib.sha256(plain.encode()).hexdigest()
    assert plain not in str(vars(found))
    assert accesstokens.principal(found) == Principal.of_user(anna, organization.pk)


def test_a_keys_token_stands_for_the_key_and_never_outlives_it(organization):
    soon = timezone.now() + timedelta(minutes=5)
    key, _ = keys.create(builders.owner(), "erp-robot", "operator", expires_at=soon)

    found = accesstokens.find(token_of(organization, key=key), "rossum")

    assert accesstokens.principal(found) == Principal.of_key(key)
    assert found.expires_at == soon


def test_a_token_opens_its_own_protocol_only(organization, robot):
    plain = token_of(organization, key=robot)

    assert accesstokens.find(plain, "aluma") is None
    assert accesstokens.find(plain, "rossum") is not None


@pytest.mark.parametrize("plain", ["", "wbt_", "wbt_" + "A" * 43, "wbt_" + "ü" * 43, "wbt_" + "A" * 43 + "\n", "\0"])
def test_what_was_never_issued_is_not_found(organization, robot, plain):
    token_of(organization, key=robot)

    assert accesstokens.find(plain, "rossum") is None


def test_a_token_ends_with_its_time(organization, robot):
    assert accesstokens.find(token_of(organization, key=robot, lifetime=timedelta(0)), "rossum") is None


def test_a_revoked_token_is_not_found_and_the_others_are(organization, robot):
    first, second = token_of(organization, key=robot), token_of(organization, key=robot)

    accesstokens.revoke(accesstokens.find(first, "rossum"), by=Principal.of_key(robot))

    assert accesstokens.find(first, "rossum") is None
    assert accesstokens.find(second, "rossum") is not None


def test_a_persons_token_ends_with_the_account_the_password_and_the_membership(organization, anna):
    plain = token_of(organization, user=anna)

    anna.is_active = False
    anna.save()
    assert accesstokens.find(plain, "rossum") is None

    anna.is_active = True
    anna.save()
    assert accesstokens.find(plain, "rossum") is not None

    before = anna.password
    anna.set_password("another one, longer")
    anna.save()
    assert accesstokens.find(plain, "rossum") is None

    anna.password = before
    anna.save()
    members.remove(Membership.objects.get(user=anna), by=builders.owner())
    assert accesstokens.find(plain, "rossum") is None


def test_a_keys_token_ends_with_the_key(organization, robot):
    plain = token_of(organization, key=robot)

    keys.revoke(robot, by=builders.owner())

    assert accesstokens.find(plain, "rossum") is None


def test_issuing_and_revoking_leave_their_events_once_and_never_the_token(organization, robot):
    plain = token_of(organization, key=robot)
    found = accesstokens.find(plain, "rossum")
    accesstokens.revoke(found, by=Principal.of_key(robot))
    accesstokens.revoke(found, by=Principal.of_key(robot))

    events = Event.objects.filter(verb__startswith="access_token").order_by("id")
    assert [(event.verb, event.subject, event.actor) for event in events] == [
        ("access_token.issue", f"access_token:{found.pk}", "key:erp-robot"),
        ("access_token.revoke", f"access_token:{found.pk}", "key:erp-robot"),
    ]
    assert not any(plain in str(vars(event)) for event in events)


def test_use_is_noted_at_most_once_a_minute(organization, robot, django_assert_num_queries):
    plain = token_of(organization, key=robot)

    with django_assert_num_queries(2):
        accesstokens.find(plain, "rossum")
    with django_assert_num_queries(1):
        accesstokens.find(plain, "rossum")

    assert AccessToken.objects.get().last_used_at is not None


def test_the_sweep_forgets_what_ended_a_day_ago_for_every_organization(organization, robot):
    live = token_of(organization, key=robot)
    long_over, just_over, revoked = (token_of(organization, key=robot) for _ in range(3))
    now = timezone.now()
    row = {plain: accesstokens.find(plain, "rossum").pk for plain in (live, long_over, just_over, revoked)}
    AccessToken.objects.filter(pk=row[long_over]).update(expires_at=now - timedelta(hours=25))
    AccessToken.objects.filter(pk=row[just_over]).update(expires_at=now - timedelta(hours=23))
    AccessToken.objects.filter(pk=row[revoked]).update(revoked_at=now - timedelta(hours=25))

    with scope.to(None):
        sweep.run()

    assert set(AccessToken.objects.values_list("pk", flat=True)) == {row[live], row[just_over]}


def test_a_token_is_of_a_person_or_of_a_key_and_never_of_both(organization, anna, robot):
    with pytest.raises(IntegrityError):
        token_of(organization, user=anna, key=robot)
