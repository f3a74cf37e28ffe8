"""Queues and schemas."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.editor import JsonField
from accounts.display import WARN, badge
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Queue, Schema


class QueueForm(ConfigurationForm):
    metadata = JsonField(required=False, help_text="Anything of yours, as JSON; templates read it in the payload.")

    class Meta:
        model = Queue
        fields = ("name", "schema", "pipeline", "use_confirmed_state", "metadata")

    def clean_metadata(self) -> Any:
        return self.cleaned_data["metadata"] or {}


@admin.register(Queue)
class QueueAdmin(ConfigurationAdmin):
    form = QueueForm
    list_display = ("name", "pipeline_name", "schema", "waits_for_people", "documents_link")
    search_fields = ("name",)
    list_select_related = ("pipeline", "schema")
    fieldsets = (
        (None, {"fields": ("name", "pipeline", "schema", "use_confirmed_state")}),
        ("Metadata", {"fields": ("metadata",), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        rows: QuerySet[Queue] = super().get_queryset(request)
        return rows.annotate(document_count=Count("documents"))

    @admin.display(description="pipeline", ordering="pipeline__name")
    def pipeline_name(self, obj: Queue) -> SafeString | str:
        if obj.pipeline is None:
            return badge("none yet", WARN, "warning", "Documents of this queue cannot be exported.")
        url = reverse("admin:pipelines_pipeline_change", args=[obj.pipeline.pk])
        state = "" if obj.pipeline.published_id else badge("not published", WARN, "warning")
        return format_html('<a href="{}">{}</a> {}', url, obj.pipeline.name, state)

    @admin.display(description="confirmed documents", ordering="use_confirmed_state")
    def waits_for_people(self, obj: Queue) -> str:
        return "wait until asked for" if obj.use_confirmed_state else "are exported at once"

    @admin.display(description="documents", ordering="document_count")
    def documents_link(self, obj: Any) -> SafeString | str:
        try:
            url = reverse("admin:exports_document_changelist")
        except NoReverseMatch:
            return str(obj.document_count)
        return format_html('<a href="{}?queue__id__exact={}">{}</a>', url, obj.pk, obj.document_count)


class SchemaForm(ConfigurationForm):
    content = JsonField(
        label="Sections",
        help_text="A list of sections, each with its datapoints and tables, as Rossum's schemas have them.",
    )

    class Meta:
        model = Schema
        fields = ("name", "content")


@admin.register(Schema)
class SchemaAdmin(ConfigurationAdmin):
    form = SchemaForm
    list_display = ("name", "fields_count", "queue_names")
    search_fields = ("name",)
    fields = ("name", "content")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schema]:
        rows: QuerySet[Schema] = super().get_queryset(request)
        return rows.prefetch_related("queues")

    @admin.display(description="fields")
    def fields_count(self, obj: Schema) -> int:
        stack, found = list(obj.content), 0
        while stack:
            node = stack.pop()
            children = node.get("children") or []
            stack.extend(children if isinstance(children, list) else [children])
            found += node.get("category") == "datapoint"
        return found

    @admin.display(description="queues")
    def queue_names(self, obj: Schema) -> str:
        return ", ".join(queue.name for queue in obj.queues.all()) or "–"
