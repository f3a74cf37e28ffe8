"""The editor as a form field: a text area that static/editor/editor.js turns into an editor, and JSON typed in it."""

from __future__ import annotations

import json
import math
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput, JSONString

MAX_DEPTH = 60
"""Levels of nesting; fields have six, configs a dozen."""


class EditorWidget(forms.Textarea):
    """Attributes are explained in static/editor/src/editor.js."""

    def __init__(self, language: str = "json", attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {"class": "desk-input is-code", "spellcheck": "false", "data-editor": language, **(attrs or {})}
        )

    class Media:
        js = ("editor/editor.js",)


def read_json(text: str) -> Any:
    """JSON that every database keeps and every page can show. Raises ValidationError saying what is wrong with it."""
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        _check(value)
    except RecursionError:
        raise ValidationError(f"This is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:
        raise ValidationError(f"This is no JSON: {error}") from error
    return value


def _no_number(name: str) -> Any:
    message = f"{name} is no JSON number."
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits[:40])


def _check(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        texts = [each for each in level if isinstance(each, str)]
        texts += [key for each in level if isinstance(each, dict) for key in each]
        if any("\0" in text or any("\ud800" <= character <= "\udfff" for character in text) for text in texts):
            message = r"text with \u0000 or half a surrogate pair cannot be kept."
            raise ValueError(message)
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise RecursionError


class JsonField(forms.JSONField):
    """JSON as a person reads it: indented, letters of every language as they are."""

    widget = EditorWidget

    def to_python(self, value: Any) -> Any:
        if self.disabled or value in self.empty_values or not isinstance(value, str) or isinstance(value, JSONString):
            return super().to_python(value)
        read = read_json(value)
        return JSONString(read) if isinstance(read, str) else read

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed stays as it was typed when the form comes back with an error."""
        if data is None:
            return None
        try:
            read = read_json(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return JSONString(data) if self.disabled else read


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
