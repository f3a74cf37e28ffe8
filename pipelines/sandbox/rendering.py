"""Templates, compiled once and rendered: every error with the line of the template where it happened."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError

from pipelines.sandbox.environment import MAX_TEMPLATE, Environment, File, Listed, NoOriginalError, Original
from pipelines.sandbox.growth import TooMuchError
from pipelines.sandbox.refusal import RefusalError
from pipelines.sandbox.wire import ENCODING, ERRORS

FILE_NAME = "<template>"
"""As Jinja2 names code that comes from no file."""

ALONE = "a template stands alone here: it cannot include, import or extend another"

KEPT = 128
KEPT_CHARACTERS = 1024 * 1024
"""Of compiled templates' sources; what was used longest ago goes first."""


class Renderer:
    """`most` is the output limit in bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.environment = Environment(most)
        self._kept: OrderedDict[str, Template] = OrderedDict()
        self._characters = 0

    def render(
        self,
        source: str,
        variables: dict[str, Any],
        listed: Mapping[str, list[str]],
        original: bytes | None,
    ) -> bytes:
        """The output in UTF-8. `listed` has the values of the simple multivalues among `variables["field"]`."""
        try:
            template = self._kept.get(source) or self._compiled(source)
            if listed:
                fields = variables["field"]
                fields.update({name: Listed(fields[name], texts) for name, texts in listed.items()})
            variables["file"] = File() if original is None else File(original_file=Original(original))
            output = "".join(self._pieces(template, variables)).encode(ENCODING, ERRORS)
        except MemoryError as error:
            raise RefusalError("memory", "", line=line_of(error)) from None
        except Exception as error:  # noqa: BLE001 - a template may raise anything, and each is its author's to read
            raise _refused(error) from None
        if len(output) > self.most:
            raise RefusalError("limit", self._output_message())
        return output

    def _pieces(self, template: Template, variables: dict[str, Any]) -> Iterator[str]:
        left = self.most
        pieces: Any = template.root_render_func(template.new_context(variables))
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                raise RefusalError("limit", self._output_message(), line=_paused_at(template, pieces))
            yield piece

    def line_at(self, source: str, python_line: int) -> int:
        """The template's line for a line of its compiled form, which is what the system's own traceback names."""
        try:
            return int(self._compiled(source).get_corresponding_lineno(python_line))
        except TemplateSyntaxError:
            return 0

    def _output_message(self) -> str:
        return f"the output is larger than {self.most:,} bytes, the most that one template may make"

    def _compiled(self, source: str) -> Template:
        if len(source) > MAX_TEMPLATE:
            message = f"the template has {len(source):,} characters; {MAX_TEMPLATE:,} is the most"
            raise RefusalError("limit", message)
        template = self.environment.from_string(source)
        self._kept[source] = template
        self._characters += len(source)
        while len(self._kept) > KEPT or (self._characters > KEPT_CHARACTERS and len(self._kept) > 1):
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)
        return template


def check(source: str) -> None:
    """Raises RefusalError with the line where the template cannot be compiled. Runs nothing of it."""
    if len(source) > MAX_TEMPLATE:
        message = f"the template has {len(source):,} characters; {MAX_TEMPLATE:,} is the most"
        raise RefusalError("syntax", message)
    environment = Environment(MAX_TEMPLATE)
    try:
        parsed = environment.parse(source)
        outside = parsed.find((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends))  # type: ignore[arg-type]  # isinstance takes tuples
        environment.compile(parsed, raw=True)
    except Exception as error:  # noqa: BLE001 - as in `render`
        raise _refused(error) from None
    if outside is not None:
        raise RefusalError("syntax", ALONE, line=outside.lineno)


def line_of(error: BaseException) -> int:
    """The line of the template where the error arose; 0 where it arose outside."""
    found = 0
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return found


def _paused_at(template: Template, pieces: Any) -> int:
    """The line whose output was the last; inside a block it is the block's."""
    while getattr(pieces.gi_yieldfrom, "gi_frame", None) is not None:
        pieces = pieces.gi_yieldfrom
    return int(template.get_corresponding_lineno(pieces.gi_frame.f_lineno))


def _refused(error: Exception) -> RefusalError:
    line = line_of(error)
    match error:
        case RefusalError():
            return error
        case TemplateSyntaxError():
            return RefusalError("syntax", error.message or "the template cannot be read", line=error.lineno)
        case NoOriginalError():
            return RefusalError("rejected", error.message or "", line=line)
        case UndefinedError():
            return RefusalError("undefined", error.message or "a name is undefined", line=line)
        case TooMuchError():
            return RefusalError("limit", str(error), line=line)
        case SecurityError():
            return RefusalError("failed", f"{error} Templates read values, they do not reach into Python.", line=line)
        case RecursionError():
            return RefusalError("limit", "it calls itself, or is nested, too deeply", line=line)
        case TypeError() if "no loader" in str(error):
            return RefusalError("failed", ALONE, line=line)
        case ZeroDivisionError():
            return RefusalError("failed", "a number is divided by zero", line=line)
        case _:
            return RefusalError("failed", _kinds_meet(error) or f"{error} ({type(error).__name__})", line=line)


def _kinds_meet(error: Exception) -> str:
    if not isinstance(error, TypeError) or not re.search(r"concatenate|unsupported operand", str(error)):
        return ""
    return "a text and a number meet here; every field is text. Write | int or | float after it to reckon"
