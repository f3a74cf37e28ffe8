"""A folder of documents, taken in entry by entry: what is broken is reported, the rest goes in.

With an `index.json` (a list of {"name", "original", "fields", "media_type", …}) it says what belongs together; without
one, files of one stem do: `a.json` holds the fields of `a.pdf`. docs/documents.md shows both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from django.db import transaction

from accounts.policy import Principal
from exports import arrivals, documents
from exports.arrivals import Arrival
from exports.states import Status
from pipelines import jsontext
from pipelines.blobs import Blob
from pipelines.errors import Rejected
from pipelines.models import Queue
from pipelines.refusals import Refused

INDEX = "index.json"
BATCH = 100
"""Entries that one transaction takes in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the folder. `problem` says why it cannot be read, empty where it can."""

    name: str
    fields: Path | None = None
    original: Path | None = None
    media_type: str = ""
    metadata: Mapping[str, Any] | None = None
    sha256: str = ""
    problem: str = ""


@dataclass(slots=True)
class Summary:
    """How many entries came to what, and each refusal as (file, reason)."""

    new: int = 0
    changed: int = 0
    same: int = 0
    exports: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.new + self.changed + self.same + len(self.refused)

    def line(self) -> str:
        asked = f", {self.exports} exports begun" if self.exports else ""
        return (
            f"{self.seen} documents: {self.new} new, {self.changed} changed, {self.same} as before, "
            f"{len(self.refused)} refused{asked}"
        )


def entries(folder: Path) -> list[Entry]:
    """Raises Rejected where the folder or its index cannot be read at all."""
    if not folder.is_dir():
        raise Rejected("There is no such folder.", place=str(folder))
    index = folder / INDEX
    found = list(_indexed(folder, index) if index.exists() else _paired(folder))
    if not found:
        raise Rejected("There is nothing to import: no index.json, no fields, no originals.", place=str(folder))
    return found


def run(
    queue: Queue,
    found: Iterable[Entry],
    *,
    by: Principal,
    confirmed: bool = False,
    export: bool = False,
    prefix: str = "",
    seen: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Take the entries in, a batch a transaction. `prefix` stands before each external id; `export` asks for the
    export of those that are confirmed and were never exported. `seen` hears of every batch."""
    summary = Summary()
    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        with transaction.atomic():
            for entry in batch:
                _take(queue, entry, summary, by=by, confirmed=confirmed, export=export, prefix=prefix)
        seen(summary)
    return summary


def _take(
    queue: Queue, entry: Entry, summary: Summary, *, by: Principal, confirmed: bool, export: bool, prefix: str
) -> None:
    try:
        with transaction.atomic():
            arrival = _arrive(queue, entry, by=by, confirmed=confirmed, prefix=prefix)
            begun = export and _export(arrival, by)
    except (Rejected, Refused, OSError) as error:
        file = entry.fields or entry.original
        summary.refused.append((file.name if file else entry.name, str(error)))
        return
    summary.exports += begun
    setattr(summary, arrival.outcome, getattr(summary, arrival.outcome) + 1)


def _arrive(queue: Queue, entry: Entry, *, by: Principal, confirmed: bool, prefix: str) -> Arrival:
    if entry.problem:
        raise Rejected(entry.problem)
    original = Blob.from_file(entry.original, media_type=entry.media_type) if entry.original else None
    if original is not None and entry.sha256 and original.sha256 != entry.sha256:
        raise Rejected(f"{original.name} is not the file that {INDEX} names: its sha256 differs.")
    return arrivals.take_in(
        queue,
        by=by,
        external_id=prefix + entry.name,
        fields=_read(entry.fields) if entry.fields else None,
        original=original,
        metadata=None if entry.metadata is None else dict(entry.metadata),
        confirmed=confirmed,
    )


def _export(arrival: Arrival, by: Principal) -> bool:
    """Asked for once: a document that people took back from an earlier export is theirs to send again."""
    if arrival.document.status != Status.CONFIRMED or arrival.document.attempts.exists():
        return False
    documents.ask_export(arrival.document, by=by, trigger="bulk", why="Imported.")
    return True


def _read(path: Path) -> Any:
    """Fields as JSON, numbers as they are written: 12.50 stays 12.50. Raises Rejected with line and column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(f"This is not UTF-8 text (byte {error.start}).") from error
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        try:
            jsontext.read(text)
        except jsontext.BadJsonError as error:
            raise Rejected(str(error)) from error
        raise Rejected("This is no JSON that can be read.") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _indexed(folder: Path, index: Path) -> Iterator[Entry]:
    try:
        listed = _read(index)
    except Rejected as error:
        raise Rejected(error.message, place=str(index)) from error
    if not isinstance(listed, list):
        raise Rejected('The index is a list: [{"name": …, "original": …, "fields": …}].', place=str(index))
    names: set[str] = set()
    for number, given in enumerate(listed, start=1):
        entry = _entry(folder, given, f"entry {number} of {INDEX}")
        if entry.name in names and not entry.problem:
            entry = Entry(entry.name, problem=f'"{entry.name}" stands twice in {INDEX}.')
        names.add(entry.name)
        yield entry


def _entry(folder: Path, given: Any, place: str) -> Entry:
    if not isinstance(given, dict):
        return Entry(place, problem="An entry is an object with a name, and files under original or fields.")
    name = given.get("external_id") or given.get("name")
    if not isinstance(name, str) or not name.strip():
        return Entry(place, problem="The entry has no name.")
    paths: dict[str, Path | None] = {"original": None, "fields": None}
    for key in paths:
        if given.get(key):
            path, problem = _inside(folder, given[key])
            if problem:
                return Entry(name, problem=f"{key}: {problem}")
            paths[key] = path
    if paths["original"] is None and paths["fields"] is None:
        return Entry(name, problem="The entry names neither an original nor fields.")
    return Entry(
        name,
        paths["fields"],
        paths["original"],
        media_type=str(given.get("media_type") or ""),
        metadata=given["metadata"] if isinstance(given.get("metadata"), dict) else None,
        sha256=str(given.get("sha256") or ""),
    )


def _inside(folder: Path, given: Any) -> tuple[Path | None, str]:
    """The file, which must lie in the folder: an index from elsewhere reads no other files of this machine."""
    if not isinstance(given, str):
        return None, "This is the name of a file."
    path = (folder / given).resolve()
    if not path.is_relative_to(folder.resolve()):
        return None, f"{given} lies outside the folder."
    return (path, "") if path.is_file() else (None, f"There is no file {given}.")


def _paired(folder: Path) -> Iterator[Entry]:
    stems: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        inside = path.resolve().is_relative_to(folder.resolve())  # a link may lead to any file of this machine
        if inside and path.is_file() and not path.name.startswith("."):
            stems.setdefault(path.stem, []).append(path)
    for stem, paths in stems.items():
        fields = [path for path in paths if path.suffix.lower() == ".json"]
        originals = [path for path in paths if path not in fields]
        if len(originals) > 1 or len(fields) > 1:
            names = ", ".join(path.name for path in paths)
            yield Entry(stem, problem=f"These belong to one document, and only one original can: {names}.")
        else:
            yield Entry(stem, next(iter(fields), None), next(iter(originals), None))
