"""Fills one stage's texts for one document: @{schema_id}, {secret.name}, #{file_content} and #{original_file}.

What a document says is never read as a placeholder again: a captured value `{secret.password}` stays that text.
"""

from __future__ import annotations

import re
import secrets as randomness
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pipelines import jsontemplates
from pipelines.blobs import Blob
from pipelines.contract import Inbox, Tools
from pipelines.errors import Misconfigured, Rejected

SECRET = re.compile(r"\{secret\.\s*([^{}]*?)\s*\}")
FILE = re.compile(r"#\{\s*(file_content|original_file)\s*\}")
_OURS = re.compile(f"{SECRET.pattern}|{FILE.pattern}")
TOKEN = "access_token"  # noqa: S105  # a secret's name
EMBEDDED = 20 * 1024 * 1024
"""Bytes of a file that may stand inside a longer text; a file sent as it is has no such bound."""


class Filling:
    """The placeholders of one run. `token` gives the OAuth2 access token where the stage fetches its own."""

    def __init__(self, inbox: Inbox, tools: Tools, *, key: str = "", token: Callable[[], str] | None = None) -> None:
        self._inbox = inbox
        self._tools = tools
        self._key = key
        self._token = token
        self._extra = known(inbox)

    def text(self, template: str, place: str) -> str:
        marks, marked = self._marked(template, place)
        return str(_unmarked(jsontemplates.fill_text(marked, self._inbox.fields, extra=self._extra), marks))

    def value(self, template: Any, place: str) -> Any:
        """A JSON template, operators included, with every text in it filled."""
        marks: dict[str, str] = {}
        marked = self._walk(template, place, marks)
        return _unmarked(jsontemplates.fill(marked, self._inbox.fields, extra=self._extra), marks)

    def url(self, template: str, place: str) -> str:
        """A URL: values of the document and secrets inside it are percent-encoded, a leading address is not."""
        marks, marked = self._marked(template.strip(), place)
        filled = jsontemplates.fill_url(marked, self._inbox.fields, extra=self._extra)
        head = next((mark for mark in marks if filled.startswith(mark)), "")
        quoted = {mark: value if mark == head else quote(value, safe="") for mark, value in marks.items()}
        url = str(_unmarked(filled, quoted))
        if not url.strip():
            raise Rejected(f"The address {template} is empty for this document.", place=place)
        return url

    def file(self, template: str, place: str) -> Blob | None:
        """The blob that the whole `template` stands for; None where it is a text of its own."""
        found = FILE.fullmatch(template.strip())
        return self.blob(found[1], place) if found else None

    def blob(self, which: str, place: str) -> Blob:
        """`file_content`: the artifact of the stage's reference key. `original_file`: the document's original."""
        if which == "original_file":
            if self._inbox.original is None:
                raise Rejected(
                    "The document has no original file, so #{original_file} stands for nothing.", place=place
                )
            return self._inbox.original
        if not self._key:
            message = "#{file_content} is the artifact named by export_reference_key, and none is named."
            raise Misconfigured(message, place=place)
        blob = self._inbox.artifacts.get(self._key)
        if blob is None:
            message = f'There is no artifact "{self._key}" for this document: no stage before this one wrote it.'
            raise Misconfigured(message, place="config.export_reference_key")
        return blob

    def public(self, template: Any) -> Any:
        """`template` filled from the document only, secrets still by name: fit for a digest."""
        return jsontemplates.fill(template, self._inbox.fields, extra=self._extra)

    def secret(self, name: str, place: str) -> str:
        if name == TOKEN and self._token is not None:
            return self._token()
        return self._tools.secret(name, place=place)

    def _walk(self, value: Any, place: str, marks: dict[str, str]) -> Any:
        if isinstance(value, str):
            found, text = self._marked(value, place)
            marks |= found
            return text
        if isinstance(value, dict):
            return {
                self._walk(key, place, marks): self._walk(inner, f"{place}.{key}", marks)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._walk(inner, f"{place}[{index}]", marks) for index, inner in enumerate(value)]
        return value

    def _marked(self, template: str, place: str) -> tuple[dict[str, str], str]:
        """`template` with our own placeholders replaced by marks that no document can know, and what they stand for."""
        marks: dict[str, str] = {}
        if "{secret." not in template and "#{" not in template:
            return marks, template
        nonce = randomness.token_hex(12)

        def mark(found: re.Match[str]) -> str:
            name = f"mark-{nonce}-{len(marks)}-"
            marks[name] = self.secret(found[1], place) if found[1] is not None else self._embedded(found[2], place)
            return name

        return marks, _OURS.sub(mark, template)

    def _embedded(self, which: str, place: str) -> str:
        blob = self.blob(which, place)
        if blob.size > EMBEDDED:
            message = f"#{{{which}}} has {blob.size:,} bytes; inside a longer text {EMBEDDED:,} are the most."
            raise Misconfigured(message, place=place)
        try:
            return blob.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            message = f"#{{{which}}} is no text, so it cannot stand inside a longer one; let it stand alone."
            raise Misconfigured(message, place=place) from None


def known(inbox: Inbox) -> dict[str, str]:
    """The names besides schema ids, as placeholders know them."""
    document = inbox.document
    return {
        "annotation.id": str(document.id),
        "document.id": str(document.id),
        "document.external_id": document.external_id,
        "document.original_file_name": document.file_name,
        "queue.id": str(document.queue_id),
    }


def _unmarked(value: Any, marks: dict[str, str]) -> Any:
    if not marks:
        return value
    if isinstance(value, str):
        for name, text in marks.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, dict):
        return {_unmarked(key, marks): _unmarked(inner, marks) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unmarked(inner, marks) for inner in value]
    return value
