"""How moments, spans, sizes and states are written in the admin: one form everywhere, pages and lists alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

QUIET, GOOD, BAD, WARN, BUSY = "quiet", "good", "bad", "warn", "busy"
"""The tones of a badge; colour is never the only sign, each badge has its icon and its word."""


def moment(at: datetime | None, *, empty: str = "–") -> SafeString:
    """A <time> that the browser turns into the reader's zone (static/desk/desk.js); the exact UTC instant on hover."""
    if at is None:
        return format_html('<span class="desk-quiet">{}</span>', empty)
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-moment>{} UTC</time>',
        exact.isoformat(),
        exact.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        exact.strftime("%d %b %Y, %H:%M"),
    )


def span(lasted: timedelta | float | None) -> str:
    """A duration for people: "12 ms", "3.4 s", "2 min 5 s", "1 h 3 min", "2 d 4 h"; numbers are seconds."""
    if lasted is None:
        return "–"
    seconds = lasted.total_seconds() if isinstance(lasted, timedelta) else float(lasted)
    if seconds < 0:
        return f"-{span(-seconds)}"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for large, name, small, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {name}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def size(count: int | None) -> str:
    """Bytes for people, in powers of 1024: "812 B", "64 KB", "3.1 MB"."""
    if count is None:
        return "–"
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}".replace(".0 ", " ")


def icon(name: str, label: str = "") -> SafeString:
    """A symbol of the icon font; without a label it is decoration, and screen readers pass over it."""
    if label:
        return format_html('<span class="material-symbols-outlined" role="img" aria-label="{}">{}</span>', label, name)
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


def badge(text: str, tone: str = QUIET, symbol: str = "", title: str = "") -> SafeString:
    return format_html(
        '<span class="desk-badge is-{}" title="{}">{}{}</span>', tone, title, icon(symbol) if symbol else "", text
    )
