"""Files to a folder of this machine, within the roots that its administrator allows; no symbolic link is followed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.blobs import CHUNK, Blob
from pipelines.contract import Proof
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable

if TYPE_CHECKING:
    from pipelines.transports.stores import FolderCredentials

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderStore:
    """contract.Store in a folder. Every write is on the disk (fsync) before it is renamed into place."""

    def __init__(self, credentials: FolderCredentials, roots: Sequence[Path]) -> None:
        self._base = Path(os.path.normpath(credentials.path))
        self._root, self._inside = _below(self._base, roots)

    def address(self, path: str) -> str:
        return (self._base / path.lstrip("/")).as_uri()

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:
        folder, name = _parts(path)
        with self._asking(path), self._folder(folder, make=True) as place:
            held = _held(place, name)
            if held is not None:
                if self._same(place, name, blob):
                    return self._proof(path, blob, "already there: size and sha256 compared by reading back")
                if not replace:
                    raise self._taken(path)
            temporary = f".{name.encode()[:200].decode(errors='ignore')}.{uuid.uuid4().hex[:12]}.part"
            try:
                _write(place, temporary, blob)
                if replace:
                    os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)
                else:
                    self._link(place, temporary, name, path)
                os.fsync(place)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=place)
        return self._proof(path, blob, "written through to the disk, then renamed")

    def find(self, path: str, blob: Blob) -> Proof | None:
        folder, name = _parts(path)
        try:
            with self._asking(path), self._folder(folder, make=False) as place:
                if _held(place, name) is None or not self._same(place, name, blob):
                    return None
        except _NotThereError:
            return None
        return self._proof(path, blob, "size and sha256 compared by reading back")

    def check(self) -> str:
        """Write, rename, read and remove a small file."""
        blob = Blob.of(b"Waybill tests this folder.\n")
        name = f".waybill-{uuid.uuid4().hex[:12]}.txt"
        self.put(name, blob, replace=False)
        readable = self.find(name, blob) is not None
        with self._asking(name), self._folder((), make=False) as place:
            os.unlink(name, dir_fd=place)
        return f"wrote, renamed, {'read' if readable else 'could not read'} and removed a file in {self._base}."

    def close(self) -> None:
        """Nothing is kept open."""

    def _link(self, place: int, temporary: str, name: str, path: str) -> None:
        """Into place without ever replacing what somebody else put there meanwhile."""
        try:
            os.link(temporary, name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
        except FileExistsError:
            raise self._taken(path) from None
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
                raise
            if _held(place, name) is not None:  # a file system without hard links: the window stays small
                raise self._taken(path) from error
            os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)

    @contextlib.contextmanager
    def _folder(self, names: Sequence[str], *, make: bool) -> Iterator[int]:
        """A descriptor of the folder, reached step by step from the root so that no link leads elsewhere."""
        place = self._open_root()
        try:
            for step in (*self._inside, *names):
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(step, 0o750, dir_fd=place)
                try:
                    inner = os.open(step, _STEP, dir_fd=place)
                except FileNotFoundError:
                    raise _NotThereError from None
                os.close(place)
                place = inner
            yield place
        finally:
            os.close(place)

    def _open_root(self) -> int:
        """Folders below the root are made where they are missing. The root is not: it may be a mount that is away."""
        try:
            return os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            message = (
                f"{self._root} is not there, so nothing can be put below it. Make that folder, or mount what belongs "
                "there, for every worker; it is allowed by the setting WAYBILL_FOLDER_ROOTS."
            )
            raise Misconfigured(message, place="config.credentials.path") from None

    @contextlib.contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            yield
        except (StageError, _NotThereError):
            raise
        except OSError as error:
            where = str(self._base / path.lstrip("/"))
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                message = f"{where} leads over a symbolic link or a file; neither is followed."
                raise Misconfigured(message, place="path_to_directory") from error
            if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT}:
                message = (
                    f"{where} cannot be written: {(error.strerror or '').lower()}. Let the user that runs Waybill "
                    "write there."
                )
                raise Misconfigured(message, place="config.credentials.path") from error
            raise Unavailable(f"{where} could not be written: {(error.strerror or str(error)).lower()}.") from error

    def _same(self, place: int, name: str, blob: Blob) -> bool:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
        with os.fdopen(descriptor, "rb") as there:
            if os.fstat(descriptor).st_size != blob.size:
                return False
            digest = hashlib.sha256()
            while chunk := there.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == blob.sha256

    def _taken(self, path: str) -> Rejected:
        return Rejected(
            f"{self._base / path.lstrip('/')} exists already with other content. Name the file so that it is unique, "
            "or set filename_collision.replace to true."
        )

    def _proof(self, path: str, blob: Blob, how: str) -> Proof:
        return Proof(self.address(path), blob.size, blob.sha256, how)


class _NotThereError(Exception):
    """A folder on the way does not exist."""


def _below(base: Path, roots: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """The allowed root and the steps from it. Raises Misconfigured for a folder outside every root."""
    for root in roots:
        plain = Path(os.path.normpath(root))
        if base.is_absolute() and base.is_relative_to(plain):
            return plain, base.relative_to(plain).parts
    allowed = ", ".join(str(root) for root in roots)
    hint = f"it must lie in {allowed}" if allowed else "no folder is allowed yet"
    raise Misconfigured(
        f"{base} is not a folder that Waybill may write to: {hint}. The administrator allows folders by the setting "
        "WAYBILL_FOLDER_ROOTS.",
        place="config.credentials.path",
    )


def _parts(path: str) -> tuple[tuple[str, ...], str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise Misconfigured(f"{path!r} names no file within the folder.", place="filename_template")
    return tuple(parts[:-1]), parts[-1]


def _held(place: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _write(place: int, name: str, blob: Blob) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o640, dir_fd=place)
    with os.fdopen(descriptor, "wb") as target, blob.open() as source:
        size = 0
        while chunk := source.read(CHUNK):
            size += target.write(chunk)
        target.flush()
        os.fsync(descriptor)
    if size != blob.size:
        raise Unavailable(f"Only {size} of {blob.size} bytes of {blob.name} could be read.")
