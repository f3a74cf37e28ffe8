"""The files of a watched folder: listed, read and moved by descriptors, so that no link and no `..` leads elsewhere."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import Rejected, Unavailable
from pipelines.transports.folder import FolderStore
from pipelines.transports.stores import FolderCredentials

COPIES = 1000
"""Files of one name that a folder of done ones may hold."""


@dataclass(frozen=True, slots=True)
class File:
    """One plain file as it stood when it was looked at."""

    name: str
    size: int
    modified_ns: int

    @property
    def version(self) -> str:
        return f"{self.size}:{self.modified_ns}"


class Place(FolderStore):
    """One folder, within the roots that this machine's administrator allows."""

    def __init__(self, path: str, roots: Sequence[Path]) -> None:
        super().__init__(FolderCredentials(type="folder", path=path), roots)

    def files(self) -> list[File]:
        """Plain files; links, folders, pipes and devices are passed over."""
        found = []
        with self._asking("."), self._folder((), make=True) as place, os.scandir(place) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):  # taken away meanwhile
                        told = entry.stat(follow_symlinks=False)
                        found.append(File(entry.name, told.st_size, told.st_mtime_ns))
        return sorted(found, key=lambda file: (file.modified_ns, file.name))

    def look(self, name: str) -> File | None:
        """One plain file; None where it is not there, or is none."""
        with self._asking(name), self._folder((), make=True) as place:
            try:
                told = os.stat(name, dir_fd=place, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return File(name, told.st_size, told.st_mtime_ns) if stat.S_ISREG(told.st_mode) else None

    def read(self, name: str, *, most: int) -> tuple[File, bytes]:
        """Raises Rejected for one that is too large or no plain file, Unavailable while it is being written."""
        with self._asking(name), self._folder((), make=True) as place:
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise Rejected("This is a symbolic link, and none is followed.", place=name) from error
                raise
            with os.fdopen(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise Rejected("This is no plain file.", place=name)
                if before.st_size > most:
                    raise Rejected(f"The file has {before.st_size:,} bytes; {most:,} are the most.", place=name)
                data = file.read(most + 1)
                after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
            raise Unavailable(f"{name} is being written.")
        return File(name, after.st_size, after.st_mtime_ns), data

    def move(self, name: str, folder: str) -> str:
        """Into a folder below this one, under a name that nobody has there. Returns it; "" where it was gone."""
        with self._asking(name), self._folder((), make=True) as here, self._folder((folder,), make=True) as there:
            stem, dot, extension = name.rpartition(".")
            for copy in range(COPIES):
                number = f"-{copy}" if copy else ""
                new = f"{stem}{number}.{extension}" if stem and dot else f"{name}{number}"
                try:
                    os.link(name, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
                except FileExistsError:
                    if _same(here, name, there, new):  # linked before a crash
                        os.unlink(name, dir_fd=here)
                        return new
                    continue
                except FileNotFoundError:
                    return ""
                except OSError as error:
                    if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
                        raise
                    with contextlib.suppress(FileNotFoundError):  # a file system without hard links
                        os.stat(new, dir_fd=there, follow_symlinks=False)
                        continue
                    os.rename(name, new, src_dir_fd=here, dst_dir_fd=there)
                    return new
                os.unlink(name, dir_fd=here)
                return new
        raise Unavailable(f"{folder} holds {COPIES} files of the name {name}. Clear it out.")

    def write(self, name: str, folder: str, text: str) -> None:
        """A small text beside what was moved, replacing an earlier one."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._asking(name), self._folder((folder,), make=True) as there:
            descriptor = os.open(name, flags, 0o640, dir_fd=there)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)


def _same(here: int, name: str, there: int, new: str) -> bool:
    try:
        first = os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return False
    second = os.stat(new, dir_fd=there, follow_symlinks=False)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
