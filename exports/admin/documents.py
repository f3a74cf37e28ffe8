"""The list of documents: tabs by status, what each is known by, how its last attempt ended; and the upload."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList as DjangoChangeList
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskList, require
from accounts.admin.editor import EditorWidget, read_json
from accounts.display import moment
from exports import arrivals, looks
from exports.admin import fieldtables, repeats
from exports.admin.documentpage import DocumentPage
from exports.admin.home import last
from exports.models import Attempt, Document
from exports.states import Status
from pipelines.blobs import Blob
from pipelines.errors import StageError
from pipelines.models import Queue
from pipelines.refusals import Refused

PUT_AWAY = [(Status.DELETED.value, "Deleted"), (Status.PURGED.value, "Purged")]
"""Shown only when asked for."""


class Tab(admin.SimpleListFilter):
    """The tabs above the list; `failed` is the red part of Exported."""

    title = "status"
    parameter_name = "tab"
    template = "admin/parts/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((key, title) for key, title, _ in looks.TABS), ("failed", "Export failed"), *PUT_AWAY]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        chosen = self.value()
        if chosen == "failed":
            return queryset.filter(status=Status.FAILED_EXPORT)
        if chosen in dict(PUT_AWAY):
            return queryset.filter(status=chosen)
        for key, _title, statuses in looks.TABS:
            if key == chosen:
                return queryset.filter(status__in=statuses)
        return queryset.exclude(status__in=(Status.DELETED, Status.PURGED))


class SideFilter(admin.SimpleListFilter):
    """The four-way split of failed exports."""

    title = "what broke"
    parameter_name = "side"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(side.key, side.title) for side in looks.SIDES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        side = next((side for side in looks.SIDES if side.key == self.value()), None)
        if side is None:
            return queryset
        return queryset.filter(status=Status.FAILED_EXPORT).annotate(reason=last("reason")).filter(
            reason__in=side.reasons
        )  # fmt: skip


class Documents(DeskList):
    """Fetches the last attempt of each shown document with one more query, not one each."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any
        shown = list(self.result_list)
        newest = Attempt.objects.in_bulk([row.last_attempt_id for row in shown if row.last_attempt_id])
        for row in shown:
            row.last_attempt = newest.get(row.last_attempt_id)
            row.headline = fieldtables.headline(row.fields.content if row.fields else [])
        self.result_list = shown


TOLD = {
    "new": "",
    "same": " It was here already; nothing was added twice.",
    "changed": " It was here already and now has what changed; nothing was added twice.",
}
"""What the page says of an upload, by what became of it."""


class UploadForm(forms.Form):
    """An original file, its fields, or both."""

    queue = forms.ModelChoiceField(Queue.objects.none(), widget=forms.Select({"class": "desk-input"}))
    original = forms.FileField(
        required=False,
        widget=forms.FileInput({"class": "desk-input"}),
        help_text="A PDF, an XML, an image or any other file.",
    )
    external_id = forms.CharField(
        required=False,
        max_length=200,
        label="External id",
        widget=forms.TextInput({"class": "desk-input"}),
        help_text="The sender's id; empty takes the file's fingerprint. A repeated id is the same document.",
    )
    fields_json = forms.CharField(
        required=False,
        strip=False,
        label="Fields (JSON)",
        widget=EditorWidget("json", {"rows": 10}),
        help_text='One flat object, {"document_id": "INV-1", "line_items": [ … ]}, or a list of sections.',
    )
    confirmed = forms.BooleanField(required=False, label="It is reviewed already", help_text="It starts confirmed.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["queue"].queryset = Queue.objects.all()  # type: ignore[attr-defined]

    def clean_fields_json(self) -> Any:
        text = self.cleaned_data["fields_json"].strip()
        if not text:
            return {}
        return read_json(text)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.errors:  # what is missing only because it is wrong is said where it is wrong
            return given
        if not given.get("original") and not given.get("fields_json"):
            raise ValidationError("Give a file, fields, or both: there is nothing to take in yet.")
        if not given.get("external_id") and not given.get("original"):
            raise ValidationError({"external_id": "Without a file the document needs an external id."})
        return given


@admin.register(Document)
class DocumentAdmin(DocumentPage):
    list_display = ("name", "standing", "party", "amount", "last_try", "arrived")
    list_display_links = ("name",)
    list_filter = (Tab, SideFilter, "queue", "automated", "created_at")
    search_fields = ("external_id",)
    search_help_text = "By external id, file name or the value of any field"
    list_select_related = ("queue", "fields")
    list_before_template = "admin/exports/document_tabs.html"
    ordering = ("-id",)
    actions = ("requeue_last",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        rows: QuerySet[Document] = super().get_queryset(request)
        return rows.annotate(last_attempt_id=last("pk")).defer("metadata", "messages")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DjangoChangeList]:
        return Documents

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Document], search_term: str
    ) -> tuple[QuerySet[Document], bool]:
        """Every word must stand in the external id, the file name or some field's value; names of fields do not
        count, or "amount" would find everything."""
        for word in search_term.split():
            found = Q(external_id__icontains=word) | Q(file_name__icontains=word)
            # SQLite keeps JSON as it was written, with \\u escapes; PostgreSQL's jsonb as characters.
            kept = json.dumps(word)[1:-1] if connection.vendor == "sqlite" else word
            value = rf'"(value|normalized_value)": "([^"\\]|\\.)*{re.escape(kept)}'
            queryset = queryset.filter(found | Q(fields__content__iregex=value))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = dict(Document.objects.order_by().values_list("status").annotate(Count("pk")))
        chosen = request.GET.get("tab", "")
        tabs = []
        for key, title, statuses in looks.TABS:
            failed = counts.get(Status.FAILED_EXPORT, 0) if key == "exported" else 0
            number = sum(counts.get(status, 0) for status in statuses)
            tabs.append({"key": key, "title": title, "number": number, "failed": failed, "chosen": key == chosen})
        away = [
            {"key": key, "title": title, "number": counts.get(key, 0)} for key, title in PUT_AWAY if counts.get(key)
        ]
        context = {"tabs": tabs, "away": away, "chosen_tab": chosen, "title": "Documents", **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The upload."""
        by = require(request, "exports.add_document")
        form = UploadForm(request.POST or None, request.FILES or None, initial={"queue": request.GET.get("queue")})
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            file = given["original"]
            original = _blob(file) if file is not None else None
            try:
                arrival = arrivals.take_in(
                    given["queue"],
                    by=by,
                    external_id=given["external_id"],
                    fields=given["fields_json"] or None,  # left out, not emptied: the document may be here already
                    original=original,
                    confirmed=given["confirmed"],
                )
            except (Refused, StageError) as error:
                form.add_error(None, str(error))
            else:
                document = arrival.document
                messages.success(request, f"{document.external_id} is in.{TOLD[arrival.outcome]}")
                return HttpResponseRedirect(reverse("admin:exports_document_change", args=[document.pk]))
        return self.page(
            request,
            "admin/exports/upload.html",
            title="Upload a document",
            form=form,
            no_queues=not Queue.objects.exists(),
        )

    @admin.action(description="Send again…", permissions=["requeue"])
    def requeue_last(self, request: HttpRequest, queryset: QuerySet[Document]) -> HttpResponse:
        """The last attempt of each chosen document."""
        ids = queryset.order_by("pk").values_list("pk", flat=True)
        return repeats.ask(self, request, list(ids), of="documents")

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("exports.requeue_attempt"))

    @admin.display(description="document", ordering="external_id")
    def name(self, obj: Any) -> SafeString:
        number = obj.headline["number"]
        second = number if number and number != obj.external_id else obj.file_name
        return _two(obj.external_id, second)

    @admin.display(description="status", ordering="status")
    def standing(self, obj: Document) -> SafeString:
        return looks.of_status(obj.status).badge()

    @admin.display(description="party, queue")
    def party(self, obj: Any) -> SafeString:
        return _two(obj.headline["party"] or "–", obj.queue.name)

    @admin.display(description="amount, due")
    def amount(self, obj: Any) -> SafeString:
        amount, currency = obj.headline["amount"], obj.headline["currency"].upper()
        return _two(f"{amount} {currency}" if amount else "–", obj.headline["due"], "desk-nowrap")

    @admin.display(description="last attempt")
    def last_try(self, obj: Any) -> SafeString | str:
        attempt = obj.last_attempt
        if attempt is None:
            return "–"
        look = looks.of_reason(attempt.reason) if attempt.reason else looks.of_attempt(attempt.state)
        return format_html('<span class="desk-cell">{}<small>{}</small></span>', look.badge(), attempt.message)

    @admin.display(description="arrived", ordering="created_at")
    def arrived(self, obj: Document) -> SafeString:
        return moment(obj.created_at)


def _two(first: str, second: str, more: str = "") -> SafeString:
    return format_html('<span class="desk-cell {}"><span>{}</span><small>{}</small></span>', more, first, second)


def _blob(file: Any) -> Blob:
    """An upload is one stream; a blob's begins at its start each time: so from memory, or from the temporary file."""
    media_type = file.content_type or "application/octet-stream"
    if hasattr(file, "temporary_file_path"):
        return Blob.from_file(Path(file.temporary_file_path()), name=file.name, media_type=media_type)
    return Blob.of(file.read(), name=file.name, media_type=media_type)
