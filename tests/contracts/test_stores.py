"""What every store promises when things go wrong: nobody ever sees half a file, whatever its name and whoever fails.

What they promise when things go well is in tests/pipelines/test_stores.py, against the same servers.
"""

from __future__ import annotations

import hashlib
import io
import typing
from collections.abc import Callable

import pytest

from pipelines.blobs import CHUNK, Blob
from pipelines.errors import Misconfigured, StageError
from pipelines.transports import stores
from tests.pipelines.test_stores import CSV, OTHER, place, store  # noqa: F401  # fixtures

LARGE = bytes(range(256)) * (8 * CHUNK // 256)


class Watched(io.RawIOBase):
    """A stream that calls `look` before every read after the first, as long as there is more to come."""

    def __init__(self, content: bytes, look: Callable[[], None]) -> None:
        self._content = io.BytesIO(content)
        self._look = look
        self._reads = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def readinto(self, buffer) -> int:
        self._reads += 1
        if self._reads > 1 and self._content.tell() < len(self._content.getbuffer()):
            self._look()
        return self._content.readinto(buffer)


def watched(content: bytes, look: Callable[[], None]) -> Blob:
    """Its digest is known, so that it is read for the upload only."""
    digest = hashlib.sha256(content).hexdigest()

    def opener() -> io.BufferedReader:
        return io.BufferedReader(Watched(content, look), CHUNK)

    return Blob("large.bin", "application/octet-stream", len(content), opener, digest)


def test_the_suite_knows_every_kind_of_store():
    union, _ = typing.get_args(stores.Credentials)
    kinds = {typing.get_args(one.model_fields["type"].annotation)[0] for one in typing.get_args(union)}

    assert kinds == {"sftp", "s3", "folder"}, "a new store: give it a real server in tests/pipelines/test_stores.py"


def test_nobody_sees_half_a_file(place, store):
    seen = []

    store.put("in/large.bin", watched(LARGE, lambda: seen.append("in/large.bin" in place.held())), replace=False)

    assert seen
    assert set(seen) == {False}
    assert place.held() == {"in/large.bin": LARGE}


def test_while_a_file_is_replaced_the_old_one_stays_whole(place, store):
    store.put("in/a.csv", OTHER, replace=False)
    seen = []

    store.put("in/a.csv", watched(LARGE, lambda: seen.append(place.held()["in/a.csv"])), replace=True)

    assert set(seen) == {OTHER.read()}
    assert place.held() == {"in/a.csv": LARGE}


def test_a_source_that_fails_half_way_leaves_nothing(place, store):
    def fail() -> None:
        raise OSError("the disk is gone")

    with pytest.raises((StageError, OSError)):
        store.put("in/large.bin", watched(LARGE, fail), replace=False)

    assert place.held() == {}


def test_a_source_that_fails_half_way_leaves_what_was_there(place, store):
    store.put("in/a.csv", CSV, replace=False)

    def fail() -> None:
        raise OSError("the disk is gone")

    with pytest.raises((StageError, OSError)):
        store.put("in/a.csv", watched(LARGE, fail), replace=True)

    assert place.held() == {"in/a.csv": CSV.read()}


def test_after_a_failure_the_store_still_works(place, store):
    def fail() -> None:
        raise OSError("the disk is gone")

    with pytest.raises((StageError, OSError)):
        store.put("in/large.bin", watched(LARGE, fail), replace=False)
    store.put("in/a.csv", CSV, replace=False)

    assert place.held() == {"in/a.csv": CSV.read()}


@pytest.mark.parametrize(
    "name",
    [
        "Rechnung Nr. 7 (Kopie).csv", "100% #1 a+b&c=d;e'f.csv", "e\u0301 decomposed.csv", "発注書.csv", "🧾.csv", ".hidden.csv",
        "no-extension", "x" * 200 + ".csv", "[a]{b}~!@$^,.csv",
    ],
)  # fmt: skip
def test_a_file_keeps_its_name(place, store, name):
    store.put(f"in/{name}", CSV, replace=False)

    assert place.held() == {f"in/{name}": CSV.read()}
    assert store.find(f"in/{name}", CSV) is not None


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize("path", ["", "/", "..", "../a.csv", "in/../../a.csv"])
def test_no_path_leads_out_of_a_folder_of_ours(place, store, path):
    with pytest.raises(Misconfigured, match="names no file"):
        store.put(path, CSV, replace=False)

    assert place.held() == {}


def test_the_address_names_the_place_and_no_secret(place, store):
    address = store.address("in/a.csv")

    assert address.endswith("in/a.csv")
    assert not [secret for secret in place.secrets.values() if secret in address]


def test_closing_twice_is_harmless(store):
    store.close()
    store.close()
