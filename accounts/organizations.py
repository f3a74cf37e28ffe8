"""Organizations: made with the first person in it, and saved as a superuser typed them."""

from __future__ import annotations

import unicodedata

from django.db import transaction
from django.utils.text import slugify

from accounts import members
from accounts.models import Organization, User
from accounts.policy import Principal, require
from audit import trail


def create(name: str, *, owner: User, part: str) -> Organization:
    """A new organization and its first owner; `part` of Waybill that asks is the actor, for example
    "create_organization". Raises ValidationError."""
    name = " ".join(name.split())
    organization = Organization(name=name, slug=_slug(name))
    organization.full_clean(exclude=["slug"])
    with transaction.atomic():
        organization.save()
        by = Principal.system(part, organization.pk)
        _record("add", organization, by, ["name", "slug"])
        members.add(owner, "owner", by=by)
    return organization


def save(organization: Organization, *, by: User) -> Organization:
    """Insert or change as typed. No role grants this: it is for superusers. Raises PermissionDenied."""
    before = Organization.objects.filter(pk=organization.pk).first()
    changed = [name for name in ("name", "slug") if getattr(before, name, None) != getattr(organization, name)]
    if not changed:
        return organization
    verb = "change" if before else "add"
    with transaction.atomic():
        organization.save()
        principal = Principal.of_user(by, organization.pk)
        require(principal, f"accounts.{verb}_organization", organization)
        _record(verb, organization, principal, changed)
    return organization


def _record(verb: str, organization: Organization, by: Principal, changed: list[str]) -> None:
    """An organization's events belong to itself, not to the one that happens to be in scope."""
    trail.record(
        f"organization.{verb}",
        f"organization:{organization.pk}",
        organization_id=organization.pk,
        actor=by.name,
        detail={"name": organization.name, "changed": changed},
    )


def _slug(name: str) -> str:
    """Free and readable: "Grün & Söhne" becomes gruen-soehne, or gruen-soehne-2."""
    umlauts = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue", "ß": "ss"})
    base = slugify(unicodedata.normalize("NFC", name).translate(umlauts))[:70] or "organization"
    taken = set(Organization.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
