"""The Content-Security-Policy of every page, where a view has not set a stricter one of its own.

unfold's Alpine evaluates the expressions of its attributes ('unsafe-eval') and the skeleton writes the chosen colours
into a <style>, as the editor writes its own ('unsafe-inline' for styles only). Everything else is named or refused: no
script stands in a page, and no page asks another host. Why not less: docs/decisions/0028.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"

PAGE = "; ".join((
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'self'",
))  # fmt: skip


class ContentSecurityPolicy:
    """Sets the policy on whatever has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, PAGE)
        return response
