"""The editor as a form field: a text area that static/editor/editor.js turns into an editor, and JSON typed in it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput, JSONString


class EditorWidget(forms.Textarea):
    """Attributes are explained in static/editor/src/editor.js."""

    def __init__(self, language: str = "json", attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {"class": "desk-input is-code", "spellcheck": "false", "data-editor": language, **(attrs or {})}
        )

    class Media:
        js = ("editor/editor.js",)


class JsonField(forms.JSONField):
    """JSON as a person reads it: indented, letters of every language as they are."""

    widget = EditorWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed stays as it was typed when the form comes back with an error."""
        if data is None:
            return None
        try:
            json.loads(data, cls=self.decoder)
        except json.JSONDecodeError:
            return InvalidJSONInput(data)
        return JSONString(data) if self.disabled else json.loads(data, cls=self.decoder)


class LinesField(forms.CharField):
    """A list of texts, typed one a line."""

    widget = forms.Textarea(attrs={"class": "desk-input", "rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Those of a single text do not apply."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial or [])) != self.to_python(data))
