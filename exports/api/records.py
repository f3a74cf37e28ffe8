"""Bulk jobs, the audit trail, and who asks."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.db.models import Exists, OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Organization, User
from accounts.policy import Principal
from audit.models import Event, Seal
from exports import jobs
from exports.api.described import raises
from exports.api.fieldvalues import Length
from exports.api.filters import EventFilters
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.records import EventRow, JobAsked, JobShape, MeShape
from exports.models import Job


class Jobs(Listed, Shown, Resource):
    """A job is bulk work that survives restarts. Poll it for its progress until `finished_at` is set."""

    model = Job
    noun = "job"
    tag = "Jobs"
    serializer_class = JobShape
    verbs = {
        "list": "exports.view_job",
        "retrieve": "exports.view_job",
        "create": ("exports.add_job", "exports.requeue_attempt"),
        "cancel": "exports.change_job",
    }

    def rows(self) -> Any:
        return Job.objects.defer("subjects", "options").annotate(total=Length("subjects"))

    @raises("refused")
    @extend_schema(request=JobAsked, responses={202: JobShape})
    def create(self, request: Request) -> Response:
        """Re-queue many attempts with one reason. Each is done once, and `outcomes` counts what came of them."""
        given = self.given(request, JobAsked)
        made = jobs.requeue_many(given["attempts"], by=self.principal, why=given["why"], token=self.token(request))
        response = Response(JobShape(self.rows().get(pk=made.pk)).data, status=status.HTTP_202_ACCEPTED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{made.pk}")
        return response

    @raises("refused")
    @extend_schema(request=None, responses=JobShape)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a job. What is done stays done; the rest is not begun."""
        jobs.cancel(Job.objects.get(pk=self.get_object().pk), by=self.principal)
        return Response(JobShape(self.get_object()).data)

    def token(self, request: Request) -> str:
        """One key of one caller is one job, for ever: longer than the reply to it is kept."""
        key = request.headers.get("Idempotency-Key", "").strip()
        return hashlib.sha256(f"{self.principal.name}\0{key}".encode()).hexdigest() if key else uuid.uuid4().hex


class Events(Listed, Shown, Resource):
    """An event says who did what to which subject, when and why. The trail is append-only and sealed in a chain."""

    model = Event
    noun = "event"
    tag = "Audit"
    serializer_class = EventRow
    filterset_class = EventFilters
    verbs = dict.fromkeys(("list", "retrieve"), "audit.view_event")

    def rows(self) -> Any:
        # The trail imports nothing of ours and names organizations by plain id, so it is narrowed here.
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        own = Event.objects.filter(organization_id=self.principal.organization_id)
        return own.annotate(sealed=Exists(Seal.objects.filter(event=OuterRef("pk"))))


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

    show.operation = "get_me"  # type: ignore[attr-defined]  # read by Described

    def role(self, request: Request) -> str:
        """The role's name; empty for a superuser who is no member."""
        if isinstance(request.user, User):
            member = request.user.memberships.filter(organization_id=self.principal.organization_id).first()
            return member.role if member else ""
        return request.auth.role if isinstance(request.auth, ApiKey) else ""
