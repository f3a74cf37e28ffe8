"""A kept request as a command for a POSIX shell, without its secrets. Pure.

What the record hides as `[secret:name]` becomes `${NAME:?}`: whoever runs the command sets it; without it nothing is
sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_HIDDEN = re.compile(r"\[secret(?::([^\]\r\n]{1,100}))?\]|%5Bsecret(?:%3A([^%\]\r\n]{1,100}))?%5D", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9_./:@=,+-]+")
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"})
"""Headers that curl makes itself from what it sends."""

INLINE = 8 * 1024
"""Bytes of a body that stand in the command; a longer one is a file."""

FILE = "body.bin"


@dataclass(frozen=True, slots=True)
class Part:
    """A multipart part: its text, or the name under which its file is downloaded."""

    name: str
    text: str = ""
    file: str = ""
    file_name: str = ""
    media_type: str = ""


@dataclass(slots=True)
class Command:
    """`text` to copy. `secrets` are the variables that it reads, `files` what must lie beside it."""

    text: str
    secrets: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    body_is_file: bool = False


def command(
    method: str,
    url: str,
    headers: Iterable[Sequence[str]],
    *,
    body: bytes | None = None,
    whole: bool = True,
    parts: Sequence[Part] = (),
    file: str = FILE,
) -> Command:
    """`body` None sends none. `whole` False says that only a beginning is kept of it: then the command reads a file,
    so that nobody sends half an invoice by mistake."""
    made = Command("")
    given = [(str(pair[0]), str(pair[1])) for pair in headers]
    multipart = bool(parts)
    lines = ["curl --globoff --path-as-is", f"--request {_quoted(method, 'SECRET', made)}"]
    if method == "HEAD":
        lines = ["curl --globoff --path-as-is", "--head"]
    lines.append(f"--url {_quoted(url, 'SECRET_IN_URL', made)}")
    for name, value in given:
        if name.lower() in _OWN or (multipart and name.lower() == "content-type"):
            continue
        text = f"{name}: {value}" if value.strip() else f"{name};"
        lines.append(f"--header {_quoted(text, _variable(_of_header(name, value)), made)}")
    lines += [f"--header {one}" for one in _unwanted({name.lower() for name, _ in given}, sends=body is not None)]
    for part in parts:
        lines.append(_part(part, made))
    if body is not None and not multipart:
        lines.append(_body(body, made, file=file, whole=whole))
    made.text = " \\\n  ".join(lines)
    made.secrets = list(dict.fromkeys(made.secrets))
    return made


def _unwanted(given: set[str], *, sends: bool) -> Iterable[str]:
    """Headers that curl would add and that were not sent."""
    if sends:
        yield from (f"{name}:" for name in ("Content-Type", "Expect") if name.lower() not in given)


def _body(body: bytes, made: Command, *, file: str, whole: bool) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if whole and len(body) <= INLINE and "\0" not in text:
        return f"--data-raw {_quoted(text, 'SECRET_IN_BODY', made)}"
    made.body_is_file = True
    made.files.append(file)
    return f"--data-binary {_quoted(f'@{file}', '', Command(''))}"


def _part(part: Part, made: Command) -> str:
    if not part.file:
        return f"--form-string {_quoted(f'{part.name}={part.text}', 'SECRET_IN_FORM', made)}"
    made.files.append(part.file)
    text = f"{part.name}=@{_in_form(part.file)};filename={_in_form(part.file_name)}"
    media_type = re.sub(r"[^\w./+-]", "", part.media_type)
    return f"--form {_quoted(text + (f';type={media_type}' if media_type else ''), '', Command(''))}"


def _in_form(text: str) -> str:
    """Quoted for curl's own reading of --form."""
    escaped = re.sub(r"[\r\n\0]", " ", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str, otherwise: str, made: Command) -> str:
    """One word for the shell, whatever is in it; each hidden secret as a variable. `otherwise` names the nameless."""
    pieces = []
    reached = 0
    for hit in _HIDDEN.finditer(text) if otherwise else ():
        pieces.append(_literal(text[reached : hit.start()]))
        name = _variable(hit[1] or hit[2] or otherwise)
        made.secrets.append(name)
        pieces.append(f'"${{{name}:?}}"')
        reached = hit.end()
    pieces.append(_literal(text[reached:]))
    return "".join(pieces) or "''"


def _literal(text: str) -> str:
    """Between single quotes nothing means anything to the shell; a NUL cannot be in a word at all."""
    text = text.replace("\0", "")
    if not text or _BARE.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _variable(name: str) -> str:
    made = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()
    return made if made and not made[0].isdigit() else f"SECRET_{made}".rstrip("_")


def _of_header(name: str, value: str) -> str:
    """How the nameless secret of a header is called: an Authorization's by its scheme."""
    if name.lower().removeprefix("proxy-") == "authorization":
        return {"bearer": "ACCESS_TOKEN", "basic": "BASIC_CREDENTIALS"}.get(value.partition(" ")[0].lower(), name)
    return name
