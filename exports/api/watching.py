"""Hints, alert rules, alerts: what people are told, and advised."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from exports import alertrules, alerts, hints
from exports.api.described import raises
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.configuration import filled
from exports.api.shapes.watching import AlertRow, AlertRuleShape, HintMove, HintShape
from exports.models import Alert, AlertRule, Hint


def crud(model: str) -> dict[str, str]:
    """The verbs of rows that people keep in exports."""
    return {
        "list": f"exports.view_{model}",
        "retrieve": f"exports.view_{model}",
        "create": f"exports.add_{model}",
        "partial_update": f"exports.change_{model}",
        "destroy": f"exports.delete_{model}",
    }


class Kept(Listed, Shown, Resource):
    """POST, PATCH and DELETE by a room with `save` and `delete`."""

    room: Any
    newest_first = False
    filter_backends = []

    @raises("refused")
    def create(self, request: Request) -> Response:
        shape = self.get_serializer(data=request.data)
        shape.is_valid(raise_exception=True)
        row = self.room.save(filled(shape), by=self.principal)
        response = Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{row.pk}")
        return response

    @raises("refused")
    def partial_update(self, request: Request, pk: str) -> Response:
        shape = self.get_serializer(self.get_object(), data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        return Response(self.get_serializer(self.room.save(filled(shape), by=self.principal)).data)

    @raises("refused")
    def destroy(self, request: Request, pk: str) -> Response:
        self.room.delete(self.get_object(), by=self.principal)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Hints(Kept):
    """A hint is advice for failures that look alike: the first that fits, by position, is shown beside a group."""

    model = Hint
    noun = "hint"
    tag = "Alerts"
    serializer_class = HintShape
    room = hints
    verbs = {**crud("hint"), "move": "exports.change_hint"}

    @extend_schema(request=HintMove, responses=HintShape)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Put it before or after its neighbour. At the end it stays."""
        hints.move(self.get_object(), by=self.principal, up=self.given(request, HintMove)["to"] == "up")
        return Response(HintShape(self.get_object()).data)


class AlertRules(Kept):
    """An alert rule says when people are told, by itself. There is one of each kind; others are for one place."""

    model = AlertRule
    noun = "alert_rule"
    tag = "Alerts"
    serializer_class = AlertRuleShape
    room = alertrules
    verbs = crud("alertrule")

    def rows(self) -> Any:
        return AlertRule.objects.select_related("destination", "queue")


class Alerts(Listed, Shown, Resource):
    """An alert is one thing that people were told of by a rule."""

    model = Alert
    noun = "alert"
    tag = "Alerts"
    serializer_class = AlertRow
    filter_backends = []
    verbs = {**dict.fromkeys(("list", "retrieve"), "exports.view_alert"), "acknowledge": "exports.change_alert"}

    def rows(self) -> Any:
        return Alert.objects.select_related("acknowledged_by")

    @extend_schema(request=None, responses=AlertRow)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that somebody looks after it. Twice is once; the first name stays, and is none where a robot does."""
        user = request.user if isinstance(request.user, User) else None
        return Response(AlertRow(alerts.acknowledge(self.get_object(), by=self.principal, user=user)).data)
