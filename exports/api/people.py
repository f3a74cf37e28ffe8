"""Members, and API keys: whom the organization lets in."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys, members
from accounts.models import ApiKey, Membership, User
from exports.api.described import raises
from exports.api.problems import wrong
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.people import KeyAsked, KeyMade, KeyShape, MemberAdded, MemberRole, MemberShape


class Members(Listed, Shown, Resource):
    """A member is a person with a role in this organization."""

    model = Membership
    noun = "member"
    tag = "People"
    serializer_class = MemberShape
    newest_first = False
    filter_backends = []
    verbs = {
        "list": "accounts.view_membership",
        "retrieve": "accounts.view_membership",
        "create": "accounts.add_membership",
        "partial_update": "accounts.change_membership",
        "destroy": "accounts.delete_membership",
    }

    def rows(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return Membership.objects.filter(organization_id=self.principal.organization_id).select_related("user")

    @raises("refused")
    @extend_schema(request=MemberAdded, responses={201: MemberShape})
    def create(self, request: Request) -> Response:
        """Make a person who has an account a member. Accounts are made in the admin."""
        given = self.given(request, MemberAdded)
        user = User.objects.filter(username=given["username"], is_active=True).first()
        if user is None:
            raise wrong("username", "Nobody has an account of this name.")
        made = members.add(user, given["role"], by=self.principal)
        response = Response(MemberShape(made).data, status=status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{made.pk}")
        return response

    @extend_schema(request=MemberRole, responses=MemberShape)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give a member another role."""
        changed = members.change_role(self.get_object(), self.given(request, MemberRole)["role"], by=self.principal)
        return Response(MemberShape(changed).data)

    @raises("invalid")
    def destroy(self, request: Request, pk: str) -> Response:
        """End a membership. The person's account, and what they did, stay."""
        members.remove(self.get_object(), by=self.principal)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Keys(Listed, Shown, Resource):
    """An API key is a robot's way in: a role, perhaps narrowed to some verbs and queues, and perhaps an end."""

    model = ApiKey
    noun = "api_key"
    tag = "People"
    serializer_class = KeyShape
    filter_backends = []
    verbs = {
        "list": "accounts.view_apikey",
        "retrieve": "accounts.view_apikey",
        "create": "accounts.add_apikey",
        "revoke": "accounts.delete_apikey",
    }

    def rows(self) -> Any:
        return ApiKey.objects.select_related("created_by")

    @extend_schema(request=KeyAsked, responses={201: KeyMade})
    def create(self, request: Request) -> Response:
        """Make a key. The reply has it, this once; it can be given no more than the caller may do."""
        given = self.given(request, KeyAsked)
        queues = given["queues"]
        row, plain = keys.create(
            self.principal, given["name"], given["role"], given["expires_at"],
            verbs=given["verbs"], queues=None if queues is None else [queue.pk for queue in queues],
        )  # fmt: skip
        row.key = plain  # type: ignore[attr-defined]  # for the shape alone
        response = Response(KeyMade(row).data, status=status.HTTP_201_CREATED)
        response.shown_once = ("key",)  # type: ignore[attr-defined]  # read by idempotency
        response["Cache-Control"] = "no-store"
        response["Location"] = request.build_absolute_uri(f"{request.path}/{row.pk}")
        return response

    @extend_schema(request=None, responses=KeyShape)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Withdraw a key for good. Twice is once."""
        row = self.get_object()
        keys.revoke(row, by=self.principal)
        return Response(KeyShape(row).data)
