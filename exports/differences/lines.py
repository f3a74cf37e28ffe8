"""Two texts compared line by line, and the words within a changed line; never every line with every other.

Lines that each text has once and both have in common are anchors (as in Bram Cohen's patience diff); what lies between
two anchors is compared closely where it is short, and told as replaced where it is long."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exports.differences.pairing import in_order

AROUND = 3
"""Unchanged lines shown around a change."""

MOST = 600
"""Lines that are shown."""

CLOSE = 2_500
"""Pairs of lines that are compared closely between two anchors."""

IN_ALL = 400_000
"""Of such pairs in one comparison; what comes after is told as replaced."""

WORDS = 10_000
"""Pairs of words that are compared in two lines; in longer ones what differs is told from end to end."""

MARKED = 100
"""Pairs of lines within which the changed words are marked."""

LONG = 2_000
"""Characters of a line that are shown."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Span = tuple[str, bool]
"""A piece of a line, and whether it differs."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference. `kind` is same, removed, added, or place, which stands for lines left out."""

    kind: str
    spans: Sequence[Span]
    before: int | None = None
    after: int | None = None
    """Its number in either text, from 1."""


@dataclass(slots=True)
class Text:
    """A difference; empty where the texts are equal. `more` counts the changed lines that are not in `lines`."""

    lines: list[Line] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines old[a:b] became new[c:d]."""

    a: int
    b: int
    c: int
    d: int


def compare(before: str, after: str) -> Text:
    """A difference with a few lines around each change."""
    old, new = before.split("\n"), after.split("\n")
    made = Text()
    blocks = list(_joined(_blocks(old, new)))
    left = MARKED
    reached = 0
    for index, block in enumerate(blocks):
        if len(made.lines) >= MOST:
            made.more += block.b - block.a + block.d - block.c
            continue
        first = max(block.a - AROUND, reached)
        _leave_out(made, first - reached)
        _same(made, old, first, block.a, block.c - block.a)
        pairs = min(block.b - block.a, block.d - block.c, left)
        left -= pairs
        _tell(made, old, new, block, pairs)
        until = blocks[index + 1].a if index + 1 < len(blocks) else len(old)
        reached = min(block.b + AROUND, until)
        _same(made, old, block.b, reached, block.d - block.b)
    if blocks and not made.more:
        _leave_out(made, len(old) - reached)
    return made


def words(before: str, after: str) -> tuple[list[Span], list[Span]]:
    """Both lines in pieces; which of them differ. Long lines are told apart by their ends only."""
    old, new = _WORDS.findall(before[:LONG]), _WORDS.findall(after[:LONG])
    if len(old) * len(new) > WORDS:
        return _by_ends(before[:LONG], after[:LONG])
    gone: list[Span] = []
    come: list[Span] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if b > a:
            gone.append(("".join(old[a:b]), tag != "equal"))
        if d > c:
            come.append(("".join(new[c:d]), tag != "equal"))
    return gone, come


def _tell(made: Text, old: Sequence[str], new: Sequence[str], block: _Block, pairs: int) -> None:
    marked = [words(old[block.a + index], new[block.c + index]) for index in range(pairs)]
    room = max(MOST - len(made.lines), 0)
    gone = [
        Line("removed", marked[at - block.a][0] if at - block.a < pairs else _plain(old[at]), at + 1)
        for at in range(block.a, min(block.b, block.a + room))
    ]
    room -= len(gone)
    come = [
        Line("added", marked[at - block.c][1] if at - block.c < pairs else _plain(new[at]), None, at + 1)
        for at in range(block.c, min(block.d, block.c + room))
    ]
    made.more += block.b - block.a - len(gone) + block.d - block.c - len(come)
    made.lines += [*gone, *come]


def _same(made: Text, old: Sequence[str], first: int, last: int, shift: int) -> None:
    made.lines += [Line("same", _plain(old[at]), at + 1, at + shift + 1) for at in range(first, last)]


def _leave_out(made: Text, number: int) -> None:
    if number > 0:
        told = f"… {number:,} unchanged line{'' if number == 1 else 's'}"
        made.lines.append(Line("place", ((told, False),)))


def _joined(blocks: Iterator[_Block]) -> Iterator[_Block]:
    """Blocks that touch are one."""
    held: _Block | None = None
    for block in blocks:
        if held is not None and held.b == block.a and held.d == block.c:
            held = _Block(held.a, block.b, held.c, block.d)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Block]:
    """What changed, from the top."""
    first = _common(old, new)
    last = min(_common(old[::-1], new[::-1]), len(old) - first, len(new) - first)
    a, b, c, d = first, len(old) - last, first, len(new) - last
    counts = Counter(old[a:b])
    others = Counter(new[c:d])
    places = {line: at for at, line in enumerate(new[c:d], c) if others[line] == 1}
    common = [(at, places[line]) for at, line in enumerate(old[a:b], a) if counts[line] == 1 and line in places]
    kept = in_order(common)
    left = IN_ALL
    for of, to in [*sorted(pair for pair in common if pair[0] in kept), (b, d)]:
        block = _Block(a, of, c, to)
        pairs = (of - a) * (to - c)
        closely = pairs <= min(CLOSE, left)
        left -= pairs if closely else 0
        yield from _closely(old, new, block) if closely else _roughly(old, new, block)
        a, c = of + 1, to + 1


def _closely(old: Sequence[str], new: Sequence[str], block: _Block) -> Iterator[_Block]:
    matcher = difflib.SequenceMatcher(None, old[block.a : block.b], new[block.c : block.d], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield _Block(block.a + a, block.a + b, block.c + c, block.c + d)


def _roughly(old: Sequence[str], new: Sequence[str], block: _Block) -> Iterator[_Block]:
    """All but what both begin and end with is replaced."""
    one, other = old[block.a : block.b], new[block.c : block.d]
    first = _common(one, other)
    last = min(_common(one[::-1], other[::-1]), len(one) - first, len(other) - first)
    if len(one) > first + last or len(other) > first + last:
        yield _Block(block.a + first, block.b - last, block.c + first, block.d - last)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    shorter = min(len(one), len(other))
    return next((index for index in range(shorter) if one[index] != other[index]), shorter)


def _plain(line: str) -> Sequence[Span]:
    return ((line if len(line) <= LONG else f"{line[:LONG]} … {len(line) - LONG:,} more characters", False),)


def _by_ends(before: str, after: str) -> tuple[list[Span], list[Span]]:
    first = _common(before, after)
    last = min(_common(before[::-1], after[::-1]), len(before) - first, len(after) - first)
    return _three(before, first, last), _three(after, first, last)


def _three(line: str, first: int, last: int) -> list[Span]:
    end = len(line) - last
    pieces = [(line[:first], False), (line[first:end], True), (line[end:], False)]
    return [piece for piece in pieces if piece[0]]
