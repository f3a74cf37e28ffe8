"""Users of Rossum's wire: the organization's members, and its API keys under ids that no person has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import scope
from accounts.models import ApiKey, Organization, User
from exports.protocols.rossum.view import View
from exports.wire.rossum.queues import user as wire_user
from exports.wire.rossum.urls import KEY_IDS, Addresses


def ids_of(names: Iterable[str]) -> dict[str, int]:
    """Users' ids on the wire by what the records call them ("user:anna", "key:erp-robot"); Waybill itself has none."""
    wanted = set(names)
    people = [name.removeprefix("user:") for name in wanted if name.startswith("user:")]
    robots = [name.removeprefix("key:") for name in wanted if name.startswith("key:")]
    found: dict[str, int] = {}
    if people:
        rows = User.objects.filter(username__in=people).values_list("username", "pk")
        found |= {f"user:{name}": pk for name, pk in rows}
    if robots:
        keys = ApiKey.objects.filter(name__in=robots).order_by("pk").values_list("name", "pk")
        found |= {f"key:{name}": KEY_IDS + pk for name, pk in keys}
    return found


def names_of(ids: Iterable[int]) -> list[str]:
    """The other way round: what the records call these users."""
    wanted = list(ids)
    users = User.objects.filter(pk__in=[pk for pk in wanted if pk < KEY_IDS]).values_list("username", flat=True)
    keys = ApiKey.objects.filter(pk__in=[pk - KEY_IDS for pk in wanted if pk >= KEY_IDS])
    return [*(f"user:{name}" for name in users), *(f"key:{name}" for name in keys.values_list("name", flat=True))]


def shape(somebody: User | ApiKey, organization: Organization, at: Addresses) -> dict[str, Any]:
    if isinstance(somebody, User):
        return wire_user(
            somebody.pk,
            organization=organization.pk,
            username=somebody.get_username(),
            email=somebody.email,
            first_name=somebody.first_name,
            last_name=somebody.last_name,
            joined=somebody.date_joined,
            last_login=somebody.last_login,
            active=somebody.is_active,
            at=at,
        )
    live = somebody.revoked_at is None and (somebody.expires_at is None or somebody.expires_at > timezone.now())
    return wire_user(
        KEY_IDS + somebody.pk,
        organization=organization.pk,
        username=f"key:{somebody.name}",
        first_name=somebody.name,
        joined=somebody.created_at,
        last_login=somebody.last_used_at,
        active=live,
        at=at,
    )


def shapes(ids: Collection[int], at: Addresses) -> list[dict[str, Any]]:
    """Several users by their ids on the wire: whoever the organization's records name."""
    organization = Organization.objects.get(pk=scope.current() or 0)
    users = User.objects.filter(pk__in=[pk for pk in ids if pk < KEY_IDS]).order_by("pk")
    keys = ApiKey.objects.filter(pk__in=[pk - KEY_IDS for pk in ids if pk >= KEY_IDS]).order_by("pk")
    return [shape(one, organization, at) for one in (*users, *keys)]


class Users(View):
    """The members. Keys are found one by one: they are nobody who could be assigned."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request) -> Response:
        organization = Organization.objects.get(pk=self.principal.organization_id)
        rows = User.objects.filter(memberships__organization=organization)
        if (ids := self.given.numbers("id")) is not None:
            rows = rows.filter(pk__in=ids)
        for name in ("username", "email", "first_name", "last_name"):
            if wanted := self.given.text(name):
                rows = rows.filter(**{name: wanted})
        if (active := self.given.flag("is_active")) is not None:
            rows = rows.filter(is_active=active)
        columns = {"id": "pk", **{name: name for name in ("username", "email", "first_name", "last_name")}}
        return self.listed(rows, lambda found: [shape(one, organization, self.at) for one in found], keys=columns)


class OneUser(View):
    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        organization = Organization.objects.get(pk=self.principal.organization_id)
        number = int(pk)
        found: User | ApiKey | None
        if number >= KEY_IDS:
            found = ApiKey.objects.filter(pk=number - KEY_IDS).first()
        else:
            found = User.objects.filter(pk=number, memberships__organization=organization).first()
        if found is None:
            raise NotFound
        return Response(shape(found, organization, self.at))
