"""The reader's time zone, for what the server writes of times itself: axes of charts, days of a month."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest

COOKIE = "zone"
"""Set by static/desk/home.js where the account names no zone: that of the browser."""


def of(request: HttpRequest) -> ZoneInfo:
    """The account's zone, else the browser's, else UTC."""
    for name in (getattr(request.user, "time_zone", ""), request.COOKIES.get(COOKIE, "")):
        if name in available_timezones():
            return ZoneInfo(name)
    return ZoneInfo("UTC")
