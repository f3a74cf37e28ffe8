"""What a rehearsed stage made, as text for a page: its files, the request it would send, what it wrote and said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from exports import dryrun
from exports.admin import bodies
from exports.rehearsal import Played
from pipelines.blobs import Blob
from pipelines.transports.http import Part, Request


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a stage made. `text` is None where it is no text; `note` tells what is not shown."""

    title: str
    about: str
    text: str | None
    size: int | None = None
    note: str = ""


def of_stage(played: Played, secrets: Iterable[str] = ()) -> list[Output]:
    """Everything that the stage made, in the order in which it would happen. `secrets` are names whose marks are made
    readable in addresses and forms."""
    return list(_outputs(played, sorted(secrets)))


def _outputs(played: Played, secrets: Sequence[str]) -> Iterator[Output]:
    for key, blob in played.files.items():
        yield _file(key, f"{blob.name} · {blob.media_type}", blob)
    if played.request is not None:
        yield from _request(played.request, secrets)
    for put in played.puts:
        yield _file(put.place, f"{put.blob.name or put.key} · {put.blob.media_type}", put.blob)
    if played.changes:
        lines = (f"{name}: {before or '(empty)'} → {after or '(empty)'}" for name, before, after in played.changes)
        yield Output("Fields that it writes", "", "\n".join(lines))
    if played.detached:
        yield Output("Detached", "reference keys", "\n".join(played.detached))
    if played.messages:
        said = (
            f"{message.type}: {message.content}{f' (at {message.field})' if message.field else ''}"
            for message in played.messages
        )
        yield Output("Messages", "", "\n".join(said))


def _request(request: Request, secrets: Sequence[str]) -> Iterator[Output]:
    named = [*secrets, "access_token"]
    lines = [f"{request.method} {dryrun.unmarked(request.url, named)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.idempotency_header and request.idempotency_header not in request.headers:
        lines.append(f"{request.idempotency_header}: (made when it is sent)")
    yield Output("The request that would be sent", "secrets by name, nothing was sent", "\n".join(lines))
    if request.body is not None:
        body = _file("Its body", request.body.media_type, request.body)
        text = body.text and dryrun.unmarked(body.text, named)
        yield Output(body.title, body.about, text, body.size, body.note)
    for part in request.parts:
        yield _part(part)


def _part(part: Part) -> Output:
    if part.blob is None:
        return Output(f"Part {part.name}", "text", part.text, len(part.text.encode()))
    return _file(f"Part {part.name}", f"{part.file_name} · {part.blob.media_type}", part.blob)


def _file(title: str, about: str, blob: Blob) -> Output:
    with blob.open() as stream:
        data = stream.read(bodies.SHOWN + 1)
    cut = len(data) > bodies.SHOWN
    text, _ = bodies.pretty(data[: bodies.SHOWN], cut=cut)
    plain = data[: bodies.SHOWN].decode("utf-8", errors="replace") if text is not None else None
    note = f"the first {bodies.SHOWN // 1024} KB are shown" if cut else ""
    return Output(title, about, plain, blob.size, note)
