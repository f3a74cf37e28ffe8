"""A row of numbers as a small drawing: bars in an SVG that scales, with the same said in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

BAR, GAP, HEIGHT = 4, 1, 24


def draw(counts: Sequence[int], *, span: str, unit: str, wide: bool = False) -> SafeString:
    """Bars for `counts`, the oldest first. `span` and `unit` are for the words: "in the last 24 hours", "hour"."""
    most = max(counts, default=0)
    heights = [max(2, round(HEIGHT * count / most)) if count else 1 for count in counts]
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"{}/>',
        (
            (index * (BAR + GAP), HEIGHT - height, BAR, height, SafeString("" if count else ' class="is-none"'))
            for index, (count, height) in enumerate(zip(counts, heights, strict=True))
        ),
    )
    return format_html(
        '<svg class="desk-spark{}" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        "<title>{}</title>{}</svg>",
        " is-wide" if wide else "",
        max(1, len(counts) * (BAR + GAP) - GAP),
        HEIGHT,
        said(counts, span=span, unit=unit),
        said(counts, span=span, unit=unit),
        bars,
    )


def said(counts: Sequence[int], *, span: str, unit: str) -> str:
    """The same in words: how many, when most, and when the last."""
    total = sum(counts)
    if not total:
        return f"No failure {span}"
    last = next(age for age, count in enumerate(reversed(counts)) if count)
    when = f"in this {unit}" if last == 0 else f"{last} {unit}{'' if last == 1 else 's'} ago"
    most = max(counts)
    number = f"{total:,} failure{'' if total == 1 else 's'} {span}"
    return f"{number}, the last {when}" + (f", at most {most:,} in one {unit}" if most < total else "")
