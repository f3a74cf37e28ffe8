"""API keys: made once, shown once, withdrawn for good."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from accounts.policy import GRANTS, Principal
from audit.models import Event
from tests import builders


def test_a_key_is_kept_as_a_digest_and_found_by_its_text(organization):
    key, plain = keys.create(builders.owner(), "erp-robot", "operator")

    assert re.fullmatch(r"wb_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", plain)
    assert plain.startswith(f"wb_{key.prefix}_")
    assert ApiKey.objects.get().digest == hashlib.sha256(plain.encode()).hexdigest()
    assert keys.find(plain) == key
    assert Principal.of_key(key) == Principal("key:erp-robot", organization.pk, GRANTS["operator"])
    assert keys.create(builders.owner(), "second", "operator")[1] != plain


def test_making_and_revoking_leave_their_events_once(organization):
    key, plain = keys.create(builders.owner(), "erp-robot", "operator")
    keys.revoke(key, by=builders.owner())
    keys.revoke(key, by=builders.owner())

    detail = {"name": "erp-robot", "prefix": key.prefix, "role": "operator", "expires_at": None}
    assert [(event.verb, event.detail) for event in Event.objects.order_by("id")] == [
        ("apikey.add", detail),
        ("apikey.revoke", detail),
    ]
    assert keys.find(plain) is None
    assert not any(plain in str(vars(event)) for event in Event.objects.all())


def test_the_maker_is_remembered(organization):
    anna = builders.user("anna", role="owner", organization=organization)

    key, _ = keys.create(Principal.of_user(anna, organization.pk), "erp-robot", "operator")

    assert key.created_by == anna


def test_two_live_keys_never_share_a_name(organization):
    first, _ = keys.create(builders.owner(), "erp-robot", "operator")
    with pytest.raises(ValidationError, match="A key of this name is in use"):
        keys.create(builders.owner(), " erp-robot ", "viewer")

    keys.revoke(first, by=builders.owner())
    keys.create(builders.owner(), "erp-robot", "viewer")

    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "expires", "told"),
    [
        ("", None, "Give the key a name"),
        ("x" * 191, None, "at most 190 characters"),
        ("robot", timedelta(seconds=-1), "This moment is past already"),
    ],
)
def test_what_cannot_be_a_key_is_refused(organization, name, expires, told):
    with pytest.raises(ValidationError, match=told):
        keys.create(builders.owner(), name, "viewer", timezone.now() + expires if expires else None)

    assert not ApiKey.objects.exists()


def test_nobody_makes_a_key_that_may_more_than_they(organization):
    half = Principal("user:otto", organization.pk, GRANTS["operator"] | {"accounts.add_apikey"})

    keys.create(half, "ok", "operator")
    for role in ("owner", "integrator", "boss"):
        with pytest.raises(PermissionDenied, match="it allows more than their own"):
            keys.create(half, "more", role)
    with pytest.raises(PermissionDenied, match="accounts.add_apikey"):
        keys.create(Principal("user:ida", organization.pk, GRANTS["integrator"]), "none", "viewer")


def test_a_key_of_another_organization_is_not_revoked_from_here(organization):
    stranger = builders.organization()
    key, plain = keys.create(Principal.system("test", organization.pk), "erp-robot", "operator")

    with pytest.raises(PermissionDenied):
        keys.revoke(key, by=Principal.system("test", stranger.pk))

    assert keys.find(plain) == key
