"""Template: render up to five files from the document's fields, each kept under its reference key.

The body is a Jinja2 template, run in the sandbox, or a JSON template (docs/stages/template.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from pipelines import jsontemplates, mediatypes
from pipelines.blobs import Blob
from pipelines.contract import Inbox, Outcome, StageConfig, Tools
from pipelines.errors import Rejected, StageError
from pipelines.fields import text_of
from pipelines.problems import PlacedError

SENDS = False

MOST = 5
"""Configs of one stage."""

_REFUSED_CODECS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]+")


class ExportConfig(StageConfig):
    """One file: its key, its body, and how it is written."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    export_reference_key: str
    """The reference key that the file is kept under. Older configs call it export_id, which is accepted."""
    content_encoding: str = "utf-8"
    """How text becomes bytes: utf-8, utf-8-sig (with a byte order mark), cp1252, iso-8859-1, utf-16, …"""
    file_content_template: str | None = None
    """The body as one Jinja2 template."""
    file_content_template_multiline: tuple[str, ...] | None = None
    """The same as a list of lines, joined by line feeds."""
    json_template: Any = None
    """The body as JSON with @{field} placeholders and operators, instead of a Jinja2 template."""
    file_name: str = ""
    """The file's name, @{field} placeholders allowed. Without it: the key, and an ending that fits the content."""
    media_type: str = ""
    """The file's media type, for example text/csv. Without it: what the content looks like."""

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "export_id" in given and "export_reference_key" not in given:
            return {"export_reference_key" if key == "export_id" else key: value for key, value in given.items()}
        return given

    @field_validator("export_reference_key")
    @classmethod
    def _a_key(cls, key: str) -> str:
        if not key.strip():
            message = "The reference key is blank: later stages find the file by it."
            raise ValueError(message)
        return key.strip()

    @field_validator("content_encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except (LookupError, UnicodeError, ValueError):
            known = False
        else:
            known = name.lower().replace("-", "_") not in _REFUSED_CODECS
        if not known:
            message = f'"{name}" is no text encoding. Well-known ones: utf-8, utf-8-sig, cp1252, iso-8859-1, utf-16.'
            raise ValueError(message)
        return name

    @field_validator("media_type")
    @classmethod
    def _type_and_subtype(cls, name: str) -> str:
        if name and not re.fullmatch(r"[\w.+-]+/[\w.+-]+(?:\s*;\s*[\w-]+=[\w.+\"-]+)*", name):
            message = f'"{name}" is no media type; it is written like text/csv.'
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _one_body(self) -> ExportConfig:
        jinja = [self.file_content_template, self.file_content_template_multiline]
        given = sum(body is not None for body in [*jinja, self.json_template])
        if given != 1:
            message = (
                "Give the body exactly once: file_content_template, file_content_template_multiline or json_template; "
                f"here are {given or 'none'}."
            )
            raise ValueError(message)
        if self.json_template is not None:
            wrong = jsontemplates.problems(self.json_template)
            if wrong:
                raise PlacedError(wrong[0], "json_template")
        else:
            _check_syntax(self)
        return self

    @property
    def source(self) -> str:
        """The Jinja2 template, lines joined; empty where the body is a JSON template."""
        if self.file_content_template_multiline is not None:
            return "\n".join(self.file_content_template_multiline)
        return self.file_content_template or ""


def _check_syntax(config: ExportConfig) -> None:
    from pipelines.sandbox.refusal import RefusalError
    from pipelines.sandbox.rendering import check

    try:
        check(config.source)
    except RefusalError as refusal:
        where = f"line {refusal.line} of the template: " if refusal.line else ""
        lines = config.file_content_template_multiline
        at = "file_content_template" if lines is None else "file_content_template_multiline"
        raise PlacedError(f"{where}{refusal.message}", at) from None


class Config(StageConfig):
    """Up to five files, each under its own key."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    export_configs: tuple[ExportConfig, ...] = Field(json_schema_extra={"minItems": 1, "maxItems": MOST})
    """The files to render, one to five."""

    @field_validator("export_configs")
    @classmethod
    def _few_and_distinct(cls, configs: tuple[ExportConfig, ...]) -> tuple[ExportConfig, ...]:
        if not 1 <= len(configs) <= MOST:
            cure = "Share them out to several template stages." if configs else "Add one, or delete the stage."
            message = f"A template stage renders 1 to {MOST} files; here are {len(configs)}. {cure}"
            raise ValueError(message)
        keys = [config.export_reference_key for config in configs]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            message = f'The reference key "{twice}" stands twice; each file needs its own.'
            raise ValueError(message)
        return configs


def reads(config: Config) -> frozenset[str]:  # noqa: ARG001 - the signature of every kind
    return frozenset()


def writes(config: Config) -> frozenset[str]:
    return frozenset(one.export_reference_key for one in config.export_configs)


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome:
    """Raises Misconfigured or Rejected whose place names the config and the line."""
    artifacts = {}
    for index, one in enumerate(config.export_configs):
        try:
            artifacts[one.export_reference_key] = _file(one, inbox, tools)
        except StageError as error:
            place = f"config.export_configs[{index}] ({one.export_reference_key})"
            error.place = f"{place}, {error.place}" if error.place else place
            raise
    return Outcome(artifacts=artifacts)


def _file(config: ExportConfig, inbox: Inbox, tools: Tools) -> Blob:
    if config.json_template is not None:
        filled = jsontemplates.fill(config.json_template, inbox.fields, extra=_names(inbox))
        narrow = not config.content_encoding.lower().startswith("utf")  # JSON can say any character in ASCII
        text = json.dumps(filled, ensure_ascii=narrow, indent=2)
        media_type, ending = "application/json", "json"
    else:
        variables = {"field": inbox.fields.values, "payload": inbox.payload}
        text = tools.sandbox.render(config.source, variables, original=inbox.original)
        media_type, ending = mediatypes.guess(text)
    name = f"{config.export_reference_key}.{ending}"
    if config.file_name:
        name = jsontemplates.fill_text(config.file_name, inbox.fields, extra=_names(inbox))
    name = _UNSAFE.sub("_", name).strip(" .") or f"file.{ending}"
    return Blob.of(_encoded(text, config, inbox), name=name, media_type=config.media_type or media_type)


def _names(inbox: Inbox) -> dict[str, str]:
    return {"document.id": str(inbox.document.id), "document.original_file_name": inbox.document.file_name}


def _encoded(text: str, config: ExportConfig, inbox: Inbox) -> bytes:
    try:
        return text.encode(config.content_encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        line = text.count("\n", 0, error.start) + 1
        field = next((node["schema_id"] for node in inbox.fields.nodes() if _holds(node, character)), "")
        shown = "half a character" if "\ud800" <= character <= "\udfff" else f'the character "{character}"'
        message = (
            f"{config.content_encoding} cannot write {shown} (U+{ord(character):04X}), on line {line} of the output. "
            f"Correct {f'the field {field}' if field else 'it'}, or choose utf-8 as the content_encoding."
        )
        raise Rejected(message, place=f"field.{field}" if field else "") from None


def _holds(node: dict[str, Any], character: str) -> bool:
    return node.get("category") == "datapoint" and character in text_of(node)
