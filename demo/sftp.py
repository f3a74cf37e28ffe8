"""A real SFTP server on loopback (asyncssh's own), with password and key login and a host key to pin.

The demo and the tests start it as a process or in a thread; whoever logs in sees the folder as its root.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from demo.serving import Listening, Start, until_told

USER = "waybill"
PASSWORD = "pretend-password"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in, and what they see."""

    root: Path
    user: str = USER
    password: str = PASSWORD
    authorized_keys: Path | None = None
    """A file of public keys as OpenSSH writes them."""


class _Login(asyncssh.SSHServer):
    def __init__(self, account: Account) -> None:
        self._account = account

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._account.user, self._account.password)


def host_key(path: Path | None) -> asyncssh.SSHKey:
    """The key in the file; made and kept there when there is none, so that a pinned key outlives a restart."""
    if path is not None and path.exists():
        return asyncssh.read_private_key(str(path))
    key = asyncssh.generate_private_key("ssh-ed25519")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        key.write_private_key(str(path))
    return key


def public_line(key: asyncssh.SSHKey) -> str:
    """The public half as a client pins it: type and base64, without a comment."""
    return " ".join(key.export_public_key().decode().split()[:2])


def starter(account: Account, key: asyncssh.SSHKey, *, port: int = 0) -> Start:
    """Listens on loopback; port 0 takes a free one."""

    async def start() -> tuple[Listening, int]:
        account.root.mkdir(parents=True, exist_ok=True)
        root = os.fsencode(account.root.resolve())
        server = await asyncssh.create_server(
            lambda: _Login(account),
            "127.0.0.1",
            port,
            server_host_keys=[key],
            authorized_client_keys=str(account.authorized_keys) if account.authorized_keys else None,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root),
            allow_scp=False,
        )
        return server, server.get_port()

    return start


def run(given: argparse.Namespace) -> int:
    """Serve until told to stop. The first line on stdout is the address, the second the host key."""
    account = Account(given.root, given.user or USER, given.password or PASSWORD, given.authorized_keys)
    key = host_key(given.host_key)
    until_told(starter(account, key, port=given.port), lambda port: f"sftp://127.0.0.1:{port}\n{public_line(key)}")
    return 0
