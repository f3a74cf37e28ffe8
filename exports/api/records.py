"""The audit trail, and who asks."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Organization, User
from accounts.policy import Principal
from audit import proof, sealing
from audit.models import Event, Seal
from exports.api.described import named
from exports.api.filters import EventFilters
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.records import EventRow, MeShape, Proof


class Events(Listed, Shown, Resource):
    """An event says who did what to which subject, when and why. The trail is append-only and sealed in a chain."""

    model = Event
    noun = "event"
    tag = "Audit"
    serializer_class = EventRow
    filterset_class = EventFilters
    verbs = {**dict.fromkeys(("list", "retrieve"), "audit.view_event"), "proof": "audit.view_seal"}

    def rows(self) -> Any:
        # The trail imports nothing of ours and names organizations by plain id, so it is narrowed here.
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        own = Event.objects.filter(organization_id=self.principal.organization_id)
        return own.annotate(sealed=Exists(Seal.objects.filter(event=OuterRef("pk"))))

    @named("get_audit_proof")
    @extend_schema(request=None, responses=Proof, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def proof(self, request: Request) -> Response:
        """Check the whole chain of this organization: that each event is still what was sealed, and none is missing.

        `number` and `digest` are of its newest seal: kept elsewhere, they show later that nothing was cut off."""
        owner = self.principal.organization_id
        number, digest = sealing.head(owner)
        faults = [{"what": found.what, "event": found.event_id, "seal": found.number} for found in proof.verify(owner)]
        return Response(Proof({"number": number, "digest": digest, "whole": not faults, "faults": faults}).data)


class Known(BasePermission):
    """Anybody who is somebody in an organization."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(getattr(request, "principal", None), Principal)


class Me(Resource):
    """The caller."""

    model = Organization
    noun = "me"
    tag = "Me"
    serializer_class = MeShape
    pagination_class = None
    filter_backends = []
    permission_classes = [Known]
    verbs = {}

    @named("get_me")
    @extend_schema(responses=MeShape)
    def show(self, request: Request) -> Response:
        """Who asks, for which organization, and what they may do there."""
        principal = self.principal
        organization = Organization.objects.get(pk=principal.organization_id)
        shown = {
            "name": principal.name,
            "organization": {"id": organization.pk, "name": organization.name, "slug": organization.slug},
            "role": self.role(request),
            "verbs": sorted(principal.verbs),
            "everything": principal.everything,
        }
        return Response(MeShape(shown).data)

    def role(self, request: Request) -> str:
        """The role's name; empty for a superuser who is no member."""
        if isinstance(request.user, User):
            member = request.user.memberships.filter(organization_id=self.principal.organization_id).first()
            return member.role if member else ""
        return request.auth.role if isinstance(request.auth, ApiKey) else ""
