"""Aluma as a client reads it: lists, tasks, Export Specifications, tokens and errors. Lenient where the vendor's own
examples are broken, strict where a value names a file or an address (docs/sources/aluma.md)."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from exports.wire.aluma import STARTABLE as STARTABLE
from exports.wire.aluma import STARTED as STARTED

DONE = frozenset({"running", "completed"})
"""After complete: Aluma deletes the data while the task still runs."""
OVER = frozenset({"completed", "failed", "timed-out", "canceled"})

LONGEST_PATH = 1000
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?\Z")
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSEEN = frozenset({"Cf", "Zl", "Zp"})
_CLOCK = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|\+00:00)?\Z")


class UnreadableError(Exception):
    """An answer that is not what the protocol says; the message says how."""


class SpecificationError(UnreadableError):
    """An Export Specification that can never be exported, whoever asks and however often."""


@dataclass(frozen=True, slots=True)
class Task:
    """One item of the list. `created_at` is text: the vendor's own example names a 66th second."""

    id: str
    name: str
    state: str
    client_action: str
    file_collection_id: str
    project_id: str
    project_name: str
    created_at: str
    documents_count: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a specification: text in `content`, or else fetched from `url`, which is absolute."""

    document: int
    """The document's place in the specification, from 1; `number` is the file's place in it."""
    number: int
    folder: str
    filename: str
    content: str | None
    url: str

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.filename}" if self.folder else self.filename


def tasks(body: bytes) -> list[Task]:
    """The list in the server's order, each id once: of two rows with one id the first counts. Rows without an id are
    passed over. Raises UnreadableError."""
    rows = _object(body, "The list of tasks").get("tasks")
    if not isinstance(rows, list):
        raise UnreadableError('The list of tasks has no "tasks".')
    found: dict[str, Task] = {}
    for row in rows:
        if isinstance(row, dict) and _text(row.get("id")):
            found.setdefault(_text(row["id"]), _task(row))
    return list(found.values())


def task(body: bytes) -> Task:
    """Raises UnreadableError."""
    return _task(_object(body, "The task"))


def created(task: Task) -> datetime | None:
    """When it was created, a second that no minute has cut to its last one; None where nothing can be made of it."""
    found = _CLOCK.match(task.created_at.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None


def token(body: bytes) -> tuple[str, float | None]:
    """The access token and its life in seconds, None where it is not told. Raises UnreadableError."""
    told = _object(body, "The answer to the login")
    access, life = told.get("access_token"), told.get("expires_in")
    if not isinstance(access, str) or not access.strip() or not access.isascii() or not access.isprintable():
        raise UnreadableError("The answer to the login has no access_token.")
    kind = told.get("token_type") or "Bearer"  # the newest documentation leaves it out
    if str(kind).lower() != "bearer":
        raise UnreadableError(f"The access token is of the kind {str(kind)[:40]!r}; only Bearer is known.")
    try:
        return access, float(life) if life is not None else None
    except (TypeError, ValueError):
        return access, None


def message(body: bytes) -> str:
    """What an error says, in any of its three forms; empty where it says nothing."""
    try:
        told = _object(body, "")
    except UnreadableError:
        return " ".join(body[:500].decode(errors="replace").split())
    parts = [str(told[name]) for name in ("message", "detail", "title") if isinstance(told.get(name), str)][:1]
    wrong = told.get("requestErrors") or told.get("errors")
    if isinstance(wrong, dict):
        for name, why in wrong.items():
            parts.append(f"{name}: {', '.join(map(str, why)) if isinstance(why, list) else why}")
    return " ".join(parts)[:500]


def specification(body: bytes, base: str) -> list[Entry]:
    """Every file of every document. `base` is the API's address, against which urls are read.

    Raises SpecificationError for an unknown source, a path that leads elsewhere, two files with one path, a url of
    another host; UnreadableError where it is no specification at all."""
    documents = _object(body, "The Export Specification").get("documents")
    if not isinstance(documents, list) or not documents:
        raise SpecificationError("The Export Specification has no documents.")
    entries: list[Entry] = []
    taken: dict[str, str] = {}
    for number, document in enumerate(documents, 1):
        files = document.get("files") if isinstance(document, dict) else None
        if not isinstance(files, list):
            raise SpecificationError(f"Document {number} of the Export Specification has no files.")
        for index, file in enumerate(files, 1):
            entry = _entry(file, number, index, base)
            place = f"file {index} of document {number}"
            known = taken.setdefault(entry.path.casefold(), place)
            if known != place:
                raise SpecificationError(f"{known} and {place} have the same path, {entry.path}.")
            entries.append(entry)
    if not entries:
        raise SpecificationError("The Export Specification has no files.")
    return entries


def _entry(file: Any, document: int, number: int, base: str) -> Entry:
    place = f"File {number} of document {document}"
    if not isinstance(file, dict):
        raise SpecificationError(f"{place} is no object.")
    try:
        folder, filename = path(file.get("folder"), file.get("filename"))
        if file.get("source") == "content":
            return Entry(document, number, folder, filename, _content(file.get("content")), "")
        if file.get("source") == "url":
            return Entry(document, number, folder, filename, None, address(file.get("url"), base))
    except SpecificationError as error:
        raise SpecificationError(f"{place}: {error}") from None
    raise SpecificationError(f"{place} has the source {str(file.get('source'))[:40]!r}; content and url are known.")


def path(folder: Any, filename: Any) -> tuple[str, str]:
    """Folder and file name, safe below whatever they are put: relative, no way up, nothing that a file system takes
    for something else. Raises SpecificationError."""
    if folder is not None and not isinstance(folder, str):
        raise SpecificationError("its folder is no text.")
    if not isinstance(filename, str) or not filename.strip():
        raise SpecificationError("it has no filename.")
    if (folder or "").startswith("/"):
        raise SpecificationError(f"its folder is absolute: {_shown(folder or '')}.")
    parts = [_part(part, folder or "") for part in (folder or "").split("/") if part not in {"", "."}]
    if "/" in filename:
        raise SpecificationError(f"its filename leads into a folder: {_shown(filename)}.")
    name = _part(filename, filename)
    if len("/".join([*parts, name])) > LONGEST_PATH:
        raise SpecificationError(f"its path is longer than {LONGEST_PATH:,} characters.")
    return "/".join(parts), name


def address(url: Any, base: str) -> str:
    """The absolute address of a file. A relative one belongs to the API's; an absolute one must name the same host, for
    the access token goes there. Raises SpecificationError."""
    if not isinstance(url, str) or not url.strip():
        raise SpecificationError("it has no url.")
    if "\\" in url or any(character.isspace() or not character.isprintable() for character in url):
        raise SpecificationError(f"its url is no address: {_shown(url)}.")
    home = urlsplit(base)
    try:
        if not url.startswith("//") and not urlsplit(url).scheme:
            return f"{base.rstrip('/')}/{url.lstrip('/')}"
        there = urlsplit(f"{home.scheme}:{url}" if url.startswith("//") else url)
        same = there.username is None and _place(there) == _place(home)
    except ValueError:
        same = False
    if not same:
        raise SpecificationError(f"its url is at another host than {home.netloc}, and is not fetched.")
    return there.geturl()


def call(base: str, task_id: str, act: str) -> str:
    """The address of start, complete, cancel or fail."""
    return f"{one(base, task_id)}/{act}_client_action?action=export"


def one(base: str, task_id: str) -> str:
    return f"{base.rstrip('/')}/tasks/{quote(task_id, safe='')}"


def listing(base: str) -> str:
    """The address of what waits to be exported."""
    return f"{base.rstrip('/')}/tasks?state={STARTABLE}&client_action=export"


def _part(part: str, whole: str) -> str:
    """One name of a path. What extracted data bring along by accident (a final dot, a soft hyphen) is taken away."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in part):
        raise SpecificationError(f"its path has a control character in it: {_shown(whole)}.")
    seen = (char for char in unicodedata.normalize("NFC", part) if unicodedata.category(char) not in _UNSEEN)
    name = "".join(seen).strip(". ")
    if not name:
        raise SpecificationError(f"its path leads elsewhere: {_shown(whole)}.")
    if "\\" in name or _DRIVE.match(name):
        raise SpecificationError(f"its path is one of Windows, which only / may divide: {_shown(whole)}.")
    if _RESERVED.match(name):
        raise SpecificationError(f"its path has a name that stands for a device: {_shown(whole)}.")
    if len(name.encode()) > 255:
        raise SpecificationError("its path has a name of more than 255 bytes.")
    return name


def _content(content: Any) -> str:
    if not isinstance(content, str):
        raise SpecificationError("its source is content, and it has none.")
    if any("\ud800" <= character <= "\udfff" for character in content):
        raise SpecificationError("its content has half a character in it.")
    return content


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        told = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UnreadableError(f"{what} is no JSON.") from None
    if not isinstance(told, dict):
        raise UnreadableError(f"{what} is no JSON object.")
    return told


def _task(row: dict[str, Any]) -> Task:
    count = row.get("documents_count")
    return Task(
        id=_text(row.get("id")),
        name=_text(row.get("name")),
        state=_text(row.get("state")),
        client_action=_text(row.get("client_action")),
        file_collection_id=_text(row.get("file_collection_id")),
        project_id=_text(row.get("project_id")),
        project_name=_text(row.get("project_name")),
        created_at=_text(row.get("created_at")),
        documents_count=count if isinstance(count, int) and not isinstance(count, bool) else 0,
    )


def _text(value: Any) -> str:
    """Text that a database keeps, cut to a length that no honest one has."""
    text = value if isinstance(value, str) else ""
    return "".join(char for char in text if char != "\0" and not "\ud800" <= char <= "\udfff")[:300]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def _place(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80)
