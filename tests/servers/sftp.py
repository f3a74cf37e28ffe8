"""Real SFTP servers on loopback: Debian's sshd with internal-sftp, and asyncssh's own in this process."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

USER, PASSWORD = "waybill", "person-hush"
MISSING = "no sshd: apt-get install openssh-server"


@dataclass(frozen=True)
class SftpServer:
    """`root` is the folder behind /; where the server is not jailed, `base` says where that folder lies."""

    port: int
    root: Path
    host_key: str
    user: str
    password: str
    ssh_key: str
    base: str = ""

    @property
    def credentials(self) -> dict[str, Any]:
        return {
            "type": "sftp", "host": "127.0.0.1", "port": str(self.port), "username": self.user,
            "host_key": self.host_key, "base": self.base, "timeout_s": 10,
        }  # fmt: skip


@contextmanager
def sshd(folder: Path) -> Iterator[SftpServer]:
    """OpenSSH with key login (a password would need an account of the machine)."""
    binary = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.access(binary, os.X_OK):
        pytest.skip(MISSING)
    host, person = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    root = folder / "root"
    root.mkdir()
    (folder / "host").write_bytes(host.export_private_key())
    (folder / "host").chmod(0o600)
    (folder / "authorized").write_bytes(person.export_public_key())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = _free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nMaxStartups 100\n"
    )
    server = subprocess.Popen([binary, "-f", str(folder / "config"), "-D", "-e"], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _answers(port), "sshd")
        key = person.export_private_key().decode()
        yield SftpServer(port, root, _public(host), getpass.getuser(), "", key, str(root))
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def in_process(folder: Path, *, factory: Any = None) -> Iterator[SftpServer]:
    """asyncssh, with password and key login, jailed to `root`. `factory` makes its SFTPServer, to misbehave with."""
    host, person = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    root = folder / "root"
    root.mkdir(exist_ok=True)
    (folder / "authorized").write_bytes(person.export_public_key())

    connections: list[asyncssh.SSHServerConnection] = []

    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    loop = asyncio.new_event_loop()
    started: list[Any] = []

    async def start() -> None:
        made = factory or asyncssh.SFTPServer
        started.append(await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host], server_factory=Login, authorized_client_keys=str(folder / "authorized"),
            sftp_factory=lambda channel: made(channel, chroot=str(root).encode()),
        ))  # fmt: skip

    async def stop() -> None:
        started[0].close()
        for connection in connections:
            connection.abort()
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left)

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        key = person.export_private_key().decode()
        yield SftpServer(started[0].get_port(), root, _public(host), USER, PASSWORD, key)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        # Nothing may be left for the collector: what is unclosed is told with a traceback, and where that happens in
        # the middle of an ast.parse, the traceback parses too, and Python 3.11 breaks off (SystemError).
        loop.close()


def _public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False


def _until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not start"
        threading.Event().wait(0.02)
