"""How parent and child speak: one frame a request, one a reply.

A request is marshal (built-in types only, made by the parent alone) and an attachment of bytes. A reply is read by the
parent as bytes and JSON, never as marshal: nothing that a child says can do more than be wrong.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct("!QQ")
"""Bytes of marshal, bytes of attachment."""
REPLY = struct.Struct("!BdQ")
"""Status, the child's processor seconds so far, bytes of body."""

OK = 0
REFUSED = 1
"""The body is JSON: kind, message, line, place."""
SPENT = 2
"""Likewise, and the child must not be used again: its memory is at its limit."""

ENCODING = "utf-8"
ERRORS = "surrogatepass"
"""Fields may hold lone surrogates; whoever encodes for the far end says so with its line."""

RULE_NOTE = 16
"""Bytes at the start of the child's error log that say which extraction rule is being run."""
