"""Two bodies, two lists of headers: compared in the finest way that both allow, with what means nothing set aside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exports.differences import lines, reading, trees, volatile
from exports.differences.changes import MISSING, Change, Element, local

SHOWN = 400
"""Changes of one body that are shown."""

LONG = 400
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One change as a page shows it."""

    kind: str
    place: str
    before: str = ""
    after: str = ""
    spans: tuple[Sequence[lines.Span], Sequence[lines.Span]] = ((), ())
    """Both sides in pieces, those that differ marked."""


@dataclass(slots=True)
class Difference:
    """What differs in one part. Empty where nothing does."""

    how: str = ""
    """JSON, XML, text, binary or headers."""
    rows: list[Row] = field(default_factory=list)
    text: lines.Text | None = None
    aside: list[Row] = field(default_factory=list)
    """What only tells that it was sent twice."""
    more: int = 0
    """Changes that are not shown; at least so many."""
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.more or (self.text and (self.text.lines or self.text.more)))


def compare(
    before: bytes, after: bytes, *, cut: bool = False, sent: tuple[datetime | None, datetime | None] = (None, None)
) -> Difference:
    """`cut` says that either is only a beginning. By structure where both are JSON or both XML, else by line."""
    if before == after:
        return Difference()
    cut = cut or len(before) > reading.MOST or len(after) > reading.MOST
    one = reading.read(before[: reading.MOST], cut=cut)
    other = reading.read(after[: reading.MOST], cut=cut)
    note = "Only the beginning of each is compared." if cut else ""
    if "binary" in {one.form, other.form}:
        row = Row("changed", "(all of it)", _said(one), _said(other))
        return Difference("binary", [row], note=note)
    if one.form == other.form and one.tree is not None:
        try:
            return _structured(one, other, sent)
        except RecursionError:
            note = "It is nested too deeply to be compared by structure."
    return Difference("text", text=lines.compare(one.text, other.text), note=note)


def _structured(
    one: reading.Readable, other: reading.Readable, sent: tuple[datetime | None, datetime | None]
) -> Difference:
    found = trees.compare(one.tree, other.tree)
    made = _told(found.changes, one.form, sent)
    if found.more:
        made.note = f"There are more than {trees.MOST:,} changes; the rest is not looked at."
    if not found.changes:
        made.note = "Only spaces, line breaks or the order of names differ."
    return made


def headers(before: Iterable[Sequence[str]], after: Iterable[Sequence[str]]) -> Difference:
    """By name, whatever its case; several of one name are compared together."""
    old, new = _by_name(before), _by_name(after)
    made = Difference("headers")
    for key in sorted({**old, **new}):
        name = (new.get(key) or old[key])[0]
        was, now = (", ".join(side[key][1]) if key in side else None for side in (old, new))
        if was == now:
            continue
        kind = "added" if was is None else "removed" if now is None else "changed"
        row = _row(kind, name, was or "", now or "")
        (made.aside if volatile.is_header(name) else made.rows).append(row)
    return made


def values(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> Difference:
    """Named values, such as fields, by name; in the order of the second."""
    old, new = dict(before), dict(after)
    made = Difference("fields")
    for name in [*new, *(name for name in old if name not in new)]:
        if old.get(name) != new.get(name):
            kind = "added" if name not in old else "removed" if name not in new else "changed"
            made.rows.append(_row(kind, name, old.get(name, ""), new.get(name, "")))
    made.more = max(len(made.rows) - SHOWN, 0)
    del made.rows[SHOWN:]
    return made


def _told(changes: Sequence[Change], form: str, sent: tuple[datetime | None, datetime | None]) -> Difference:
    made = Difference(form)
    for change in changes:
        if change.kind == "moved":
            row = Row("moved", change.place, f"place {int(change.before) + 1}", f"place {int(change.after) + 1}")
            into = made.rows
        else:
            row = _row(change.kind, change.place, _shown(change.before), _shown(change.after))
            aside = change.kind == "changed" and volatile.is_value(change.place, change.before, change.after, sent)
            into = made.aside if aside else made.rows
        if len(into) < SHOWN:
            into.append(row)
        elif into is made.rows:
            made.more += 1
    return made


def _row(kind: str, place: str, before: str, after: str) -> Row:
    before, after = _capped(before), _capped(after)
    spans = lines.words(before, after) if kind == "changed" else ([(before, False)], [(after, False)])
    return Row(kind, place, before, after, spans)


def _by_name(pairs: Iterable[Sequence[str]]) -> dict[str, tuple[str, list[str]]]:
    found: dict[str, tuple[str, list[str]]] = {}
    for pair in pairs:
        found.setdefault(str(pair[0]).lower(), (str(pair[0]), []))[1].append(str(pair[1]))
    return found


def _said(side: reading.Readable) -> str:
    return side.text if side.form == "binary" else f"{side.form}, {len(side.text):,} characters"


def _shown(value: Any) -> str:
    """A value as one reads it: texts as JSON has them, so that "1" and 1 are told apart."""
    if value is MISSING:
        return ""
    if isinstance(value, Element):
        inner = "".join(_shown(child) if isinstance(child, Element) else child for child in value.children[:20])
        attributes = "".join(f' {local(name)}="{text}"' for name, text in value.attributes.items())
        return _capped(f"<{local(value.tag)}{attributes}>{_capped(inner)}</{local(value.tag)}>")
    if isinstance(value, dict | list):
        pieces: list[str] = []
        left = LONG + 1
        for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                break
        return _capped("".join(pieces))
    return json.dumps(value, ensure_ascii=False, default=str) if not hasattr(value, "as_tuple") else str(value)


def _capped(text: str) -> str:
    return text if len(text) <= LONG else f"{text[:LONG]} …"
