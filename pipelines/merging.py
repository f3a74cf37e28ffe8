"""Two people's texts put together, line by line, from the text that both began with. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Merged:
    """`conflicts` counts the places where both changed the same lines; there, both stand between marks."""

    text: str
    conflicts: int


def merge(base: str, mine: str, theirs: str) -> Merged:
    """What both changed, once. Where they changed the same lines differently, nothing is chosen and nothing lost."""
    begun, ours, others = (text.split("\n") for text in (base, mine, theirs))
    lines: list[str] = []
    conflicts = 0
    for was, own, other in _regions(begun, ours, others):
        if other in (own, was):
            lines += own
        elif own == was:
            lines += other
        else:
            conflicts += 1
            lines += ["<<<<<<< yours", *own, "=======", *other, ">>>>>>> theirs"]
    return Merged("\n".join(lines), conflicts)


Lines = Sequence[str]


def _regions(base: Lines, mine: Lines, theirs: Lines) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """The three texts cut where all of them have the same lines, those lines being pieces too."""
    at = (0, 0, 0)
    for start, own, other, size in [*_common(base, mine, theirs), (len(base), len(mine), len(theirs), 0)]:
        yield list(base[at[0] : start]), list(mine[at[1] : own]), list(theirs[at[2] : other])
        same = list(base[start : start + size])
        yield same, same, same
        at = (start + size, own + size, other + size)


def _common(base: Lines, mine: Lines, theirs: Lines) -> Iterator[tuple[int, int, int, int]]:
    """(in base, in mine, in theirs, lines) of what all three share, in order."""
    ours = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    others = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    left = right = 0
    while left < len(ours) and right < len(others):
        one, two = ours[left], others[right]
        start, end = max(one.a, two.a), min(one.a + one.size, two.a + two.size)
        if start < end:
            yield start, one.b + start - one.a, two.b + start - two.a, end - start
        if one.a + one.size < two.a + two.size:
            left += 1
        else:
            right += 1
