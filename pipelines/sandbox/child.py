"""The child process: `python -m pipelines.sandbox.child`, its parent at the other end of file descriptor 0.

It reads a request, answers, and waits for the next until its parent is gone. It never decides when it has taken too
long: the parent does, and ends it. Its own alarm is only for a parent that died meanwhile.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import marshal
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pipelines.sandbox import exact, extracting
from pipelines.sandbox.refusal import RefusalError
from pipelines.sandbox.rendering import Renderer
from pipelines.sandbox.wire import OK, REFUSED, REPLY, REQUEST, RULE_NOTE, SPENT

PIECE = 64 * 1024
MOST = 1024 * 1024
"""Bytes read at once: of a request's beginning, of the rest of it."""
FILES = 64
FILE_BYTES = 1024 * 1024


def main(memory_bytes: int, output_bytes: int, seconds: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, and our end follows from its end
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    os.write(2, b" " * RULE_NOTE)
    renderer = Renderer(output_bytes)
    limit(memory_bytes)
    while (request := _request()) is not None:
        packed, attachment = request
        signal.setitimer(signal.ITIMER_REAL, 6 * seconds + 5)
        try:
            status, body = OK, _answer(renderer, seconds, packed, attachment)
        except RefusalError as refusal:
            status = SPENT if refusal.kind == "memory" else REFUSED
            body = json.dumps([refusal.kind, refusal.message, refusal.line, refusal.place]).encode()
        except MemoryError:
            status, body = SPENT, b'["memory", "", 0, ""]'
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(REPLY.pack(status, time.process_time(), len(body)) + body)


def _answer(renderer: Renderer, seconds: float, packed: bytes, attachment: bytes) -> bytes:
    verb, *given = marshal.loads(packed)  # noqa: S302 - the parent alone writes here
    if verb == "render":
        source, variables, listed, with_original = given
        return renderer.render(source, variables, listed, attachment if with_original else None)
    if verb == "extract":
        rules, form = given
        values: Any = extracting.extract(rules, attachment, form, seconds=seconds, note=_note)
        return exact.dumps(values).encode("utf-8", "surrogatepass")
    source, python_line = given
    return str(renderer.line_at(source, python_line)).encode()


def limit(memory_bytes: int) -> None:
    """What this process may take at most, over what it has taken already. A system that does not know a limit
    (macOS has no RLIMIT_AS that holds) goes without it; time is the parent's business everywhere."""
    try:
        import resource
    except ImportError:
        return

    def at_most(kind: str, amount: int) -> None:
        number = getattr(resource, kind, None)
        if number is None:
            return
        with contextlib.suppress(ValueError, OSError):
            _, hard = resource.getrlimit(number)
            amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
            resource.setrlimit(number, (amount, amount))

    at_most("RLIMIT_AS", _address_space() + memory_bytes)
    at_most("RLIMIT_FSIZE", FILE_BYTES)
    at_most("RLIMIT_NOFILE", FILES)
    at_most("RLIMIT_NPROC", 0)
    at_most("RLIMIT_CORE", 0)


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 1024 * 1024 * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _note(index: int) -> None:
    os.pwrite(2, f"rule {index + 1}".ljust(RULE_NOTE).encode(), 0)


def _request() -> tuple[bytes, bytes] | None:
    """The next request's two parts; None at the parent's end. A small one comes in one piece, and nothing follows it
    before it is answered."""
    first = os.read(0, PIECE)
    while 0 < len(first) < REQUEST.size and (more := os.read(0, PIECE)):
        first += more
    if len(first) < REQUEST.size:
        return None
    size, attached = REQUEST.unpack_from(first)
    pieces = [first[REQUEST.size :]]
    missing = size + attached - len(pieces[0])
    while missing:
        piece = os.read(0, min(missing, MOST))
        if not piece:
            return None
        pieces.append(piece)
        missing -= len(piece)
    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return (whole, b"") if not attached else (whole[:size], whole[size:])


def _write(content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(0, view) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
