"""Finds hooks, queues and schemas in files: single objects, lists as the API gives them, and the folders that Rossum's
deployment manager writes. Pure; reads files, follows no link out of the folder, and runs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 20_000
_NUMBERED = re.compile(r"_\[(\d+)\]$")

Object = dict[str, Any]


@dataclass
class Found:
    """What the files hold, by id at Rossum."""

    hooks: dict[int, Object] = field(default_factory=dict)
    queues: dict[int, Object] = field(default_factory=dict)
    schemas: dict[int, Object] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Files that could not be used, each with the reason."""


def read(path: Path) -> Found:
    """Raises ValueError where there is nothing of that name."""
    found = Found()
    if path.is_file():
        _file(path, path.parent, found)
    elif path.is_dir():
        for number, file in enumerate(sorted(_files(path))):
            if number >= MOST_FILES:
                found.unread.append((str(path), f"More than {MOST_FILES:,} files; the rest was left out."))
                break
            _file(file, path, found)
    else:
        raise ValueError(f"There is no file or folder {path}.")
    return found


def id_of(url: Any) -> int | None:
    """The number in the last segment of an address, or a number itself."""
    if isinstance(url, int) and not isinstance(url, bool):
        return url
    last = url.rstrip("/").rpartition("/")[2] if isinstance(url, str) else ""
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None


def ids_of(urls: Any) -> list[int]:
    return [number for url in urls if (number := id_of(url)) is not None] if isinstance(urls, list) else []


def _files(folder: Path) -> Iterator[Path]:
    root = folder.resolve()
    for file in folder.rglob("*.json"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.is_file() and file.resolve().is_relative_to(root):
            yield file


def _file(file: Path, root: Path, found: Found) -> None:
    shown = str(file.relative_to(root))
    try:
        content = file.read_bytes() if file.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        found.unread.append((shown, f"It cannot be read: {error.strerror}."))
        return
    if content is None:
        found.unread.append((shown, f"It has more than {MOST_BYTES:,} bytes."))
        return
    for one in _objects(_parsed(content, shown, found)):
        _take(_whole(one, file), found)


def _parsed(content: bytes, shown: str, found: Found) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        found.unread.append((shown, "It is no JSON."))
        return None


def _objects(given: Any) -> Iterator[Object]:
    """Every object in a file: itself, a list, `results` of a page, or lists by name."""
    if isinstance(given, list):
        for one in given:
            yield from _objects(one)
    elif isinstance(given, dict):
        if isinstance(given.get("results"), list):
            yield from _objects(given["results"])
        elif named := [given[name] for name in ("hooks", "queues", "schemas") if _listed(given.get(name))]:
            yield from _objects(named)
        else:
            yield given


def _listed(value: Any) -> bool:
    """A list of objects; a queue's own "hooks" is a list of addresses."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _take(one: Object, found: Found) -> None:
    number = id_of(one.get("id")) or id_of(one.get("url"))
    if number is None:
        return
    url = str(one.get("url") or "")
    if "/hooks/" in url or (isinstance(one.get("events"), list) and isinstance(one.get("config"), dict)):
        found.hooks[number] = one
    elif "/queues/" in url or ("workspace" in one and "schema" in one):
        found.queues[number] = one
    elif "/schemas/" in url or _sections(one.get("content")):
        found.schemas[number] = one


def _sections(content: Any) -> bool:
    return _listed(content) and all(one.get("category") == "section" for one in content)


def _whole(one: Object, file: Path) -> Object:
    """With the code and the formulas that the deployment manager keeps in files beside it."""
    config = one.get("config")
    if isinstance(config, dict) and not config.get("code") and one.get("type") == "function":
        for beside in (file.with_suffix(".py"), *_numbered(file, one)):
            if (code := _text(beside)) is not None:
                return {**one, "config": {**config, "code": code}}
    if _sections(one.get("content")):
        return {**one, "content": [_with_formulas(node, file.parent / "formulas") for node in one["content"]]}
    return one


def _numbered(file: Path, one: Object) -> Iterator[Path]:
    number = id_of(one.get("id")) or id_of(one.get("url"))
    yield from (
        code
        for code in file.parent.glob("*.py")
        if (named := _NUMBERED.search(code.stem)) is not None and int(named[1]) == number
    )


def _with_formulas(node: Any, folder: Path) -> Any:
    if not isinstance(node, dict):
        return node
    made = dict(node)
    name = node.get("id")
    if isinstance(name, str) and name.isidentifier() and not node.get("formula"):
        code = _text(folder / f"{name}.py")
        if code is not None:
            made["formula"] = code
    inner = node.get("children")
    if isinstance(inner, list):
        made["children"] = [_with_formulas(child, folder) for child in inner]
    elif isinstance(inner, dict):
        made["children"] = _with_formulas(inner, folder)
    return made


def _text(file: Path) -> str | None:
    try:
        small = file.is_file() and not file.is_symlink() and file.stat().st_size <= MOST_BYTES
        return file.read_text(encoding="utf-8-sig") if small else None
    except (OSError, UnicodeDecodeError):
        return None
