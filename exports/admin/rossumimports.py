"""The page that takes over a Rossum organization from uploaded files, and tells what came of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.admin.desk import DeskAdmin, require
from pipelines.refusals import Refused
from pipelines.rossumimport import applying, uploads
from pipelines.rossumimport.outcome import Outcome


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or several files."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(one, initial) for one in files or [None]]


class ImportForm(forms.Form):
    """What is read, and how far."""

    uploaded = ManyFilesField(
        label="Files",
        widget=ManyFiles({"class": "desk-input", "accept": ".json,.py,.zip"}),
        help_text="JSON of hooks, queues and schemas, as Rossum's API lists them; or the deployment manager's folder, "
        "zipped.",
    )
    queue = forms.CharField(
        required=False,
        max_length=200,
        label="Only this queue",
        widget=forms.TextInput({"class": "desk-input"}),
        help_text="By its name or its id at Rossum; empty takes all.",
    )
    only_look = forms.BooleanField(required=False, initial=True, label="Only look: change nothing")
    publish = forms.BooleanField(required=False, label="Publish what has no problems")
    overwrite = forms.BooleanField(required=False, label="Take Rossum's word for stages that were edited here too")


class RossumImports(DeskAdmin):
    """The view, for the admin of Rossum accounts."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name=self.named("import")), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        by = require(request, "pipelines.add_pipeline")
        require(request, "pipelines.add_queue")
        form = ImportForm(request.POST or None, request.FILES or None, label_suffix="")
        outcome: Outcome | None = None
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            found = uploads.read((file.name, file.file) for file in given["uploaded"])
            try:
                outcome = applying.run(
                    found,
                    by=by,
                    only=given["queue"].strip(),
                    publish=given["publish"] and request.user.has_perm("pipelines.publish_pipeline"),
                    overwrite=given["overwrite"],
                    dry_run=given["only_look"],
                )
            except Refused as refusal:
                form.add_error(None, refusal.message)
        return self.page(
            request, "admin/exports/rossum_import.html", title="Take over from Rossum", form=form, outcome=outcome
        )
