"""Failure groups: why exports fail, each cause once, and what people say of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports import groups
from exports.api.described import raises
from exports.api.filters import FailureGroupFilters
from exports.api.problems import wrong
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.failuregroups import Assign, GroupRow, Ignore, Merge, Note, Snooze, Split
from exports.models import Attempt, FailureGroup
from exports.states import State


class FailureGroups(Listed, Shown, Resource):
    """A failure group is one cause: the failures that share destination, stage, reason, code and message, with ids,
    amounts, dates and quoted values masked. An attempt finds its group when it fails."""

    model = FailureGroup
    noun = "failure_group"
    tag = "Attempts"
    serializer_class = GroupRow
    filterset_class = FailureGroupFilters
    verbs = {
        **dict.fromkeys(("list", "retrieve"), "exports.view_failuregroup"),
        **dict.fromkeys(
            ("acknowledge", "snooze", "assign", "ignore", "reopen", "merge", "unmerge", "split"), groups.CHANGE
        ),
    }

    def rows(self) -> Any:
        failed = Attempt.objects.filter(group=OuterRef("pk"), state=State.FAILED, resolution="").order_by()
        counted = failed.values("group").annotate(number=Count("pk")).values("number")
        return FailureGroup.objects.select_related("revision", "owner").defer("revision__definition").annotate(
            open_documents=Coalesce(Subquery(counted, output_field=IntegerField()), 0)
        )  # fmt: skip

    def shown(self, group: FailureGroup, code: int = status.HTTP_200_OK) -> Response:
        return Response(GroupRow(self.rows().get(pk=group.pk)).data, status=code)

    @raises("refused")
    @extend_schema(request=Note, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that somebody knows of it."""
        group, note = self.get_object(), self.given(request, Note)["note"]
        return self.shown(groups.acknowledge(group, by=self.principal, note=note))

    @raises("refused")
    @extend_schema(request=Snooze, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Put it out of sight until a moment. It comes back by itself."""
        group, given = self.get_object(), self.given(request, Snooze)
        return self.shown(groups.snooze(group, given["until"], by=self.principal, note=given["note"]))

    @raises("refused")
    @extend_schema(request=Ignore, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: str) -> Response:
        """Put it out of sight and out of all alerts. Its documents still count as failed."""
        group, note = self.get_object(), self.given(request, Ignore)["note"]
        return self.shown(groups.ignore(group, by=self.principal, note=note))

    @raises("refused")
    @extend_schema(request=Note, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Open it again, whatever was said of it."""
        group, note = self.get_object(), self.given(request, Note)["note"]
        return self.shown(groups.reopen(group, by=self.principal, note=note))

    @raises("refused")
    @extend_schema(request=Assign, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to a member of the organization, or to nobody."""
        group, name = self.get_object(), self.given(request, Assign)["owner"]
        owner = groups.members(self.principal.organization_id).filter(username=name).first() if name else None
        if name and owner is None:
            raise wrong("owner", f'No member of this organization is called "{name[:60]}".')
        return self.shown(groups.assign(group, owner, by=self.principal))

    @raises("refused")
    @extend_schema(request=Merge, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Merge this group into another one, which is returned and lists its failures from now on."""
        group, given = self.get_object(), self.given(request, Merge)
        into = FailureGroup.objects.filter(pk=given["into"]).first()
        if into is None:
            raise wrong("into", f"There is no failure group {given['into']}.")
        return self.shown(groups.merge([group], into, by=self.principal, why=given["why"]))

    @raises("refused")
    @extend_schema(request=None, responses=GroupRow)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, pk: str) -> Response:
        """Take a merge back: the group stands for itself again."""
        return self.shown(groups.unmerge(self.get_object(), by=self.principal))

    @raises("refused")
    @extend_schema(request=Split, responses={201: GroupRow})
    @action(detail=True, methods=["post"])
    def split(self, request: Request, pk: str) -> Response:
        """Give the failures whose message contains a text a group of their own, now and from now on."""
        group, given = self.get_object(), self.given(request, Split)
        made = groups.split(group, given["text"], by=self.principal, title=given["title"])
        return self.shown(made, status.HTTP_201_CREATED)
