"""JSON as people type it, read with the place of everything in it, and refused with advice.

The standard reader says "Expecting property name" and forgets where each value stood; the people who write stage
configs need the line, what is wrong there, and what to do. Duplicate keys are refused: the second would win in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 100

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*\Z")
_WORDS = {"true": True, "false": False, "null": None}
_OTHER_LANGUAGES = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}
_STRINGS = json.JSONDecoder()
_CURLY_QUOTES = "“”„‟«»‘’‚"


class BadJsonError(ValueError):
    """The text is no JSON. `line` and `column` count from 1; `path` is where in the structure it happened."""

    def __init__(self, message: str, line: int, column: int, path: str = "") -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column
        self.path = path


@dataclass(frozen=True, slots=True)
class Read:
    """What the text says, and where: `lines` has the 1-based line of every key's or list item's path."""

    value: Any
    lines: Mapping[str, int]


def read(text: str) -> Read:
    """Raises BadJsonError."""
    reader = _Reader(text)
    at = reader.space(1 if text.startswith("\ufeff") else 0)
    if at == len(text):
        raise reader.error("There is no JSON here. The least is {}.", at)
    value, at = reader.value(at, "", 0)
    at = reader.space(at)
    if at < len(text):
        raise reader.error(
            "The JSON ends here, but more text follows. Delete it, or look for one bracket too many.", at
        )
    return Read(value, reader.lines)


def join(path: str, key: str | int) -> str:
    """The path of a member: `a.b`, `a[0]`, and `a["x y"]` for keys that are no plain word."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.match(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[str, int] = {}

    def line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1

    def error(self, message: str, at: int, path: str = "") -> BadJsonError:
        return BadJsonError(message, self.line(at), at - self.text.rfind("\n", 0, at), path)

    def space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        at = found.end() if found else at
        if self.text.startswith(("//", "/*"), at):
            mark = self.text[at : at + 2]
            raise self.error(f"JSON has no comments; delete the one that begins with {mark} here.", at)
        if self.text.startswith("#", at):
            raise self.error("JSON has no comments; delete the one that begins with # here.", at)
        return at

    def value(self, at: int, path: str, depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise self.error(f"This is nested more than {MAX_DEPTH} levels deep.", at, path)
        char = self.text[at : at + 1]
        if char == "{":
            return self.members(at, path, depth)
        if char == "[":
            return self.items(at, path, depth)
        if char == '"':
            return self.string(at, path)
        if number := _NUMBER.match(self.text, at):
            return self.number(number, path)
        if (word := _WORD.match(self.text, at)) and word.group() in _WORDS:
            return _WORDS[word.group()], word.end()
        raise self.no_value(at, path, word.group() if word else "")

    def no_value(self, at: int, path: str, word: str) -> BadJsonError:
        char = self.text[at : at + 1]
        where = f" for {path}" if path else ""
        if not char:
            return self.error(f"The text ends where a value{where} should stand.", at, path)
        if char == "'" or char in _CURLY_QUOTES:
            return self.error(f'Text stands in straight double quotes in JSON ("), not in {char}.', at, path)
        if word in _OTHER_LANGUAGES:
            return self.error(f"{word} is spelt {_OTHER_LANGUAGES[word]} in JSON.", at, path)
        if word:
            return self.error(f'{word} is not true, false or null; text stands in double quotes: "{word}".', at, path)
        if char in ",]}":
            return self.error(f"A value{where} is missing before {char}", at, path)
        return self.error(f"No JSON value begins with {char}", at, path)

    def number(self, found: re.Match[str], path: str) -> tuple[Any, int]:
        digits = found.group()
        after = self.text[found.end() : found.end() + 1]
        if after.isalnum() or after in {".", "_"}:
            raise self.error(
                "JSON knows no such number (no leading zeros, no units). Should it be text?", found.start(), path
            )
        if len(digits) > 400:
            raise self.error(f"A number of {len(digits)} characters is too long.", found.start(), path)
        value = json.loads(digits)
        if value in {float("inf"), float("-inf")}:
            raise self.error("This number is too large.", found.start(), path)
        return value, found.end()

    def string(self, at: int, path: str) -> tuple[str, int]:
        try:
            text, end = _STRINGS.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise self.bad_string(error, at, path) from None
        return str(text), end

    def bad_string(self, error: json.JSONDecodeError, at: int, path: str) -> BadJsonError:
        if error.msg.startswith("Unterminated"):
            return self.error("This text is never closed: its second double quote is missing.", at, path)
        if error.msg.startswith("Invalid control") and self.text[error.pos : error.pos + 1] in {"\r", "\n"}:
            message = 'A text may not run over the end of its line. Close it with ", or write the line break as \\n.'
        elif error.msg.startswith("Invalid control"):
            message = "Tabs and control characters in a text are written with a backslash, for example \\t."
        else:
            message = 'A backslash begins one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX; a plain one is written \\\\.'
        return self.error(message, error.pos, path)

    def members(self, at: int, path: str, depth: int) -> tuple[dict[str, Any], int]:
        opened = at
        members: dict[str, Any] = {}
        at = self.space(at + 1)
        if self.text.startswith("}", at):
            return members, at + 1
        while True:
            key, key_at = self.key(at, path, opened), at
            inner = join(path, key[0])
            if key[0] in members:
                first = self.lines[inner]
                raise self.error(
                    f'The key "{key[0]}" stands twice here (first on line {first}). Keep one.', key_at, inner
                )
            self.lines[inner] = self.line(key_at)
            at = self.space(key[1])
            if not self.text.startswith(":", at):
                raise self.error(f'A colon is missing after "{key[0]}".', at, inner)
            members[key[0]], at = self.value(self.space(at + 1), inner, depth + 1)
            at = self.space(at)
            if self.text.startswith("}", at):
                return members, at + 1
            at = self.comma(at, "}", path, opened)

    def key(self, at: int, path: str, opened: int) -> tuple[str, int]:
        char = self.text[at : at + 1]
        if char == '"':
            return self.string(at, path)
        if not char:
            raise self.error(f"The {{ opened on line {self.line(opened)} is never closed.", at, path)
        if char == "'" or char in _CURLY_QUOTES:
            raise self.error(f'A key stands in straight double quotes in JSON ("), not in {char}.', at, path)
        if word := _WORD.match(self.text, at):
            raise self.error(f'Keys stand in double quotes in JSON: "{word.group()}".', at, path)
        raise self.error(f"A key in double quotes should stand here, not {char}", at, path)

    def items(self, at: int, path: str, depth: int) -> tuple[list[Any], int]:
        opened = at
        items: list[Any] = []
        at = self.space(at + 1)
        if self.text.startswith("]", at):
            return items, at + 1
        while True:
            inner = join(path, len(items))
            self.lines[inner] = self.line(at)
            if at == len(self.text):
                raise self.error(f"The [ opened on line {self.line(opened)} is never closed.", at, path)
            item, at = self.value(at, inner, depth + 1)
            items.append(item)
            at = self.space(at)
            if self.text.startswith("]", at):
                return items, at + 1
            at = self.comma(at, "]", path, opened)

    def comma(self, at: int, close: str, path: str, opened: int) -> int:
        if not self.text.startswith(",", at):
            if at == len(self.text):
                open_sign = "{" if close == "}" else "["
                raise self.error(f"The {open_sign} opened on line {self.line(opened)} is never closed.", at, path)
            raise self.error(f"A comma or {close} is missing before this.", at, path)
        after = self.space(at + 1)
        if self.text.startswith(close, after):
            raise self.error(f"The comma before {close} is one too many: delete it.", at, path)
        return after
