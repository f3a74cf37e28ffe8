"""The file storage stage: puts a document's files at SFTP, S3 or in a folder (docs/stages/file_storage.md).

Lives here: which files, under which names. How they get there, whole and proven, lives in `pipelines/transports/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from pipelines import conditions, newlines
from pipelines.blobs import Blob
from pipelines.contract import RECEIVED, Inbox, Outcome, Proof, Recovery, Sent, StageConfig, Store, Tools
from pipelines.errors import Misconfigured, Rejected, StageError
from pipelines.formats import native
from pipelines.problems import Need
from pipelines.transports import naming, stores
from pipelines.transports.placeholders import known
from pipelines.transports.stores import Credentials

SENDS = True
RECOVERY = Recovery.VERIFY


class _Object(StageConfig):
    model_config = ConfigDict(use_attribute_docstrings=True)

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


class AnnotationContent(_Object):
    """The document's fields in the native export form."""

    type: Literal["annotation_content"]
    """What is put there."""
    format: Literal["csv", "xml", "json"]
    """The form of the fields."""


class OriginalDocument(_Object):
    """The original file; its extension is added to the name."""

    type: Literal["document"]
    """What is put there."""


class CustomFormat(_Object):
    """An artifact that an earlier stage wrote."""

    type: Literal["custom_format"]
    """What is put there."""
    export_reference_key: str = Field(min_length=1)
    """The artifact's key."""


class ReceivedFiles(StageConfig):
    """Every file that came with the document, in the folder and under the name that it came with."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: Literal["received_files"]
    """What is put there."""
    newline: Literal["lf", "crlf"] = "lf"
    """How lines of text files end: `lf` as they came, `crlf` as Windows wants them. Other files are never changed."""


ExportObject = Annotated[
    AnnotationContent | OriginalDocument | CustomFormat | ReceivedFiles, Field(discriminator="type")
]


class FilenameCollision(StageConfig):
    """What happens where a file of that name is there already."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    replace: bool = False
    """Replace it. Off: the export fails, unless the file there is byte-identical."""


class ExportRule(StageConfig):
    """Files that go into one folder."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    path_to_directory: str = ""
    """The folder, made where it is missing; the placeholders of file names may stand in it."""
    path_fields: frozenset[str] = frozenset()
    """Fields whose value may span several folders (`a/b`); everywhere else a / of a document becomes _."""
    filename_collision: FilenameCollision = FilenameCollision()
    """What happens where a file of that name is there already."""
    export_object_configurations: tuple[ExportObject, ...] = Field(min_length=1)
    """The files."""

    @field_validator("path_to_directory")
    @classmethod
    def _path(cls, template: str) -> str:
        if wrong := naming.problem(template):
            raise ValueError(wrong)
        return template


class Config(StageConfig):
    """What one file storage stage puts where. A single rule may stand without its `export_rules` list."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    credentials: Credentials | None = None
    """The store; what is missing here is taken from the stage's destination. Passwords and keys are secrets."""
    export_rules: tuple[ExportRule, ...] = Field(min_length=1)
    """What goes where."""
    condition: str | bool | None = None
    """Nothing is put anywhere where this is empty or `false` after filling."""
    recovery: Literal[Recovery.VERIFY, Recovery.ASK] = Recovery.VERIFY
    """After a send whose end nobody saw: `verify` compares what lies there and goes on, `ask` leaves it to a person."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        """The bare rule of Rossum's index page."""
        if not isinstance(given, dict) or "export_rules" in given or "export_object_configurations" not in given:
            return given
        rule = {name: value for name, value in given.items() if name in ExportRule.model_fields}
        return {**{name: value for name, value in given.items() if name not in rule}, "export_rules": [rule]}


def reads(config: Config) -> frozenset[str]:
    return frozenset(one.export_reference_key for _, _, one in _objects(config) if isinstance(one, CustomFormat))


def writes(config: Config) -> frozenset[str]:  # noqa: ARG001  # the shape of every kind
    return frozenset()


def needs(config: Config, credentials: Mapping[str, Any]) -> Iterator[Need]:
    """What must be there beside the config, asked before publication. `credentials` are those of the destination."""
    own = config.credentials.model_dump(exclude_unset=True) if config.credentials else {}
    place = "config.credentials" if own else "destination"
    if not own and not credentials:
        message = (
            "Nothing says where the files go: choose a destination with credentials, or write them into the config."
        )
        yield Need(place, message)
        return
    try:
        whole = stores.read({**credentials, **own})
    except Misconfigured as error:
        whose = "Completed by the destination's, the credentials" if own else "The credentials of the destination"
        yield Need(place, f"{whose} cannot be used. {error.place.removeprefix('config.')}: {error.message}")
        return
    for names in stores.secrets_of(whole):
        wanted = " or ".join(f'"{name}"' for name in names)
        yield Need(place, f"The login by {whole.type} takes the secret {wanted}, which is not there.", names)


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome:
    """Every name and content is made before the first file leaves, so that a wrong one stops all of them."""
    return resend(config, inbox, tools, ())


def resend(config: Config, inbox: Inbox, tools: Tools, sent: Sequence[Sent]) -> Outcome:
    """The files of `sent` to their places, in the config's order; those that never left are made from the fields."""
    if why := conditions.skip_reason(config.condition, inbox.fields, extra=known(inbox)):
        return Outcome(skipped=why)
    files = [] if sent else list(_files(config, inbox))
    store = tools.store(config.credentials.model_dump(exclude_unset=True) if config.credentials else {})
    try:
        if sent:
            files = list(_as_sent(config, sent, store))
            files += list(_never_sent(config, inbox, files))
        for file in files:

            def put(file: _File = file) -> Proof:
                return _put(store, file)

            tools.deliver(file.key, file.blob, store.address(file.path), put)
    finally:
        store.close()
    return Outcome()


@dataclass(frozen=True, slots=True)
class _File:
    key: str
    path: str
    blob: Blob
    replace: bool
    place: str
    """Of its object in the config, for what the store says about the name or the folder."""


def _as_sent(config: Config, sent: Sequence[Sent], store: Store) -> Iterator[_File]:
    """Raises Misconfigured where the store has moved since."""
    for file in sent:
        body = file.body or Blob.of(b"")
        key = file.key or f"annotation_content.{native.form_of(body)}"
        fits = ((rule, place) for rule, place, one in _objects(config) if _key(one) in {key, key[: len(RECEIVED)]})
        rule, place = next(fits, (config.export_rules[0], "config"))
        path = stores.path_of(store, file.url, absolute=rule.path_to_directory.startswith("/"))
        yield _File(key, path, body, rule.filename_collision.replace, place)


def _never_sent(config: Config, inbox: Inbox, sent: Sequence[_File]) -> Iterator[_File]:
    """What an attempt that stopped before its last file did not get to."""
    left = Counter(file.key for file in sent)
    if len(sent) < len(list(_objects(config))) or any(key.startswith(RECEIVED) for key in left):
        for file in _files(config, inbox):
            left[file.key] -= 1
            if left[file.key] < 0:
                yield file


def _put(store: Store, file: _File) -> Proof:
    try:
        return store.put(file.path, file.blob, replace=file.replace)
    except StageError as error:
        if error.place == "path_to_directory":
            error.place = f"{file.place.partition('.export_object_configurations')[0]}.{error.place}"
        elif error.place == "filename_template":
            error.place = f"{file.place}.{error.place}"
        raise


def _objects(config: Config) -> Iterator[tuple[ExportRule, str, ExportObject]]:
    """Each with its rule and its place in the config."""
    for index, rule in enumerate(config.export_rules):
        for number, one in enumerate(rule.export_object_configurations):
            yield rule, f"config.export_rules[{index}].export_object_configurations[{number}]", one


def _files(config: Config, inbox: Inbox) -> Iterator[_File]:
    taken: dict[str, str] = {}
    for index, rule in enumerate(config.export_rules):
        above = f"config.export_rules[{index}]"
        directory = naming.folder(rule.path_to_directory, inbox, f"{above}.path_to_directory", paths=rule.path_fields)
        for number, one in enumerate(rule.export_object_configurations):
            place = f"{above}.export_object_configurations[{number}]"
            for key, name, blob in _named(one, inbox, place):
                path = f"{directory.rstrip('/')}/{name}" if directory else name
                if path in taken:
                    message = f"Two files would have the same name, {path}: this one and that of {taken[path]}."
                    raise Misconfigured(message, place=f"{place}.filename_template")
                taken[path] = place
                yield _File(key, path, blob, rule.filename_collision.replace, place)


def _named(one: ExportObject, inbox: Inbox, place: str) -> Iterator[tuple[str, str, Blob]]:
    """Key, name (for a received file its folder and name) and content of what one object puts there."""
    if isinstance(one, ReceivedFiles):
        if not inbox.received:
            raise Rejected("No files came with the document.", place=place)
        for file in inbox.received:
            blob = newlines.crlf(file.blob) if file.text and one.newline == "crlf" else file.blob
            yield file.key, naming.given(file.folder, file.blob.name, place), blob
        return
    key, blob = _content(one, inbox, place)
    name = naming.file_name(one.filename_template, inbox, f"{place}.filename_template")
    if isinstance(one, OriginalDocument):
        name = naming.with_extension(name, blob, inbox.document.file_name)
    yield key, name, blob


def _content(one: AnnotationContent | OriginalDocument | CustomFormat, inbox: Inbox, place: str) -> tuple[str, Blob]:
    """The reference key of the receipt, and the file."""
    key = _key(one)
    if isinstance(one, AnnotationContent):
        content = native.write(one.format, inbox.fields, inbox.schema, inbox.payload)
        return key, Blob.of(content, name=key, media_type=native.MEDIA_TYPES[one.format])
    if isinstance(one, OriginalDocument):
        if inbox.original is None:
            raise Rejected("The document has no original file to put there.", place=place)
        return key, inbox.original
    blob = inbox.artifacts.get(one.export_reference_key)
    if blob is None:
        message = f'There is no artifact "{one.export_reference_key}" for this document: no stage before wrote it.'
        raise Misconfigured(message, place=f"{place}.export_reference_key")
    return key, blob


def _key(one: ExportObject) -> str:
    """Under which the receipt names the file; a received one has a key of its own."""
    if isinstance(one, ReceivedFiles):
        return RECEIVED
    if isinstance(one, AnnotationContent):
        return f"annotation_content.{one.format}"
    return "document" if isinstance(one, OriginalDocument) else one.export_reference_key
