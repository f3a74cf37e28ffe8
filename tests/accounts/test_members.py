"""Members, roles and what an organization may not lose."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command

from accounts import members
from accounts.backends import principal_of
from accounts.models import Membership, Organization, User
from accounts.policy import GRANTS, Principal
from audit.models import Event
from tests import builders


@pytest.fixture
def anna(organization):
    """The owner."""
    return builders.user("anna", role="owner", organization=organization)


def asks(user, organization):
    return Principal.of_user(User.objects.get(pk=user.pk), organization.pk)


def test_an_owner_adds_changes_and_removes_a_member(organization, anna):
    otto = builders.user("otto")
    by = asks(anna, organization)

    member = members.add(otto, "operator", by=by)
    member = members.change_role(member, "auditor", by=by)
    assert asks(otto, organization).verbs == GRANTS["auditor"]
    members.change_role(member, "auditor", by=by)
    members.remove(member, by=by)

    assert not Membership.objects.filter(user=otto).exists()
    assert [(event.verb, event.actor, event.detail) for event in Event.objects.order_by("id")] == [
        ("membership.add", "user:anna", {"user": "otto", "role": "operator"}),
        ("membership.change", "user:anna", {"user": "otto", "role": "auditor", "was": "operator"}),
        ("membership.delete", "user:anna", {"user": "otto", "role": "auditor"}),
    ]


def test_nobody_is_a_member_twice(organization, anna):
    with pytest.raises(ValidationError, match="anna is a member already"):
        members.add(anna, "viewer", by=asks(anna, organization))

    assert Membership.objects.get().role == "owner"
    assert not Event.objects.exists()


def test_the_last_owner_stays(organization, anna):
    by, own = asks(anna, organization), Membership.objects.get()

    with pytest.raises(ValidationError, match="This is the only owner"):
        members.remove(own, by=by)
    with pytest.raises(ValidationError, match="This is the only owner"):
        members.change_role(own, "viewer", by=by)
    gone = builders.user("gone", role="owner", organization=organization, is_active=False)
    with pytest.raises(ValidationError, match="This is the only owner"):
        members.remove(own, by=by)
    second = members.add(builders.user("second"), "owner", by=by)
    members.remove(own, by=by)

    assert set(Membership.objects.filter(role="owner").values_list("user__username", flat=True)) == {
        gone.username,
        second.user.username,
    }


@pytest.mark.parametrize("role", ["viewer", "operator", "integrator", "auditor"])
def test_only_owners_see_to_members(organization, anna, role):
    other = builders.user(role, role=role, organization=organization)
    by, own = asks(other, organization), Membership.objects.get(user=anna)

    for verb in (
        lambda: members.add(builders.user(), "viewer", by=by),
        lambda: members.change_role(own, "viewer", by=by),
        lambda: members.remove(own, by=by),
    ):
        with pytest.raises(PermissionDenied):
            verb()

    assert not Event.objects.exists()


def test_nobody_gives_or_takes_more_than_they_have(organization, anna):
    reception = Principal(
        "user:reception",
        organization.pk,
        GRANTS["viewer"] | {f"accounts.{action}_membership" for action in ("add", "change", "delete")},
    )
    viewer = members.add(builders.user("vera"), "viewer", by=reception)

    for refused in (
        lambda: members.add(builders.user(), "owner", by=reception),
        lambda: members.change_role(viewer, "operator", by=reception),
        lambda: members.change_role(Membership.objects.get(user=anna), "viewer", by=reception),
        lambda: members.remove(Membership.objects.get(user=anna), by=reception),
    ):
        with pytest.raises(PermissionDenied, match="it allows more than their own"):
            refused()


def test_a_role_that_does_not_exist_is_named_with_those_that_do(organization, anna):
    with pytest.raises(ValidationError, match='There is no role "boss". Choose one of viewer, operator'):
        members.add(builders.user(), "boss", by=asks(anna, organization))


def test_a_member_of_another_organization_is_out_of_reach(organization, anna):
    stranger = builders.organization()
    builders.user("zoe", role="viewer", organization=stranger)

    with pytest.raises(PermissionDenied):
        members.remove(Membership.objects.get(user__username="zoe"), by=asks(anna, organization))
    with pytest.raises(PermissionDenied):
        members.remove(Membership.objects.get(user__username="zoe"), by=Principal.system("x", organization.pk))


def test_who_is_deactivated_may_nothing(organization, anna):
    User.objects.filter(pk=anna.pk).update(is_active=False, is_superuser=True)

    principal = asks(anna, organization)

    assert (principal.verbs, principal.everything) == (frozenset(), False)


def test_a_member_elsewhere_may_nothing_here(organization, anna):
    stranger = builders.organization()

    assert principal_of(anna, stranger.pk).verbs == frozenset()


def test_the_command_makes_an_organization_and_its_owner(db):
    said = StringIO()

    call_command("create_organization", "  Grün  & Söhne ", "--owner", "anna", stdout=said)

    first, second = said.getvalue().splitlines()
    made = Organization.objects.get()
    assert first == f"organization {made.pk}: Grün & Söhne, owner anna"
    assert made.slug == "gruen-soehne"
    anna = User.objects.get()
    assert anna.check_password(second.removeprefix("password, shown only now: "))
    assert anna.is_staff
    assert not anna.is_superuser
    assert Membership.objects.get(user=anna, organization=made).role == "owner"
    assert list(Event.objects.order_by("id").values_list("verb", "actor")) == [
        ("organization.add", "waybill:create_organization"),
        ("membership.add", "waybill:create_organization"),
    ]


def test_the_command_takes_a_password_or_somebody_who_exists(db, monkeypatch):
    monkeypatch.setenv("FIRST_PASSWORD", "correct horse battery")
    said = StringIO()

    call_command("create_organization", "Acme", "--owner", "anna", "--password-env", "FIRST_PASSWORD", stdout=said)
    monkeypatch.setattr("sys.stdin", StringIO("staple correct horse\n"))
    call_command("create_organization", "Acme!", "--owner", "otto", "--password-stdin", stdout=said)
    call_command("create_organization", "Third", "--owner", "anna", stdout=said)

    assert "password" not in said.getvalue()
    assert User.objects.get(username="anna").check_password("correct horse battery")
    assert User.objects.get(username="otto").check_password("staple correct horse")
    assert set(Organization.objects.values_list("slug", flat=True)) == {"acme", "acme-2", "third"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Acme", "--owner", "anna"], "Organization with this Name already exists."),
        ([" ", "--owner", "anna"], "This field cannot be blank."),
        (["New", "--owner", "no spaces", "--password-env", "PASSWORD"], "Enter a valid username"),
        (["New", "--owner", "otto", "--password-env", "SHORT"], "too short"),
        (["New", "--owner", "otto", "--password-env", "NOT_SET"], "The environment has no NOT_SET."),
    ],
)
def test_the_command_says_what_is_wrong_and_leaves_nothing(db, monkeypatch, arguments, told):
    builders.organization("Acme")
    monkeypatch.setenv("PASSWORD", "correct horse battery")
    monkeypatch.setenv("SHORT", "abc")

    with pytest.raises(CommandError, match=told):
        call_command("create_organization", *arguments, stdout=StringIO())

    assert Organization.objects.count() == 1
    assert not User.objects.exists()
