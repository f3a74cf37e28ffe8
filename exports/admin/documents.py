"""The documents: their list (exports/admin/lists/), and the upload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.admin.desk import require
from accounts.admin.editor import EditorWidget, read_json
from exports import arrivals
from exports.admin.documentpage import DocumentPage
from exports.admin.lists import acts, page
from exports.admin.lists.kinds import DOCUMENTS
from exports.models import Document
from pipelines.blobs import Blob
from pipelines.errors import StageError
from pipelines.models import Queue
from pipelines.refusals import Refused

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
    def get_urls(self) -> list[Any]:
        return [*acts.urls(self), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return page.respond(self, request, DOCUMENTS, "admin/exports/lists/page.html", extra=extra_context)

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


def _blob(file: Any) -> Blob:
    """An upload is one stream; a blob's begins at its start each time: so from memory, or from the temporary file."""
    media_type = file.content_type or "application/octet-stream"
    if hasattr(file, "temporary_file_path"):
        return Blob.from_file(Path(file.temporary_file_path()), name=file.name, media_type=media_type)
    return Blob.of(file.read(), name=file.name, media_type=media_type)
