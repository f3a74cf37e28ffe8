"""Triggers: what asks for exports without a person."""

from __future__ import annotations

from django.contrib import admin

from pipelines import triggering
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Trigger


class TriggerForm(ConfigurationForm):
    """What people set; when it looked last is for reading."""

    class Meta:
        model = Trigger
        fields = ("name", "queue", "on", "every_minutes", "active")


@admin.register(Trigger)
class TriggerAdmin(ConfigurationAdmin):
    """One list: what fires, when it last did, and what came of it."""

    form = TriggerForm
    list_display = ("name", "queue", "fires", "active", "last_at", "last_count", "next_look")
    list_filter = ("active", "on")
    search_fields = ("name", "queue__name")
    list_select_related = ("queue",)

    @admin.display(description="fires", ordering="on")
    def fires(self, obj: Trigger) -> str:
        if obj.on == triggering.SCHEDULE:
            return f"every {obj.every_minutes} min, all that wait as confirmed"
        return "at once, when a document is confirmed"

    @admin.display(description="next", ordering="next_at")
    def next_look(self, obj: Trigger) -> object:
        return obj.next_at if obj.on == triggering.SCHEDULE and obj.active else None
