"""SSH sessions with SFTP on them: guarded, the host key held against the pinned one, kept a process for reuse.

One session serves one store at a time. What the two sides agree on is paramiko's business; who the other side is, ours.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import paramiko
from cryptography.hazmat.primitives import serialization

from pipelines.errors import Misconfigured, StageError, Unavailable
from pipelines.transports.guard import Egress, connect

IDLE_SECONDS = 60.0
PROBED_SECONDS = 5.0
"""A session idle for longer is asked whether it still lives before it is used."""
KEEPALIVE_SECONDS = 20
WINDOW = 4 * 1024 * 1024


@dataclass(frozen=True)
class Login:
    """Whom to reach and who we are. Equal logins share sessions, and the secrets are part of it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    ssh_key: str = field(repr=False)
    passphrase: str = field(repr=False)
    host_key: str
    egress: Egress
    timeout: float

    @property
    def shown(self) -> str:
        return self.host if self.port == 22 else f"{self.host}:{self.port}"


class Session:
    """One connection, logged in."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self.used = time.monotonic()
        self.seen: list[str] = []
        """What was seen on the way, for the page that tests a connection."""
        begun = time.monotonic()
        plain, _ = connect(login.host, login.port, egress=login.egress, timeout=login.timeout)
        self.seen.append(f"connected to {login.shown} ({(time.monotonic() - begun) * 1000:.0f} ms)")
        self._transport = paramiko.Transport(plain, default_window_size=WINDOW)
        self._transport.daemon = True
        try:
            self._agree()
            self._log_in()
            self.sftp = self._open()
        except BaseException:
            self.close()
            raise

    def alive(self) -> bool:
        """Whether it can be used; asks the other side where it was idle for long."""
        idle = time.monotonic() - self.used
        if idle > IDLE_SECONDS or not self._transport.is_active():
            return False
        if idle < PROBED_SECONDS:
            return True
        try:
            self.sftp.stat(".")
        except (OSError, EOFError, paramiko.SSHException):
            return False
        return True

    def close(self) -> None:
        self._transport.close()

    def _agree(self) -> None:
        """Encryption, and the host key."""
        login = self.login
        pinned = _pinned(login.host_key)
        if kinds := [kind for kind, _ in pinned if kind]:
            options = self._transport.get_security_options()
            wanted = [known for known in options.key_types if known in kinds or (known in _RSA and "ssh-rsa" in kinds)]
            if wanted:
                options.key_types = wanted  # type: ignore[assignment]  # the server has one key of each kind: ask for ours
        self._transport.banner_timeout = login.timeout
        try:
            self._transport.start_client(timeout=login.timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise _unagreed(login, error) from error
        key = self._transport.get_remote_server_key()
        shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
        if not pinned:
            raise Misconfigured(
                f"The host key of {login.shown} is not pinned, so nobody can tell the server from an impostor. "
                f"It showed {shown}. Compare that with its owner, then set host_key in the credentials to "
                f'"{key.get_name()} {key.get_base64()}".',
                place="config.credentials.host_key",
            )
        if not any(told in {key.get_base64(), fingerprint(key.asbytes())} for _, told in pinned):
            raise Misconfigured(
                f"{login.shown} showed another host key than the one that is pinned: {shown}. Either the server got a "
                "new key (ask its owner, then pin the new one), or somebody stands in between. Nothing was sent.",
                place="config.credentials.host_key",
            )
        self.seen.append(f"host key {shown} is the pinned one")

    def _log_in(self) -> None:
        login = self.login
        self._transport.auth_timeout = login.timeout
        if not login.ssh_key and not login.password:
            message = f'There is neither a secret "password" nor a secret "ssh_key" to log in at {login.shown}.'
            raise Misconfigured(message, place="secrets.password")
        key = private_key(login.ssh_key, login.passphrase) if login.ssh_key else None
        try:
            if key is not None:
                self._transport.auth_publickey(login.username, key)
            if not self._transport.is_authenticated():
                self._transport.auth_password(login.username, login.password)
        except paramiko.BadAuthenticationType as error:
            allowed = ", ".join(error.allowed_types)
            message = f"{login.shown} does not let {login.username} in this way; it accepts {allowed}."
            raise Misconfigured(message, place="secrets") from error
        except paramiko.AuthenticationException as error:
            which = "key" if key is not None else "password"
            message = f"{login.shown} refused {login.username}: the user name or the {which} is wrong there."
            raise Misconfigured(message, place="config.credentials.username") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Unavailable(f"{login.shown} ended the connection during login.") from error
        self._transport.set_keepalive(KEEPALIVE_SECONDS)
        self.seen.append(f"logged in as {login.username}")

    def _open(self) -> paramiko.SFTPClient:
        try:
            client = paramiko.SFTPClient.from_transport(self._transport, window_size=WINDOW)
            assert client is not None
            channel = client.get_channel()
            assert channel is not None
            channel.settimeout(self.login.timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            message = f"{self.login.shown} let {self.login.username} in, but offers no SFTP."
            raise Misconfigured(message, place="config.credentials") from error
        return client


_RSA = frozenset({"rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"})
_idle: dict[Login, list[Session]] = {}
_lock = threading.Lock()


def take(login: Login) -> Session:
    """A session nobody else uses: one that is idle, or a new one. Raises Unavailable, Misconfigured."""
    while True:
        with _lock:
            kept = _idle.get(login)
            session = kept.pop() if kept else None
        if session is None:
            return Session(login)
        if session.alive():
            return session
        session.close()


def give(session: Session) -> None:
    """Keep a session that works for the next store of the same login."""
    now = session.used = time.monotonic()
    with _lock:
        _idle.setdefault(session.login, []).append(session)
        old = [one for kept in _idle.values() for one in kept if now - one.used > IDLE_SECONDS]
        for login in list(_idle):
            _idle[login] = [one for one in _idle[login] if one not in old]
            if not _idle[login]:
                del _idle[login]
    for one in old:
        one.close()


def close_idle() -> None:
    """Close every idle session of this process."""
    with _lock:
        sessions = [one for kept in _idle.values() for one in kept]
        _idle.clear()
    for one in sessions:
        one.close()


def _forget() -> None:
    """In a forked child: the sockets and their threads belong to the parent."""
    global _lock  # noqa: PLW0603  # it may be held by a thread that does not exist here
    _lock = threading.Lock()
    _idle.clear()


os.register_at_fork(after_in_child=_forget)


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _pinned(host_key: str) -> Sequence[tuple[str, str]]:
    """(kind, key in base64 or fingerprint) of each line; the kind is empty with a fingerprint."""
    found: list[tuple[str, str]] = []
    for line in host_key.splitlines():
        words = line.split()
        for index, word in enumerate(words):
            if word.startswith("SHA256:"):
                found.append(("", word.rstrip("=")))
            elif word.startswith("AAAA"):
                found.append((words[index - 1] if index else "", word))
    return found


def _unagreed(login: Login, error: Exception) -> StageError:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return Misconfigured(f"{login.shown} and Waybill share no way to encrypt: {error}.")
    if isinstance(error, paramiko.SSHException) and "banner" in str(error).lower():
        return Misconfigured(f"{login.shown} does not speak SSH at this port.", place="config.credentials.port")
    return Unavailable(f"{login.shown} ended the connection while encryption was agreed: {error}.")


@lru_cache(maxsize=64)
def private_key(text: str, passphrase: str) -> paramiko.PKey:
    """The key of a PEM or OpenSSH text; kept, since opening a sealed one takes a second. Raises Misconfigured."""
    text = text.replace("\\n", "\n").strip() + "\n"
    place = "secrets.ssh_key"
    for kind in _kinds(text):
        try:
            try:
                return kind.from_private_key(io.StringIO(text), password=passphrase or None)
            except paramiko.PasswordRequiredException:
                raise
            except paramiko.SSHException:
                return kind.from_private_key(io.StringIO(_repacked(text, passphrase)))
        except paramiko.PasswordRequiredException as error:
            message = 'The secret "ssh_key" is sealed by a passphrase: add the secret "ssh_key_passphrase".'
            raise Misconfigured(message, place="secrets.ssh_key_passphrase") from error
        except (paramiko.SSHException, ValueError, IndexError) as error:
            last: Exception = error
    if passphrase and "PRIVATE KEY" in text:
        raise Misconfigured(
            'The secret "ssh_key" cannot be opened: is "ssh_key_passphrase" right?', place=place
        ) from last
    message = 'The secret "ssh_key" is no private key; it begins with -----BEGIN OPENSSH PRIVATE KEY-----.'
    raise Misconfigured(message, place=place) from last


def _repacked(text: str, passphrase: str) -> str:
    """The same key in the older form. paramiko reads nothing of an OpenSSH key without a comment whose length happens
    to need no padding: every second ECDSA key that asyncssh writes. Raises ValueError for what is no key."""
    key = serialization.load_ssh_private_key(text.encode(), passphrase.encode() or None)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _kinds(text: str) -> Sequence[type[paramiko.PKey]]:
    """The kinds of key that it can be: an OpenSSH key names its kind in the clear, even where it is sealed."""
    kinds = {b"ssh-ed25519": paramiko.Ed25519Key, b"ecdsa-sha2": paramiko.ECDSAKey, b"ssh-rsa": paramiko.RSAKey}
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        plain = base64.b64decode(body)
    except ValueError:
        return tuple(kinds.values())
    return [kind for name, kind in kinds.items() if name in plain[:1000]] or tuple(kinds.values())
