"""A watched folder: what is put there becomes a document, its fields from a JSON beside it, and goes to done or failed
when its export has ended (docs/sources/folder.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from pydantic import Field, field_validator

from exports.sources import shaped
from exports.sources.contract import Outcome, Polled, SourceConfig
from exports.sources.folderplace import File, Place
from pipelines.blobs import Blob
from pipelines.contract import Filled
from pipelines.destinations import folder_roots
from pipelines.errors import Unavailable

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull

POLLS = True
RATE = None
REPORTS = frozenset({Outcome.EXPORTED, Outcome.FAILED})
SIDECAR = ".json"
MOST_FIELDS = 10 * 1024 * 1024
"""Bytes of a JSON with fields."""
MANY = 500
"""Files that one poll claims."""


class Config(SourceConfig):
    """Which folder, when a file in it is whole, and what becomes of it."""

    path: Filled
    """The folder, by its whole path; it lies below one of the roots of WAYBILL_FOLDER_ROOTS."""
    ready: Literal["stable", "renamed"] = "stable"
    """When a file is whole: `stable`, when nobody has touched it for a while; `renamed`, at once, because writers write
    under a name that is ignored and rename it."""
    stable_seconds: float = Field(5.0, ge=0, le=3600)
    """Seconds without a change after which a file counts as whole, and a JSON as coming alone."""
    ignore: tuple[str, ...] = (".*", "~*", "*.part", "*.tmp", "*.crdownload", "Thumbs.db", "desktop.ini")
    """Names that are passed over; * and ? stand for anything, upper and lower case are the same."""
    sidecar: bool = True
    """`a.json` holds the fields of `a.pdf`. Off: a JSON is an original like any other."""
    needs_sidecar: bool = False
    """A file waits until its JSON is there."""
    fields_alone: bool = False
    """A JSON without another file of its name is a document without original. Off: it waits for that file."""
    same: Literal["name", "content"] = "name"
    """What makes two files the same document: their `name`, so that a changed file corrects it, or their `content`."""
    after: Literal["move", "keep"] = "move"
    """`move` the file when its export has ended; or `keep` it where it is, and remember what was taken."""
    done: str = "done"
    """Folder below, for what was exported."""
    failed: str = "failed"
    """Folder below, for what was not; the reason stands in a text beside the file."""

    @field_validator("done", "failed")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not name.strip() or "/" in name or "\\" in name or "\0" in name or name in {".", ".."}:
            raise ValueError("This is the name of one folder below, without / and ..")
        return name


@dataclass(frozen=True, slots=True)
class Found:
    """What belongs to one document. `main` is the original, or the JSON that comes alone."""

    main: File
    sidecar: File | None

    @property
    def version(self) -> str:
        return f"{self.main.version}+{self.sidecar.version if self.sidecar else ''}"


def check(config: Config, pull: Pull) -> str:
    place = _place(pull)
    files = place.files()
    waits = list(_found(config, files))
    passed = len(files) - sum(1 + (one.sidecar is not None) for one in waits)
    return f"{config.path} is there: {len(waits)} to take, {passed} passed over or waiting for the rest."


def poll(pull: Pull) -> Polled:
    config, place = pull.config, _place(pull)
    now = time.time()
    waits = list(_found(config, place.files()))
    ready = [one for one in waits if _whole(config, one, now)]
    known = pull.known([_key(config, one) for one in ready])
    fresh = [one for one in ready if (old := known.get(_key(config, one))) is None or old.version != one.version]
    taken = 0
    for one in fresh[:MANY]:
        facts = {"name": one.main.name, "sidecar": one.sidecar.name if one.sidecar else ""}
        taken += pull.claim(_key(config, one), version=one.version, facts=facts, again=True) is not None
    oldest = min((one.main.modified_ns for one in fresh), default=None)
    lag = None if oldest is None else now - oldest / 1e9
    return Polled(found=len(waits), taken=taken, busy=len(fresh) > MANY, lag=lag)


def fetch(pull: Pull, claim: Claim) -> None:
    config, place = pull.config, _place(pull)
    name, beside = claim.facts["name"], claim.facts["sidecar"]
    if place.look(name) is None:
        pull.released(claim, "The file is gone.")
        return
    alone = config.sidecar and config.fields_alone and not beside and name.lower().endswith(SIDECAR)
    try:
        main, data = place.read(name, most=MOST_FIELDS if alone else settings.MAX_ORIGINAL_BYTES)
        side = place.read(beside, most=MOST_FIELDS) if beside and place.look(beside) else None
    except Unavailable as error:
        pull.later(claim, error.message, seconds=config.stable_seconds)
        return
    now = Found(main, side[0] if side else None)
    if now.version != claim.version and not _whole(config, now, time.time()):
        pull.later(claim, f"{name} is being changed.", seconds=config.stable_seconds)
        return
    text = data if alone else side[1] if side else None
    told = shaped.shaped(shaped.read(text, place=beside or name), place=beside or name) if text else shaped.Shaped()
    original = None if alone else Blob.of(data, name=name)
    external_id = told.external_id or ("" if config.same == "name" or original is None else original.sha256)
    pull.take(
        claim,
        fields=told.fields,
        original=original,
        metadata=told.metadata or None,
        external_id=external_id or name,
        version=now.version,
    )


def report(pull: Pull, claims: Sequence[Claim]) -> None:
    """Files go where they belong. Moving one twice finds it moved."""
    config, place = pull.config, _place(pull)
    for claim in claims:
        if config.after == "move":
            _put_away(place, config, claim)
        pull.reported(claim)


def _put_away(place: Place, config: Config, claim: Claim) -> None:
    names = [name for name in (claim.facts["sidecar"], claim.facts["name"]) if name]
    now = [place.look(name) for name in names]
    versions = claim.version.split("+")
    if now[-1] is not None and now[-1].version != versions[0]:
        return  # somebody put another file there since: it is taken by itself
    folder = config.done if claim.outcome == Outcome.EXPORTED else config.failed
    moved = [place.move(name, folder) for name in names]
    if folder == config.failed and (moved[-1] or claim.message):
        place.write(f"{moved[-1] or names[-1]}.error.txt", folder, f"{claim.message}\n")


def _found(config: Config, files: Sequence[File]) -> Iterator[Found]:
    """Files with what belongs to them; what waits for the rest is left out."""
    open_ones = [file for file in files if not _ignored(config, file.name)]
    if not config.sidecar:
        yield from (Found(file, None) for file in open_ones)
        return
    sides = {_stem(file.name): file for file in open_ones if file.name.lower().endswith(SIDECAR)}
    mains = [file for file in open_ones if not file.name.lower().endswith(SIDECAR)]
    for file in mains:
        side = sides.get(_stem(file.name)) or sides.get(file.name)
        if side is not None or not config.needs_sidecar:
            yield Found(file, side)
    if config.fields_alone:
        taken = {_stem(file.name) for file in mains} | {file.name for file in mains}
        yield from (Found(file, None) for stem, file in sides.items() if stem not in taken)


def _whole(config: Config, one: Found, now: float) -> bool:
    """A clock that runs ahead makes a file look younger than nothing: it counts as touched just now."""
    if config.ready == "renamed" and not (config.fields_alone and one.sidecar is None):
        return True
    newest = max(file.modified_ns for file in (one.main, one.sidecar) if file)
    return now - newest / 1e9 >= config.stable_seconds


def _ignored(config: Config, name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in config.ignore)


def _stem(name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _key(config: Config, one: Found) -> str:
    return one.main.name if config.same == "name" else f"{one.main.name} {one.main.version}"


def _place(pull: Pull) -> Place:
    return Place(pull.config.path, folder_roots(pull.source.organization_id))
