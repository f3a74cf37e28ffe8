"""OAuth2 access tokens that all workers share: sealed in the database, kept a moment in each process."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from pipelines import vault
from pipelines.errors import Misconfigured
from pipelines.models import Token

KEPT_SECONDS = 1.0
"""How long a process trusts its own copy: another worker's newer token is seen at most this much later."""
AHEAD_SECONDS = 60.0
"""A token is fetched anew this long before it expires (a tenth of its life, where that is less), so that none expires
on its way."""

FORGOTTEN_AFTER = timedelta(days=1)

Kept = tuple[float, str, datetime | None]
_kept: dict[tuple[int, str], Kept] = {}


class SharedTokens:
    """contract.TokenStore for one organization. Safe to use from many threads and processes at once."""

    def __init__(
        self,
        organization_id: int,
        *,
        now: Callable[[], datetime] = timezone.now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.organization_id = organization_id
        self._now = now
        self._clock = clock

    def get(self, name: str) -> str | None:
        """The token, unless there is none or it is about to expire."""
        place = (self.organization_id, name)
        kept = _kept.get(place)
        if kept is None or not 0 <= self._clock() - kept[0] < KEPT_SECONDS:
            row = self._row(name)
            opened = self._open(row) if row else None
            if row is None or opened is None:
                _kept.pop(place, None)
                return None
            kept = self._keep(name, opened, row.expires_at)
        _, token, expires_at = kept
        return token if expires_at is None or self._now() < expires_at else None

    def put(self, name: str, token: str, expires_in: float | None) -> None:
        """Share a token that was just fetched; `expires_in` in seconds, None where the server did not say. Of two
        workers that fetched at once the later one's stays, in the one row."""
        expires_at = None
        if expires_in is not None:
            useful = expires_in - min(AHEAD_SECONDS, expires_in / 10)
            expires_at = self._now() + timedelta(seconds=max(useful, 0))
        key, sealed = vault.seal(self.organization_id, token.encode(), _context(name))
        row = Token(organization_id=self.organization_id, name=name, key=key, sealed=sealed, expires_at=expires_at)
        Token.unscoped.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["organization", "name"],
            update_fields=["key", "sealed", "expires_at"],
        )
        long_gone = Token.unscoped.filter(organization_id=self.organization_id)
        long_gone.filter(expires_at__lt=self._now() - FORGOTTEN_AFTER).delete()  # of settings that nobody uses any more
        self._keep(name, token, expires_at)

    def drop(self, name: str, token: str) -> None:
        """Forget `token`, unless a newer one is already there."""
        _kept.pop((self.organization_id, name), None)
        row = self._row(name)
        if row is not None:
            held = self._open(row)
            if held is None or hmac.compare_digest(held.encode(), token.encode()):
                Token.unscoped.filter(pk=row.pk, sealed=row.sealed).delete()  # the very bytes: a newer one stays

    def _row(self, name: str) -> Token | None:
        rows = Token.unscoped.filter(organization_id=self.organization_id, name=name)
        return rows.select_related("key").first()

    @staticmethod
    def _open(row: Token) -> str | None:
        """None where it cannot be opened: a token is fetched anew, and `put` says what is wrong with the keys."""
        try:
            return vault.unseal(row.key, row.sealed, context_of(row)).decode()
        except Misconfigured:
            return None

    def _keep(self, name: str, token: str, expires_at: datetime | None) -> Kept:
        if len(_kept) > 1000:
            _kept.clear()
        kept = _kept[self.organization_id, name] = (self._clock(), token, expires_at)
        return kept


def context_of(row: Token) -> str:
    """What a token's sealed value is bound to, besides its organization."""
    return _context(row.name)


def _context(name: str) -> str:
    return f"token/{name}"
