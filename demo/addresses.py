"""Where the pretend receivers are, for whoever configures Waybill to send to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the pretend receivers are."""

    erp: str
    """For example http://127.0.0.1:9000."""
    sftp_port: int
    sftp_host_key: str
    """Type and base64, as a client pins it."""
