"""Hints, alert rules, alerts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports import alertrules, hints, states
from exports.api.shapes.configuration import Own, filled
from exports.api.shapes.members import TEXT_COLUMNS, TIME, Pairs, Text
from exports.models import Alert, AlertRule, Hint
from pipelines.models import Destination, Queue


class _Checked(serializers.ModelSerializer[Any]):
    """What the room would refuse is told beside its member."""

    room: Any
    serializer_field_mapping = TEXT_COLUMNS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wrong: dict[str, list[str]] = {}
        for problem in self.room.problems(filled(self, attrs)):
            column, _, message = problem.partition(": ")
            wrong.setdefault(column, []).append(message)
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class HintShape(_Checked):
    """Advice, and the failures that it is for: what is left empty fits all."""

    room = hints
    reason = serializers.ChoiceField(choices=states.reason_choices(), required=False, allow_blank=True)
    code = serializers.IntegerField(min_value=100, max_value=599, required=False, allow_null=True)
    destination = Own(queryset=Destination.objects, allow_null=True, required=False)
    advice = Text(max_length=2000)
    link = Text(max_length=500, required=False, allow_blank=True, help_text="http or https.")

    class Meta:
        model = Hint
        fields = ["id", "position", "pattern", "reason", "code", "destination", "advice", "link", "active"]
        read_only_fields = ["position"]

    example: dict[str, Any] = {
        "id": 2, "position": 1, "pattern": "supplier * unknown", "reason": "rejected", "code": 422, "destination": 4,
        "advice": "Have the supplier made in the ERP, then re-queue.", "link": "https://wiki.example/suppliers",
        "active": True,
    }  # fmt: skip


class HintMove(serializers.Serializer[Any]):
    """Which way."""

    to = serializers.ChoiceField(choices=["up", "down"])
    example = {"to": "up"}


class AlertRuleShape(_Checked):
    """When people are told, by itself. What a kind does not use stays as it is."""

    room = alertrules
    kind = serializers.ChoiceField(choices=[(name, kind.title) for name, kind in alertrules.KINDS.items()])
    destination = Own(queryset=Destination.objects, allow_null=True, required=False)
    queue = Own(queryset=Queue.objects, allow_null=True, required=False)
    minutes = serializers.IntegerField(min_value=1, max_value=129_600, required=False)
    least = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    hour = serializers.IntegerField(min_value=0, max_value=23, required=False)

    class Meta:
        model = AlertRule
        fields = ["id", "kind", "active", "destination", "queue", "minutes", "least", "hour", "zone"]
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A rule's kind and place do not change: another place is another rule."""
        row = self.instance
        for name in ("kind", "destination", "queue"):
            if isinstance(row, AlertRule) and name in attrs and attrs[name] != getattr(row, name):
                raise serializers.ValidationError({name: "This does not change; make another rule."})
        same = {name: attrs.get(name) for name in ("kind", "destination", "queue")}
        if row is None and AlertRule.objects.filter(**same).exists():
            raise serializers.ValidationError({"kind": "There is a rule of this kind for this place. Change that one."})
        return super().validate(attrs)

    example: dict[str, Any] = {
        "id": 7, "kind": next(iter(alertrules.KINDS)), "active": True, "destination": None, "queue": None,
        "minutes": 60, "least": 5, "hour": 7, "zone": "Europe/Vienna",
    }  # fmt: skip


class AlertRow(serializers.ModelSerializer[Alert]):
    """What people were told, and who looks after it."""

    facts = Pairs(help_text="Pairs of label and text.")
    acknowledged_by = Text(source="acknowledged_by.username", allow_null=True, default=None)

    class Meta:
        model = Alert
        fields = [
            "id", "kind", "type", "subject", "title", "said", "facts", "link", "raised_at", "ended_at",
            "acknowledged_at", "acknowledged_by",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": 9, "kind": "group", "type": "failure_group.opened", "subject": "failure_group:12",
        "title": "A new cause of failures", "said": "Supplier 4711 is unknown", "facts": [["Queue", "AP invoices"]],
        "link": "/admin/exports/failuregroup/12/change/", "raised_at": TIME, "ended_at": None, "acknowledged_at": TIME,
        "acknowledged_by": "anna",
    }  # fmt: skip
