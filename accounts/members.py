"""Who belongs to an organization, and as what. An organization keeps at least one owner, and nobody gives a role that
allows more than their own. Raises PermissionDenied, and ValidationError in the words of the form."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Membership, Organization, User
from accounts.policy import ROLES, Principal, may_grant, require
from audit import trail

LAST = "This is the only owner. Make somebody else an owner first."


def add(user: User, role: str, *, by: Principal) -> Membership:
    """Make a person a member of the organization that `by` works in."""
    require(by, "accounts.add_membership")
    _grantable(by, role)
    try:
        with transaction.atomic():
            member = Membership.objects.create(organization_id=by.organization_id, user=user, role=role)
            _record("add", member, by)
    except IntegrityError:
        raise ValidationError({"username": f"{user.get_username()} is a member already."}) from None
    return member


def change_role(member: Membership, role: str, *, by: Principal) -> Membership:
    """Give a member another role. The same role again changes nothing and leaves no event."""
    require(by, "accounts.change_membership", member)
    with transaction.atomic():
        current = _locked(member)
        was = current.role
        if was == role:
            return current
        _grantable(by, role)
        _grantable(by, was)  # nor takes away what they could not give
        if was == "owner" and _only_owner(current):
            raise ValidationError({"role": LAST})
        current.role = role
        current.save(update_fields=["role"])
        _record("change", current, by, was=was)
    return current


def remove(member: Membership, *, by: Principal) -> None:
    """End a membership, from the person's next request on. Their account, and what they did, stay."""
    require(by, "accounts.delete_membership", member)
    with transaction.atomic():
        current = _locked(member)
        _grantable(by, current.role)
        if current.role == "owner" and _only_owner(current):
            raise ValidationError(LAST)
        _record("delete", current, by)
        current.delete()


def _locked(member: Membership) -> Membership:
    """The row as it stands, while nobody else changes this organization's members: two owners who remove each other at
    once must not both succeed."""
    Organization.objects.select_for_update().get(pk=member.organization_id)
    return Membership.objects.select_related("user").get(pk=member.pk)


def _only_owner(member: Membership) -> bool:
    owners = Membership.objects.filter(organization_id=member.organization_id, role="owner", user__is_active=True)
    return not owners.exclude(pk=member.pk).exists()


def _grantable(by: Principal, role: str) -> None:
    if role not in ROLES:
        raise ValidationError({"role": f'There is no role "{role}". Choose one of {", ".join(ROLES)}.'})
    if not may_grant(by, role):
        raise PermissionDenied(f'{by.name} cannot give or take the role "{role}": it allows more than their own.')


def _record(action: str, member: Membership, by: Principal, **more: Any) -> None:
    trail.record(
        f"membership.{action}",
        f"membership:{member.pk}",
        organization_id=member.organization_id,
        actor=by.name,
        detail={"user": member.user.get_username(), "role": member.role, **more},
    )
