"""Saved views: lists as people keep them, with the filter that a bulk job may take."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from exports import savedviews
from exports.api.described import raises
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.views import ViewName, ViewShape
from exports.models import SavedView
from exports.predicate import Predicate
from pipelines.refusals import Refused


class Views(Listed, Shown, Resource):
    """A saved view is a list under a name: what is in it, which columns, in which order. One's own, or shared."""

    model = SavedView
    noun = "saved_view"
    tag = "Jobs"
    serializer_class = ViewShape
    newest_first = False
    filter_backends = []
    verbs = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), "exports.add_savedview")

    def rows(self) -> Any:
        own = self.request.user if isinstance(getattr(self.request, "user", None), User) else None
        return SavedView.objects.select_related("owner").filter(Q(shared=True) | Q(owner=own, owner__isnull=False))

    @raises("refused")
    @extend_schema(request=ViewShape, responses={201: ViewShape})
    def create(self, request: Request) -> Response:
        """Keep a list under a name, in place of one's own of that name. A view is a person's: a key makes none."""
        given = self.given(request, ViewShape)
        view = savedviews.save(
            given["page"], given["name"], Predicate.read(given["filter"]), columns=given["columns"],
            sort=given["sort"], shared=given["shared"], user=self.person(request), by=self.principal,
        )  # fmt: skip
        response = Response(ViewShape(view).data, status=status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{view.pk}")
        return response

    @raises("refused")
    @extend_schema(request=ViewName, responses=ViewShape)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give a view another name."""
        view = self.get_object()
        name = self.given(request, ViewName)["name"]
        savedviews.rename(view, name, by=self.principal, user=self.person(request))
        return Response(ViewShape(self.get_object()).data)

    @raises("refused")
    def destroy(self, request: Request, pk: str) -> Response:
        """Gone for everybody it was shared with."""
        savedviews.delete(self.get_object(), by=self.principal, user=self.person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def person(self, request: Request) -> User:
        if not isinstance(request.user, User):
            raise Refused("A view is a person's. Sign in as one; a key may read those that are shared.")
        return request.user
