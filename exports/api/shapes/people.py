"""Members and API keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import policy
from accounts.models import ApiKey, Membership
from exports.api.shapes.configuration import Own
from exports.api.shapes.members import TIME, Text
from pipelines.models import Queue


class MemberShape(serializers.ModelSerializer[Membership]):
    """A person's role in the organization."""

    username = Text(source="user.username", read_only=True)
    name = Text(source="user.get_full_name", read_only=True)
    active = serializers.BooleanField(source="user.is_active", read_only=True, help_text="False: switched off.")
    role = serializers.ChoiceField(choices=policy.role_choices())

    class Meta:
        model = Membership
        fields = ["id", "username", "name", "active", "role"]

    example: dict[str, Any] = {"id": 3, "username": "anna", "name": "Anna Berger", "active": True, "role": "operator"}


class MemberAdded(serializers.Serializer[Any]):
    """Whom, and as what."""

    username = Text(max_length=150)
    role = serializers.ChoiceField(choices=policy.role_choices())
    example = {"username": "anna", "role": "operator"}


class MemberRole(serializers.Serializer[Any]):
    """As what from now on."""

    role = serializers.ChoiceField(choices=policy.role_choices())
    example = {"role": "integrator"}


class KeyShape(serializers.ModelSerializer[ApiKey]):
    """A key without its text, which nobody has but who was shown it."""

    role = serializers.ChoiceField(choices=policy.role_choices())
    verbs = serializers.ListField(child=Text(), allow_null=True, help_text="null: all of its role.")
    queues = serializers.ListField(child=serializers.IntegerField(), allow_null=True, help_text="Ids; null: all.")
    created_by = Text(source="created_by.username", allow_null=True, default=None)

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "prefix", "role", "verbs", "queues", "created_by", "created_at", "expires_at", "revoked_at",
            "last_used_at",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": 5, "name": "erp-robot", "prefix": "0123456789ab", "role": "operator",
        "verbs": ["exports.view_document", "exports.export_document"], "queues": [3], "created_by": "anna",
        "created_at": TIME, "expires_at": TIME, "revoked_at": None, "last_used_at": None,
    }  # fmt: skip


class KeyMade(KeyShape):
    """The key with its text, shown this once."""

    key = Text(allow_null=True, default=None, help_text="null where the request is repeated.")

    class Meta(KeyShape.Meta):
        fields = [*KeyShape.Meta.fields, "key"]

    example: dict[str, Any] = {**KeyShape.example, "key": "wb_0123456789ab_…"}


class KeyAsked(serializers.Serializer[Any]):
    """What a new key may do, and until when."""

    name = Text(max_length=190, help_text="The audit trail shows it.")
    role = serializers.ChoiceField(choices=policy.role_choices())
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    verbs = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(frozenset().union(*policy.GRANTS.values()))),
        required=False, allow_null=True, default=None, allow_empty=False, help_text="Only these of its role.",
    )  # fmt: skip
    queues = serializers.ListField(
        child=Own(queryset=Queue.objects), required=False, allow_null=True, default=None, allow_empty=False,
        help_text="Only the documents of these.",
    )  # fmt: skip
    example: dict[str, Any] = {
        "name": "erp-robot", "role": "operator", "expires_at": "2027-03-02T09:10:00Z",
        "verbs": ["exports.view_document", "exports.export_document"], "queues": [3],
    }  # fmt: skip
