"""What is asked and answered where somebody does something about a failure."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.attempts import AttemptRow
from exports.api.shapes.members import Text


class DeliveredElsewhere(serializers.Serializer[Any]):
    """How a document got there by another way."""

    reference = Text(max_length=200, help_text="The other side's, such as its document number.")
    why = Text(max_length=500, help_text="How it was delivered; kept in the audit trail.")
    example = {"reference": "ERP-2026-0815", "why": "Entered by hand on Monday"}


class Asked(serializers.Serializer[Any]):
    """What the other side said."""

    arrived = serializers.BooleanField(allow_null=True, help_text="null: it did not say.")
    detail = Text(help_text="For people.")
    reference = Text(allow_blank=True, help_text="Where it was found.")
    attempt = AttemptRow()
    example = {
        "arrived": True,
        "detail": "Asked the other side: GET answered 200 OK.",
        "reference": "https://erp.example/api/invoices/inv-0042",
        "attempt": {**AttemptRow.example, "state": "succeeded", "reason": ""},
    }


class Assigned(serializers.Serializer[Any]):
    """Who answers for a document."""

    assignee = Text(max_length=150, allow_null=True, help_text="A member's user name; null: nobody.")
    example = {"assignee": "anna"}
