"""Charts as inline SVG: columns in panels above one another, over one axis. Pure: numbers and words in, markup out.

Positions are percentages, so that a chart is as wide as its place and its letters keep their size. Colours are classes
of static/desk/home.css, on variables of the desk: light and dark are the page's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

TITLE, GAP, AXIS, TIP = 20, 14, 20, 20
"""Heights, in pixels: a panel's title, the gap below a panel, the axis, the line that tells the numbers."""
FILLED = 0.78
"""Of a column's place; the rest parts it from the next."""
LEAST = 2.0
"""Pixels: something is never drawn as nothing."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a column."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Columns with a scale of their own; the series lie upon one another, the first one lowest."""

    key: str
    title: str
    series: tuple[Series, ...]
    height: int = 90


@dataclass(frozen=True, slots=True)
class Bin:
    """One place on the axis."""

    said: str
    """Its time, in words."""
    tick: str = ""
    """Written below it; empty for most."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """By series."""
    links: Mapping[str, str] = field(default_factory=dict)
    """By panel: the list of what the column counts."""


def columns(name: str, title: str, about: str, panels: Sequence[Panel], bins: Sequence[Bin]) -> SafeString:
    """The chart and, folded beneath it, its numbers as a table. `name` is unique on the page."""
    top, drawn = 0, []
    for panel in panels:
        drawn.append(_panel(panel, bins, top))
        top += TITLE + panel.height + GAP
    height = top - GAP + AXIS + TIP
    return format_html(
        '<figure class="desk-chart" data-chart><svg role="group" width="100%" height="{}" aria-labelledby="{}-title"'
        ' aria-describedby="{}-about"><title id="{}-title">{}</title><desc id="{}-about">{}</desc>'
        "{}{}</svg>{}</figure>",
        height, name, name, name, title, name, about,
        format_html_join("", "{}", ((part,) for part in drawn)),
        _axis(bins, top - GAP),
        _table(title, panels, bins),
    )  # fmt: skip


def scale(largest: int) -> int:
    """The round number that the top of a panel stands for: 1, 2 or 5 times a power of ten, and not below `largest`."""
    step = 1
    while True:
        for round_one in (step, 2 * step, 5 * step):
            if round_one >= largest:
                return round_one
        step *= 10


def _panel(panel: Panel, bins: Sequence[Bin], top: int) -> SafeString:
    totals = [sum(one.numbers.get(series.key, 0) for series in panel.series) for one in bins]
    above, floor = top + TITLE, top + TITLE + panel.height
    full = scale(max([1, *totals]))
    total = sum(totals)
    parts = [
        format_html('<text class="chart-title" x="0" y="{}">{}</text>', top + 13, panel.title),
        format_html('<text class="chart-sum" x="100%" y="{}" text-anchor="end">{}</text>', top + 13, f"{total:,}"),
        format_html('<line class="chart-line is-top" x1="0" x2="100%" y1="{0}" y2="{0}"/>', above),
        format_html('<line class="chart-line" x1="0" x2="100%" y1="{0}" y2="{0}"/>', floor),
        format_html('<text class="chart-scale" x="0" y="{}">{}</text>', above + 12, f"{full:,}" if total else ""),
    ]
    wide = 100 / max(len(bins), 1)
    for index, one in enumerate(bins):
        parts.append(_column(panel, one, index * wide, wide, above, full))
    return format_html('<g class="chart-panel">{}</g>', format_html_join("", "{}", ((part,) for part in parts)))


def _column(panel: Panel, one: Bin, left: float, wide: float, above: int, full: int) -> SafeString:
    floor = float(above + panel.height)
    shapes = []
    for series in panel.series:
        if number := one.numbers.get(series.key, 0):
            tall = max(number / full * panel.height, LEAST)
            floor = max(floor - tall, float(above))
            shapes.append((
                series.key, f"{left + wide * (1 - FILLED) / 2:.3f}%", f"{floor:.1f}", f"{wide * FILLED:.3f}%",
                f"{tall:.1f}",
            ))  # fmt: skip
    said = f"{one.said}: {_numbers(panel, one)}"
    inside = format_html(
        '<rect class="chart-reach" x="{}%" y="{}" width="{}%" height="{}"/>{}<text class="chart-tip" x="0" y="100%"'
        ' dy="-5">{}</text>',
        f"{left:.3f}", above, f"{wide:.3f}", panel.height,
        format_html_join("", '<rect class="chart-bar is-{}" x="{}" y="{}" width="{}" height="{}"/>', shapes),
        said,
    )  # fmt: skip
    link = one.links.get(panel.key, "")
    if not shapes or not link:
        return format_html('<g class="chart-column" aria-hidden="true">{}</g>', inside)
    return format_html('<a class="chart-column" href="{}" aria-label="{}">{}</a>', link, said, inside)


def _numbers(panel: Panel, one: Bin) -> str:
    told = [f"{one.numbers[series.key]:,} {series.name}" for series in panel.series if one.numbers.get(series.key)]
    return ", ".join(told) or "none"


def _axis(bins: Sequence[Bin], floor: int) -> SafeString:
    wide = 100 / max(len(bins), 1)
    ticks = [(f"{(index + 0.5) * wide:.3f}", one.tick) for index, one in enumerate(bins) if one.tick]
    return format_html_join(
        "",
        '<text class="chart-tick{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (" is-odd" if index % 2 else "", at, floor + 14, "start" if float(at) < 3 else "middle", tick)
            for index, (at, tick) in enumerate(ticks)
        ),
    )


def _table(title: str, panels: Sequence[Panel], bins: Sequence[Bin]) -> SafeString:
    series = [one for panel in panels for one in panel.series]
    told = [one for one in bins if any(one.numbers.get(each.key) for each in series)]
    head = format_html_join(
        "", '<th scope="col" class="is-number">{}</th>', ((one.name.capitalize(),) for one in series)
    )
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                one.said,
                format_html_join(
                    "", '<td class="is-number">{}</td>', ((f"{one.numbers.get(each.key, 0):,}",) for each in series)
                ),
            )
            for one in told
        ),
    )
    if not told:
        rows = format_html('<tr><td colspan="{}">Nothing in this time.</td></tr>', len(series) + 1)
    return format_html(
        '<details class="desk-chart__table"><summary>The numbers</summary><div class="desk-scroll">'
        '<table class="desk-table is-compact"><caption class="desk-hidden">{}</caption><thead><tr>'
        '<th scope="col">Time</th>{}</tr></thead><tbody>{}</tbody></table></div></details>',
        title, head, rows,
    )  # fmt: skip
