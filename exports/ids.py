"""Ids that a worker gives before it writes, so that the rows of one commit point can name each other."""

from __future__ import annotations

import random
import time
import uuid


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562, 5.7): ordered by the millisecond, random after it."""
    value = (time.time_ns() // 1_000_000) << 80 | random.getrandbits(80)  # an id, not a secret
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
