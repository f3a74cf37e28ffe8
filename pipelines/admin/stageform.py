"""The form of one stage: its config as typed, and beside it what the stage waits for and whom it serves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse

from accounts.admin.editor import EditorWidget
from pipelines import drafts, stages
from pipelines.definition import StageDraft
from pipelines.models import Destination, Pipeline, Queue, Stage

_INPUT = {"class": "desk-input"}

FIELDS = ("name", "kind", "run_after", "destination", "queues", "active", "always_run", "position")


class Typed(forms.CharField):
    """Text whose line ends are line feeds, however a browser sent them: so that unchanged text counts as unchanged."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class StageForm(forms.Form):
    """Not a ModelForm: a draft may be saved while it is wrong, as long as the form itself can be read. What keeps it
    from being published is shown, not refused."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    base = Typed(required=False, strip=False, widget=forms.Textarea({"hidden": True, "tabindex": -1}))
    name = forms.CharField(
        max_length=100, widget=forms.TextInput(_INPUT), help_text="Unique in the pipeline; attempts show it."
    )
    kind = forms.ChoiceField(choices=stages.choices, widget=forms.Select(_INPUT))
    run_after = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Runs after",
        help_text="Nothing chosen: it starts at once.",
    )
    destination = forms.ModelChoiceField(
        Destination.objects.none(),
        required=False,
        empty_label="none: any public host",
        widget=forms.Select(_INPUT),
        help_text="Brings its secrets, limits and allowed hosts.",
    )
    queues = forms.ModelMultipleChoiceField(
        Queue.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only for the queues",
        help_text="Nothing chosen: for every queue.",
    )
    active = forms.BooleanField(required=False, help_text="Off: it counts as done for whoever waits for it.")
    always_run = forms.BooleanField(required=False, label="Always run", help_text="Even if a stage before it failed.")
    position = forms.IntegerField(
        min_value=0,
        required=False,
        label="Place on the page",
        widget=forms.NumberInput(_INPUT),
        help_text="Also the order between parallel branches.",
    )
    config = Typed(strip=False, required=False, widget=EditorWidget("json"), label="Config (JSON)")

    def __init__(self, data: Any = None, *, pipeline: Pipeline, stage: Stage | None, read_only: bool = False) -> None:
        self.pipeline, self.stage = pipeline, stage
        super().__init__(data, initial=_initial(pipeline, stage), label_suffix="")
        others = pipeline.stages.exclude(pk=stage.pk if stage else 0).values_list("name", flat=True)
        self.fields["run_after"].choices = [(name, name) for name in others]  # type: ignore[attr-defined]
        self.fields["destination"].queryset = Destination.objects.all()  # type: ignore[attr-defined]
        self.fields["queues"].queryset = Queue.objects.all()  # type: ignore[attr-defined]
        self.fields["config"].widget.attrs.update({
            "data-check-url": reverse("admin:pipelines_pipeline_check", args=[pipeline.pk]),
            "data-offers-url": reverse("admin:pipelines_pipeline_offers", args=[pipeline.pk]),
            "data-problems": "problems",
            "data-form": "config-form",
        })  # fmt: skip
        if read_only:
            for field in self.fields.values():
                field.disabled = True

    def draft(self) -> StageDraft:
        """What stands in the form, unsaved and perhaps invalid, for the check and the preview."""
        given = self.cleaned_data
        destination = given.get("destination")
        return StageDraft(
            name=given.get("name") or "",
            kind=given.get("kind") or "",
            config=given.get("config") or "",
            run_after=tuple(given.get("run_after") or ()),
            active=bool(given.get("active")),
            always_run=bool(given.get("always_run")),
            queues=frozenset(queue.pk for queue in given.get("queues") or ()),
            destination_id=destination.pk if destination else None,
            destination_name=destination.name if destination else "",
        )


def _initial(pipeline: Pipeline, stage: Stage | None) -> dict[str, Any]:
    if stage is None:
        last = pipeline.stages.order_by("position", "pk").last()
        return {
            "version": pipeline.version,
            "kind": stages.choices()[0][0],
            "active": True,
            "run_after": [last.name] if last else [],
            "config": "{\n}\n",
            "base": "{\n}\n",
            "position": last.position + 1 if last else 0,
        }
    return {
        "version": pipeline.version,
        "config": stage.config,
        "base": stage.config,
        "seen": drafts.fingerprint(stage),
        "queues": list(stage.queues.all()),
        **{name: getattr(stage, name) for name in FIELDS if name != "queues"},
    }
