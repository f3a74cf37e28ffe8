"""Files to an SFTP server: written under a temporary name, the size compared, then renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import posixpath
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import paramiko

from pipelines.blobs import CHUNK, Blob
from pipelines.contract import Proof
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed
from pipelines.transports import sessions
from pipelines.transports.guard import Egress

if TYPE_CHECKING:
    from pipelines.transports.stores import Known, SftpCredentials

LOST = (EOFError, TimeoutError, ConnectionError, paramiko.SSHException)
"""The connection is gone, and with it the answer to whatever was asked last."""


class SftpStore:
    """contract.Store at an SFTP server. Connects on first use; `close` gives the session back for reuse."""

    def __init__(self, credentials: SftpCredentials, secrets: Known, egress: Egress) -> None:
        self._login = sessions.Login(
            host=credentials.host,
            port=credentials.port,
            username=credentials.username,
            password=secrets.maybe("password"),
            ssh_key=secrets.maybe("ssh_key"),
            passphrase=secrets.maybe("ssh_key_passphrase"),
            host_key=credentials.host_key or "",
            egress=egress,
            timeout=credentials.timeout_s,
        )
        self._base = credentials.base
        self._session: sessions.Session | None = None

    def address(self, path: str) -> str:
        return f"sftp://{self._login.host}:{self._login.port}/{self._full(path).lstrip('/')}"

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:
        full = self._full(path)
        with self._asking(path) as sftp:
            held = _stat(sftp, full)
            if held is not None:
                if self._same(sftp, full, held, blob):
                    return self._proof(path, blob, "already there: size and sha256 compared by reading back")
                if not replace:
                    raise _taken(self.address(path))
            _make_folders(sftp, posixpath.dirname(full))
            temporary = _temporary(full)
            try:
                self._write(sftp, temporary, blob)
            except BaseException:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    sftp.remove(temporary)
                raise
            try:
                self._rename(sftp, temporary, full, replace=held is not None)
            except LOST:
                return self._look_again(path, temporary, blob)
            except BaseException:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    sftp.remove(temporary)
                raise
        return self._proof(path, blob, "size compared after upload, then renamed")

    def find(self, path: str, blob: Blob) -> Proof | None:
        full = self._full(path)
        with self._asking(path) as sftp:
            held = _stat(sftp, full)
            if held is None or not self._same(sftp, full, held, blob):
                return None
        return self._proof(path, blob, "size and sha256 compared by reading back")

    def check(self) -> str:
        """Connect, compare the host key, log in, write, rename, read and remove a small file in the base folder."""
        self.close()
        sessions.close_idle()  # so that every step is taken, not remembered
        blob = Blob.of(b"Waybill tests this connection.\n")
        name = f".waybill-{uuid.uuid4().hex[:12]}.txt"
        with self._asking(name) as sftp:
            seen = list(self._session.seen if self._session else [])
            full = self._full(name)
            try:
                self.put(name, blob, replace=False)
                held = _stat(sftp, full)
                readable = held is not None and self._same(sftp, full, held, blob)
                sftp.remove(full)
            except StageError as error:
                raise type(error)(f"{'; '.join(seen)}; but then: {error.message}", place=error.place) from error
        folder = self._base or "the login folder"
        seen.append(f"wrote, renamed, {'read' if readable else 'could not read'} and removed a file in {folder}")
        return "; ".join(seen) + "."

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            sessions.give(session)

    def _full(self, path: str) -> str:
        from pipelines.transports.stores import joined

        return joined(self._base, path)

    @contextlib.contextmanager
    def _asking(self, path: str) -> Iterator[paramiko.SFTPClient]:
        """The client; what goes wrong is told as one of the four errors, and a broken session is not used again."""
        if self._session is None:
            self._session = sessions.take(self._login)
        try:
            yield self._session.sftp
        except StageError:
            raise
        except LOST as error:
            self._drop()
            why = "did not answer in time" if isinstance(error, TimeoutError) else "ended the connection"
            raise Unavailable(f"{self._login.shown} {why} before {path} was in place.") from error
        except OSError as error:
            if error.errno == errno.EACCES:
                message = f"{self._login.username} may not do that at {self.address(path)}: permission denied."
                raise Misconfigured(message, place="path_to_directory") from error
            self._drop()
            said = error.strerror or str(error)
            hint = " Is its disk or quota full?" if said == "Failure" else ""
            raise Unavailable(f"{self.address(path)} could not be written: {said}.{hint}") from error

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _write(self, sftp: paramiko.SFTPClient, temporary: str, blob: Blob) -> None:
        with blob.open() as source, sftp.open(temporary, "wx") as target:
            target.set_pipelined(True)
            while chunk := source.read(CHUNK):
                target.write(chunk)
        arrived = sftp.stat(temporary).st_size
        if arrived != blob.size:
            raise Unavailable(f"{self._login.shown} holds {arrived} of {blob.size} bytes after the upload.")

    def _rename(self, sftp: paramiko.SFTPClient, temporary: str, full: str, *, replace: bool) -> None:
        if not replace:
            try:
                sftp.rename(temporary, full)  # by the protocol this never replaces
            except OSError:
                if _stat(sftp, full) is not None:  # somebody else was quicker
                    raise _taken(self.address(full)) from None
                raise
            return
        try:
            sftp.posix_rename(temporary, full)
        except FileNotFoundError:
            raise
        except OSError:  # a server without the extension: the old file must go first
            sftp.remove(full)
            sftp.rename(temporary, full)

    def _look_again(self, path: str, temporary: str, blob: Blob) -> Proof:
        """After a connection that ended during the rename: in place, not there yet, or nobody knows."""
        self._drop()
        full = self._full(path)
        try:
            self._session = sessions.take(self._login)
            sftp = self._session.sftp
            held = _stat(sftp, full)
            if held is not None and self._same(sftp, full, held, blob):
                return self._proof(path, blob, "size and sha256 compared after the connection was cut")
            waits = _stat(sftp, temporary) is not None
            if waits:
                sftp.remove(temporary)
        except (OSError, *LOST, StageError) as error:
            raise Unconfirmed(
                f"{self._login.shown} ended the connection while {path} was put in place, and cannot be asked."
            ) from error
        if waits:
            raise Unavailable(f"{self._login.shown} ended the connection before {path} was in place.")
        raise Unconfirmed(
            f"{self._login.shown} ended the connection while {path} was put in place. It is not there now; "
            "whoever collects the files may have taken it already."
        )

    def _same(self, sftp: paramiko.SFTPClient, full: str, held: paramiko.SFTPAttributes, blob: Blob) -> bool:
        if held.st_size != blob.size:
            return False
        digest, left = hashlib.sha256(), blob.size
        with sftp.open(full, "rb") as there:
            there.prefetch(blob.size)
            while chunk := there.read(CHUNK):
                digest.update(chunk)
                left -= len(chunk)
                if left < 0:  # more than it said: another file, or one without an end
                    return False
        return digest.hexdigest() == blob.sha256

    def _proof(self, path: str, blob: Blob, how: str) -> Proof:
        return Proof(self.address(path), blob.size, blob.sha256, how)


def _taken(address: str) -> Rejected:
    return Rejected(
        f"{address} exists already with other content. Name the file so that it is unique, or set "
        "filename_collision.replace to true."
    )


def _stat(sftp: paramiko.SFTPClient, full: str) -> paramiko.SFTPAttributes | None:
    try:
        return sftp.stat(full)
    except FileNotFoundError:
        return None


def _make_folders(sftp: paramiko.SFTPClient, folder: str) -> None:
    if folder in {"", "/"} or _stat(sftp, folder) is not None:
        return
    _make_folders(sftp, posixpath.dirname(folder))
    try:
        sftp.mkdir(folder)
    except OSError:
        if _stat(sftp, folder) is None:  # not made by somebody else at the same moment either
            raise


def _temporary(full: str) -> str:
    """A name beside the final one that no receiver takes for a file of its own."""
    folder, name = posixpath.split(full)
    short = name.encode()[:200].decode(errors="ignore")
    return posixpath.join(folder, f".{short}.{uuid.uuid4().hex[:12]}.part")
