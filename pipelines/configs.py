"""One stage's config, from the text that a person typed to the kind's Config, or to problems that name the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from pipelines import jsontext, wording
from pipelines.errors import StageError
from pipelines.problems import Problem, Severity

CHANGE_ME = "__change_me__"

ADDRESSES = frozenset({"url", "host", "bucket_name", "endpoint_url", "username", "path", "folder"})
"""Keys whose blank text means that nobody has filled in yet where to send."""

SECRET = re.compile(r"\{secret\.([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """`config` is None where there are errors; `raw` is the JSON as typed, None where it is no JSON."""

    config: Any
    raw: Any
    problems: Sequence[Problem]
    lines: Mapping[str, int]

    def problem(self, stage: str, path: str, message: str, severity: Severity = "error") -> Problem:
        """A problem at `path` of this config, with its line."""
        return Problem(stage, _under(path), message, severity, _line(self.lines, path))


def parse(stage: str, module: ModuleType, text: str) -> Parsed:
    """The kind's Config out of `text`. Never raises: whatever is wrong is in `problems`, errors first seen first."""
    try:
        read = jsontext.read(text)
    except jsontext.BadJsonError as error:
        return Parsed(None, None, [Problem(stage, _under(error.path), str(error), line=error.line)], {})
    if not isinstance(read.value, dict):
        message = "A stage's config is one JSON object: it begins with { and ends with }."
        return Parsed(None, read.value, [Problem(stage, "config", message, line=1)], read.lines)

    empty = Parsed(None, read.value, [], read.lines)
    problems = [empty.problem(stage, path, message, severity) for path, message, severity in _unfilled(read.value)]
    named = {one.path for one in problems}
    config: Any = None
    try:
        config = module.Config.model_validate(read.value)
    except ValidationError as error:
        wrong = wording.of(error, module.Config, read.value)
        problems += [empty.problem(stage, path, message) for path, message in wrong if _under(path) not in named]
    except StageError as error:
        place = error.place.removeprefix("config").removeprefix(".")
        problems.append(empty.problem(stage, place, error.message))
    return Parsed(config, read.value, problems, read.lines)


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the JSON, keys included, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            inner = jsontext.join(path, key)
            yield inner, key
            yield from strings(member, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, jsontext.join(path, index))


def secrets_named(raw: Any) -> Iterator[tuple[str, str]]:
    """(path, name) of every {secret.name} in the config."""
    for path, text in strings(raw):
        for name in SECRET.findall(text):
            yield path, name


def fetches_its_token(raw: Any) -> bool:
    """The stage has its own `auth`, which writes the secret `access_token`."""
    return isinstance(raw, dict) and isinstance(raw.get("auth"), dict)


def _under(path: str) -> str:
    """The path as problems name it, below `config`."""
    return "config" if not path else f"config{path}" if path.startswith("[") else f"config.{path}"


def _line(lines: Mapping[str, int], path: str) -> int:
    """The line of `path`, or of the nearest thing around it that stands in the text."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


def _unfilled(raw: Any) -> Iterator[tuple[str, str, Severity]]:
    """(path, message, severity) of what was left to fill in."""
    seen = set()
    for path, text in strings(raw):
        if CHANGE_ME in text and path not in seen:
            seen.add(path)
            yield path, f"{CHANGE_ME} is a placeholder of the example: put the real value here.", "error"
    yield from _blanks(raw, "", addressed=False)


def _blanks(value: Any, path: str, *, addressed: bool) -> Iterator[tuple[str, str, Severity]]:
    if isinstance(value, dict):
        for key, member in value.items():
            inner = jsontext.join(path, key)
            if isinstance(member, str) and not member.strip():
                if key in ADDRESSES:
                    yield inner, "This address is blank: fill it in before you publish.", "error"
                elif addressed:
                    yield (
                        inner,
                        "This is blank and would be sent empty: fill it in, or delete the line.",
                        "warning",
                    )
            else:
                yield from _blanks(member, inner, addressed=addressed or key in {"auth", "headers", "credentials"})
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _blanks(item, jsontext.join(path, index), addressed=addressed)
