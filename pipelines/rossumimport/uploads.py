"""Files that somebody uploaded, laid out in a folder of their own to be read like any other: JSON and code as they are,
archives unpacked. Pure. Names lead nowhere but into that folder, and an archive has its limits."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

from pipelines.rossumimport import reading
from pipelines.rossumimport.reading import MOST_BYTES, Found

MOST_UNPACKED = 200 * 1024 * 1024
"""Bytes of an archive's files together."""
KINDS = frozenset({".json", ".py"})


def read(files: Iterable[tuple[str, BinaryIO]]) -> Found:
    """What the files hold, by name and stream."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        unread: list[tuple[str, str]] = []
        for number, (name, stream) in enumerate(files):
            home = root / str(number)
            if name.lower().endswith(".zip"):
                _unpack(name, stream, home, unread)
            else:
                _keep(home, name, stream.read(MOST_BYTES + 1))
        found = reading.read(root)
        found.unread += unread
        return found


def _unpack(name: str, stream: BinaryIO, home: Path, unread: list[tuple[str, str]]) -> None:
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist()[: reading.MOST_FILES]:
                if entry.is_dir() or PurePosixPath(entry.filename).suffix.lower() not in KINDS:
                    continue
                with archive.open(entry) as inner:
                    content = inner.read(min(MOST_BYTES, left) + 1)
                left -= len(content)
                if left <= 0:
                    unread.append((name, f"It unpacks to more than {MOST_UNPACKED:,} bytes; the rest was left out."))
                    return
                _keep(home, entry.filename, content)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError):
        unread.append((name, "It is no archive that can be read."))


def _keep(home: Path, name: str, content: bytes) -> None:
    """Below `home`, whatever the name says."""
    parts = [_plain(part) for part in PurePosixPath(name.replace("\\", "/")).parts]
    path = home.joinpath(*[part for part in parts if part][-8:] or ["file"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _plain(part: str) -> str:
    kept = "".join(character for character in part if character.isprintable() and character not in '/:*?"<>|')
    return "" if set(kept) <= {"."} else kept[:120] if len(kept) <= 120 else kept[:60] + kept[-60:]
