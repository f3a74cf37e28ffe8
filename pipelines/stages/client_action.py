"""The client action stage: offers a document's files to an outside client and waits for its word.

Lives here: which files, under which names, and what the client's word means. Who the client is, how it takes the
task and how its files are handed out lives in `exports/` (docs/stages/client_action.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pipelines import conditions
from pipelines.blobs import Blob
from pipelines.contract import (
    RECEIVED,
    Checkpoint,
    Inbox,
    Message,
    Outcome,
    Parked,
    Received,
    Recovery,
    StageConfig,
    Steps,
    Tools,
)
from pipelines.errors import Misconfigured, Rejected, Unconfirmed
from pipelines.formats import native
from pipelines.transports import naming
from pipelines.transports.placeholders import known

SENDS = True
RECOVERY = Recovery.IDEMPOTENT

INLINE = 1024 * 1024
"""Bytes of a text that may stand in the specification itself; longer ones are fetched by their URL."""
_DRIVE = re.compile(r'[<>:"|?*]')
"""What Windows takes for a drive, a stream or a pattern."""
_TEXT = re.compile(r"text/.*|application/(json|xml|.*\+json|.*\+xml|x-ndjson|csv)\Z")


class _File(StageConfig):
    path_to_directory: str = ""
    """The folder that the client is told, relative to its own; the placeholders of file names may stand in it."""
    path_fields: frozenset[str] = frozenset()
    """Fields whose value may span several folders (`a/b`); everywhere else a / of a document becomes _."""
    send_as: Literal["auto", "content", "url"] = "auto"
    """`content` puts the text into the specification, its lines ended by a line feed; `url` hands the bytes out as they
    are; `auto` takes `content` for short texts."""
    document: int = Field(default=1, ge=1, le=1000)
    """In which document of the task the file stands, where a task is to have several."""

    @field_validator("path_to_directory")
    @classmethod
    def _path(cls, template: str) -> str:
        if wrong := naming.problem(template):
            raise ValueError(wrong)
        if template.startswith(("/", "\\")) or _DRIVE.search(naming.PLACEHOLDER.sub("", template)):
            raise ValueError("The folder is relative to the client's: no leading /, and none of < > : \" | ? *.")
        return template


class _Named(_File):
    filename_template: str = Field(min_length=1)
    """The file's name: {document.id}, {document.original_file_name}, {queue.id} or any {field_id} may stand in it."""

    @field_validator("filename_template")
    @classmethod
    def _name(cls, template: str) -> str:
        if wrong := naming.problem(template):
            raise ValueError(wrong)
        if "/" in template or "\\" in template:
            raise ValueError("A file name has no / in it: folders go into path_to_directory.")
        return template


class AnnotationContent(_Named):
    """The document's fields in the native export form."""

    type: Literal["annotation_content"]
    """What is offered."""
    format: Literal["csv", "xml", "json"]
    """The form of the fields."""


class OriginalDocument(_Named):
    """The original file; its extension is added to the name."""

    type: Literal["document"]
    """What is offered."""


class CustomFormat(_Named):
    """An artifact that an earlier stage wrote."""

    type: Literal["custom_format"]
    """What is offered."""
    export_reference_key: str = Field(min_length=1)
    """The artifact's key."""


class ReceivedFiles(StageConfig):
    """Every file that came with the document, in the folder, under the name and in the part that it came with."""

    type: Literal["received_files"]
    """What is offered."""


OfferedFile = Annotated[
    AnnotationContent | OriginalDocument | CustomFormat | ReceivedFiles, Field(discriminator="type")
]


class Config(StageConfig):
    """Without options every artifact and the original are offered under their own names."""

    action: Literal["export"] = "export"
    """What the client is asked to do."""
    files: tuple[OfferedFile, ...] = ()
    """The files; none named means every artifact and the original."""
    timeout_minutes: int = Field(default=30, ge=1, le=1440)
    """How long a client that has taken the task may be silent before the task is offered again."""
    give_up_after_hours: float = Field(default=168, gt=0, le=8760)
    """How long a client is waited for at all; then the attempt fails."""
    recovery: Literal[Recovery.IDEMPOTENT, Recovery.ASK] = Recovery.IDEMPOTENT
    """After a client's silence: `idempotent` offers the task again, as the protocol has it, for clients that may do the
    same twice; `ask` stops as unconfirmed and leaves it to a person."""
    condition: str | bool | None = None
    """Nothing is offered where this is empty or `false` after filling."""


def reads(config: Config) -> frozenset[str]:
    return frozenset(one.export_reference_key for one in config.files if isinstance(one, CustomFormat))


def writes(config: Config) -> frozenset[str]:
    """The forms of the fields that are offered are kept as artifacts, so that what the client got can be shown."""
    return frozenset(_content_key(one) for one in config.files if isinstance(one, AnnotationContent))


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome | Steps:
    why = conditions.skip_reason(config.condition, inbox.fields, extra=known(inbox))
    if why and inbox.answer is None:
        return Outcome(skipped=why)
    return _offer(config, inbox, tools) if inbox.answer is None else _ended(inbox.answer)


@dataclass(frozen=True, slots=True)
class _Offered:
    """One file of the task, as the stage run's checkpoint keeps it."""

    key: str
    """Of the artifact; empty stands for the original."""
    folder: str
    filename: str
    inline: bool
    document: int
    sha256: str


def _offer(config: Config, inbox: Inbox, tools: Tools) -> Steps:
    """Every name is made before anything is offered, so that a wrong one stops all of them."""
    artifacts = dict(inbox.artifacts)
    written = {}
    for one in config.files:
        if isinstance(one, AnnotationContent):
            content = native.write(one.format, inbox.fields, inbox.schema, inbox.payload)
            key = _content_key(one)
            written[key] = Blob.of(content, name=key, media_type=native.MEDIA_TYPES[one.format])
    artifacts |= written
    chosen = _chosen(config, inbox, artifacts) if config.files else _everything(inbox)
    offered = list(_distinct(chosen))
    if not offered:
        raise Rejected("There is no file to offer: the document has neither an artifact nor an original.")
    if written:
        yield Checkpoint({}, written)
    state = {
        "action": config.action,
        "timeout_minutes": config.timeout_minutes,
        "again": config.recovery is Recovery.IDEMPOTENT,
        "files": [asdict(one) for one in offered],
    }
    yield Parked(f"client:{config.action}", tools.now() + timedelta(hours=config.give_up_after_hours), state)
    return Outcome()  # a parked stage is run anew, with the answer


def _ended(answer: Mapping[str, Any]) -> Outcome:
    """What the client's word means: {"outcome": "completed" | "failed" | "silent", "message", "client"}."""
    client = str(answer.get("client") or "A client")
    message = str(answer.get("message") or "").strip()
    if answer.get("outcome") == "completed":
        told = f"{client} reported that the export is done." + (f" {message}" if message else "")
        return Outcome(messages=[Message("info", told)])
    if answer.get("outcome") == "silent":
        raise Unconfirmed(f"{client} took the task and never reported: nobody knows whether the files arrived.")
    raise Rejected(message or f"{client} reported that the export failed, without saying why.")


def _content_key(one: AnnotationContent) -> str:
    return f"annotation_content.{one.format}"


def _chosen(config: Config, inbox: Inbox, artifacts: Mapping[str, Blob]) -> Iterator[tuple[_Offered, str]]:
    """Each file with its place in the config."""
    for index, one in enumerate(config.files):
        place = f"config.files[{index}]"
        if isinstance(one, ReceivedFiles):
            if not inbox.received:
                raise Rejected("No files came with the document.", place=place)
            yield from ((_received(file, place), place) for file in inbox.received)
            continue
        key, blob = _content(one, inbox, artifacts, place)
        folder = naming.folder(one.path_to_directory, inbox, f"{place}.path_to_directory", paths=one.path_fields)
        name = naming.file_name(one.filename_template, inbox, f"{place}.filename_template")
        if isinstance(one, OriginalDocument):
            name = naming.with_extension(name, blob, inbox.document.file_name)
        inline = one.send_as != "url" and _is_text(blob, whatever_it_says=one.send_as == "content")
        if one.send_as == "content" and not inline:
            message = f"{name} is no text (UTF-8, at most {INLINE:,} bytes), so it cannot stand in the specification."
            raise Rejected(message, place=f"{place}.send_as")
        yield _Offered(key, _portable(folder), _portable(name), inline, one.document, blob.sha256), place


def _content(
    one: AnnotationContent | OriginalDocument | CustomFormat, inbox: Inbox, artifacts: Mapping[str, Blob], place: str
) -> tuple[str, Blob]:
    """The key, empty for the original, and the bytes."""
    if isinstance(one, OriginalDocument):
        if inbox.original is None:
            raise Rejected("The document has no original file to offer.", place=place)
        return "", inbox.original
    key = one.export_reference_key if isinstance(one, CustomFormat) else _content_key(one)
    blob = artifacts.get(key)
    if blob is None:
        message = f'There is no artifact "{key}" for this document: no stage before wrote it.'
        raise Misconfigured(message, place=f"{place}.export_reference_key")
    return key, blob


def _everything(inbox: Inbox) -> Iterator[tuple[_Offered, str]]:
    """What came with the document where it came, then every artifact and the original under their own names; a name
    that is taken gets the key before it."""
    received = [_received(file, file.key) for file in inbox.received]
    taken = {one.filename.casefold() for one in received if not one.folder}
    yield from ((one, one.key) for one in received)
    for key, blob in inbox.artifacts.items():
        if key.startswith(RECEIVED):
            continue
        plain = _portable(naming.given("", blob.name or key, key))
        name = plain if plain.casefold() not in taken else _portable(naming.given("", f"{key}-{plain}", key))
        taken.add(name.casefold())
        yield _Offered(key, "", name, _is_text(blob), 1, blob.sha256), key
    if inbox.original is not None:
        named = inbox.document.file_name or inbox.original.name or f"document-{inbox.document.id}"
        name = naming.with_extension(naming.given("", named, "original"), inbox.original, inbox.document.file_name)
        name = _portable(name if name.casefold() not in taken else f"original-{name}")
        yield _Offered("", "", name, False, 1, inbox.original.sha256), "original"


def _received(file: Received, place: str) -> _Offered:
    """In the document of the task whose number is that of the part that it came in (received.2.1: the second)."""
    folder, _, name = _portable(naming.given(file.folder, file.blob.name, place)).rpartition("/")
    part = file.key.removeprefix(RECEIVED).partition(".")[0]
    number = int(part) if part.isascii() and part.isdigit() else 1
    return _Offered(file.key, folder, name, file.text and _is_text(file.blob), max(number, 1), file.blob.sha256)


def _distinct(chosen: Iterator[tuple[_Offered, str]]) -> Iterator[_Offered]:
    """Two files of one task that a client would write to the same place are refused, on any file system."""
    taken: dict[str, str] = {}
    for one, place in chosen:
        path = f"{one.folder}/{one.filename}" if one.folder else one.filename
        told = unicodedata.normalize("NFC", path).casefold()
        if told in taken:
            message = f"Two files would have the same name, {path}: this one and that of {taken[told]}."
            raise Misconfigured(message, place=place)
        taken[told] = place
        yield one


def _portable(name: str) -> str:
    return _DRIVE.sub("_", name)


def _is_text(blob: Blob, *, whatever_it_says: bool = False) -> bool:
    """Whether the bytes can stand in the specification: a text by its media type, short, and UTF-8 without a zero."""
    if blob.size > INLINE or not (whatever_it_says or _TEXT.match(blob.media_type.partition(";")[0].strip().lower())):
        return False
    try:
        return "\x00" not in blob.read().decode("utf-8")
    except UnicodeDecodeError:
        return False
