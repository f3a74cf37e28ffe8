"""Making an organization, with the first person in it."""

from __future__ import annotations

import unicodedata

from django.db import transaction
from django.utils.text import slugify

from accounts import members
from accounts.models import Organization, User
from accounts.policy import Principal
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
        trail.record(
            "accounts.add_organization",
            f"organization:{organization.pk}",
            organization_id=organization.pk,
            actor=by.name,
            detail={"name": name},
        )
        members.add(owner, "owner", by=by)
    return organization


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
