"""A verb said no: what a person or a robot asked cannot be done as things stand. The message says why and what to do.

Admin and API show it as it is. Who may not at all gets Django's PermissionDenied instead.
"""

from __future__ import annotations


class Refused(Exception):
    """Nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InUse(Refused):
    """Something else still needs what was to be deleted. The message says what."""


class Stale(Refused):
    """Somebody else changed it since it was read. Read it again, then decide."""
