"""The sandbox as stages see it: a few child processes, started when first needed, shared by every thread."""

from __future__ import annotations

import atexit
import json
import marshal
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected
from pipelines.fields import Values
from pipelines.sandbox import plain
from pipelines.sandbox.process import GoneError, Limits, Process, TimeUpError
from pipelines.sandbox.refusal import RefusalError
from pipelines.sandbox.wire import ENCODING, ERRORS

SIZE = max(2, min(4, os.cpu_count() or 2))


class Unreadable(Rejected):
    """The source of an extraction is not of its format."""


class Pool:
    """`render` and `extract` of contract.Sandbox. Raises Misconfigured and Rejected whose place is the line or the
    rule; whatever a template does, the next call works."""

    def __init__(
        self,
        size: int = SIZE,
        *,
        seconds: float = Limits.seconds,
        memory_bytes: int = Limits.memory_bytes,
        output_bytes: int = Limits.output_bytes,
    ) -> None:
        self.size = size
        self.limits = Limits(seconds, memory_bytes, output_bytes)
        self._idle: list[Process] = []
        self._taken: set[Process] = set()
        self._starting = 0
        self._changed = threading.Condition()
        self._closed = False

    def render(self, template: str, variables: Mapping[str, Any], *, original: Blob | None = None) -> str:
        """The template's output. `variables` are JSON-like; `original` is read only if the template mentions it."""
        wanted = original is not None and ("original_file" in template or "file[" in template)
        attachment = self._small(original) if wanted and original is not None else b""
        if "payload" not in template:  # it is large, and most templates never look
            variables = {name: value for name, value in variables.items() if name != "payload"}
        packed = _pack("render", template, *_variables(variables), wanted)
        return self._ask(packed, attachment, template=template).decode(ENCODING, ERRORS)

    def extract(self, rules: Sequence[Mapping[str, Any]], source: bytes, *, format: str) -> list[Any]:  # noqa: A002 - contract.Sandbox
        """One JSON value a rule ({"path": …, "namespaces": …}), None where there is none; numbers with a fraction
        come as Decimal. Raises Unreadable where `source` is not of `format` (json, xml, headers, regex)."""
        found = plain.extract(rules, source, format)
        if found is not None:
            return found
        body = self._ask(_pack("extract", [dict(rule) for rule in rules], format), source)
        values = json.loads(body.decode(ENCODING, ERRORS), parse_float=Decimal)
        assert isinstance(values, list)
        return values

    def close(self) -> None:
        """End every child. A call that is under way fails; later calls are refused."""
        with self._changed:
            self._closed = True
            processes = [*self._idle, *self._taken]
            self._idle.clear()
            self._changed.notify_all()
        for process in processes:
            process.end()

    def let_go(self) -> None:
        """After a fork, in the new process: forget the children of the old one."""
        for process in [*self._idle, *self._taken]:
            process.let_go()
        self._idle, self._taken, self._starting, self._changed = [], set(), 0, threading.Condition()

    def _ask(self, packed: bytes, attachment: bytes, *, template: str = "") -> bytes:
        """The child's answer; what it refuses or dies of becomes an error with its place."""
        for again in (True, False):
            fresh = False
            try:
                with self._process() as process:
                    fresh = process.calls == 0
                    return process.ask(packed, attachment)
            except RefusalError as refusal:
                # A child that has worked long may be short of memory through no fault of this template.
                if refusal.kind == "memory" and again and not fresh:
                    continue
                raise self._error(refusal) from None
            except TimeUpError as error:
                raise self._time_up(self._place(error, template)) from None
            except GoneError as error:
                if again and not fresh:
                    continue
                raise self._died(self._place(error, template)) from None
        raise AssertionError  # the second round always ends above

    def _process(self) -> _Lease:
        with self._changed:
            while True:
                if self._closed:
                    message = "The sandbox is closed."
                    raise RuntimeError(message)
                if self._idle:
                    process = self._idle.pop()  # the one used last has its templates at hand
                    self._taken.add(process)
                    return _Lease(self, process)
                if len(self._taken) + self._starting < self.size:
                    self._starting += 1
                    break
                self._changed.wait()
        return _Lease(self, self._started())

    def _started(self) -> Process:
        """A new child, made outside the lock: whoever gives one back need not wait for it."""
        process: Process | None = None
        try:
            process = Process(self.limits)
        finally:
            with self._changed:
                self._starting -= 1
                if process is not None:
                    self._taken.add(process)
                self._changed.notify()
        return process

    def give_back(self, process: Process) -> None:
        with self._changed:
            self._taken.discard(process)
            spent = process.spent or self._closed
            if not spent:
                self._idle.append(process)
            self._changed.notify()
        if spent:
            process.end()

    def _place(self, gone: GoneError, template: str) -> str:
        if not template or not gone.python_line:
            return gone.place
        with self._process() as process:
            try:
                line = int(process.ask(_pack("line", template, gone.python_line)))
            except (RefusalError, GoneError):
                return ""
        return f"line {line}" if line else ""

    def _small(self, original: Blob) -> bytes:
        if original.size > self.limits.memory_bytes // 4:
            message = (
                f"The original file has {original.size:,} bytes; a template can read at most "
                f"{self.limits.memory_bytes // 4:,}. Send it with a REST API or file storage stage instead."
            )
            raise Misconfigured(message, place="file.original_file")
        return original.read()

    def _error(self, refusal: RefusalError) -> Misconfigured | Rejected:
        place = refusal.place or (f"line {refusal.line}" if refusal.line else "")
        message = _sentence(refusal.message)
        match refusal.kind:
            case "unreadable":
                return Unreadable(message, place=place)
            case "rejected":
                return Rejected(f"{message} Add it to the document, or change the template.", place=place)
            case "memory":
                return self._memory(place)
            case "time":
                return self._time_up(place)
            case _:
                return Misconfigured(message, place=place)

    def _time_up(self, place: str) -> Misconfigured:
        message = (
            f"It took longer than {self.limits.seconds:g} seconds and was stopped. "
            "Loop over less, and look for loops inside loops."
        )
        return Misconfigured(message, place=place)

    def _memory(self, place: str) -> Misconfigured:
        message = (
            f"It needs more than {self.limits.memory_bytes // (1024 * 1024)} MB of memory and was stopped. "
            "Keep less in variables, and output as you go."
        )
        return Misconfigured(message, place=place)

    def _died(self, place: str) -> Misconfigured:
        message = (
            "The process that runs templates ended at this, most likely for lack of memory "
            f"({self.limits.memory_bytes // (1024 * 1024)} MB is the most). Simplify what stands here."
        )
        return Misconfigured(message, place=place)


class _Lease:
    """A child in one thread's hands."""

    def __init__(self, pool: Pool, process: Process) -> None:
        self.pool = pool
        self.process = process

    def __enter__(self) -> Process:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.pool.give_back(self.process)


def _variables(variables: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The variables as built-in types, and beside them the lists of the simple multivalues, which are dicts."""
    sent = dict(variables)
    listed: dict[str, list[str]] = {}
    fields = sent.get("field")
    if isinstance(fields, Mapping):
        listed = {name: value.texts for name, value in fields.items() if type(value) is Values}
        sent["field"] = {**fields, **{name: dict(fields[name]) for name in listed}} if listed else dict(fields)
    return sent, listed


def _pack(*request: Any) -> bytes:
    try:
        return marshal.dumps(request)
    except ValueError:
        return marshal.dumps(_plain(request))


def _plain(value: Any) -> Any:
    """The value in built-in types, as marshal wants them."""
    if value is None or type(value) in {bool, int, float, str, bytes}:
        return value
    if isinstance(value, Mapping):
        return {_plain(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    if isinstance(value, bool | int | float | str | bytes):
        kinds: tuple[type[Any], ...] = (int, float, str, bytes)
        return next(kind(value) for kind in kinds if isinstance(value, kind))
    if isinstance(value, date):  # datetime too
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    message = f"A template cannot read a {type(value).__name__}."
    raise Misconfigured(message)


def _sentence(text: str) -> str:
    text = text.strip() or "it failed"
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?", ")")) else ".")


_options: dict[str, Any] = {}
_shared: list[Pool] = []
_making = threading.Lock()


def configure(**options: Any) -> None:
    """What `shared` is made with: size, seconds, memory_bytes, output_bytes. Called once, from the settings."""
    _options.update(options)


def shared() -> Pool:
    """The one pool of this process."""
    with _making:
        if not _shared:
            _shared.append(Pool(**_options))
        return _shared[0]


def _close() -> None:
    while _shared:
        _shared.pop().close()


def _forked() -> None:
    global _making  # noqa: PLW0603 - a lock held by another thread at the fork would never be released here
    _making = threading.Lock()
    while _shared:
        _shared.pop().let_go()


atexit.register(_close)
os.register_at_fork(after_in_child=_forked)
