"""The schema ids and secrets that a stage's config mentions, held against those there are.

A mention is found in the JSON itself, whatever the kind: `@{id}`, `{secret.name}`, `"…schema_id": "id"`, `field.id` in
templates and conditions, `{id}` in file names. So a kind need not list them, and a new kind is covered from the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines import configs, jsontext
from pipelines.definition import JUDGE, StageDraft
from pipelines.problems import Severity, did_you_mean
from pipelines.schematree import ids as schema_ids  # noqa: F401  # pages ask for them beside the mentions

_AT = re.compile(r"@\{\s*([^{}]*?)\s*\}")
_FIELD = re.compile(r"\bfield(?:\.([A-Za-z_]\w*)|\[\s*(['\"])(\w+)\2\s*\])(?!\w|\s*\()")
_FILE_NAME = re.compile(r"(?<![@#{$])\{([A-Za-z_]\w*)\}")
_FILE_NAME_KEYS = frozenset({"filename_template", "path_to_directory"})


@dataclass(frozen=True, slots=True)
class Mention:
    """One schema id that a config counts on. `how` is what happens where a queue's schema lacks it."""

    path: str
    schema_id: str
    how: Severity
    written: bool = False
    """The stage writes the field, so no queue it runs for may lack it."""


def fields(kind: str, raw: Any) -> list[Mention]:
    """Every schema id mentioned, once a path."""
    return list(dict.fromkeys(_fields(kind, raw, "", "")))


def unknown_secrets(draft: StageDraft, raw: Any, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(path, message) of each secret that the stage names and cannot get."""
    for path, name in configs.secrets_named(raw):
        if not name.strip():
            yield path, "{secret.} names no secret: write {secret.password}, for example."
        elif name in known or (name == "access_token" and configs.fetches_its_token(raw)):
            continue
        elif name == "access_token":
            yield (
                path,
                (
                    'The secret "access_token" is written by the stage\'s own "auth", and this stage has none. '
                    'Add "auth", or keep a secret of that name.'
                ),
            )
        else:
            yield path, f'There is no secret "{name}".{did_you_mean(name, known)} {keep(draft)}'


def keep(draft: StageDraft) -> str:
    """Where a secret may be kept for a stage to get it."""
    at = f'at the destination "{draft.destination_name}", ' if draft.destination_name else ""
    return f"Keep it {at}at the pipeline or at the organization."


def _fields(kind: str, value: Any, path: str, key: str) -> Iterator[Mention]:
    if isinstance(value, dict):
        for name, member in value.items():
            inner = jsontext.join(path, name)
            if isinstance(member, str) and member.strip() and _holds_an_id(kind, name):
                yield Mention(inner, member, "error", written=name == "target_schema_id")
            yield from _fields(kind, member, inner, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fields(kind, item, jsontext.join(path, index), key)
    elif isinstance(value, str):
        yield from _in_text(kind, value, path, key)


def _holds_an_id(kind: str, key: str) -> bool:
    """`schema_id` and `target_schema_id` anywhere; `field` and `status_code_field` in an evaluator."""
    ending = ("schema_id", "field") if kind == JUDGE else ("schema_id",)
    return key in ending or key.endswith(tuple(f"_{word}" for word in ending))


def _in_text(kind: str, text: str, path: str, key: str) -> Iterator[Mention]:
    if key.startswith("file_content_template"):
        for found in _FIELD.finditer(text):
            yield Mention(path, found[1] or found[3], "warning")
        return
    for name in _AT.findall(text):
        if "." not in name:
            yield Mention(path, name, "error")
    if kind == JUDGE:
        for found in _FIELD.finditer(text):
            yield Mention(path, found[1] or found[3], "error")
    if key in _FILE_NAME_KEYS:
        for name in _FILE_NAME.findall(text):
            yield Mention(path, name, "error")
