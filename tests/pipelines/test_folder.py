"""Folders beyond what every store promises: nothing leads outside the allowed roots."""

from __future__ import annotations

import shutil

import pytest

from pipelines.blobs import Blob
from pipelines.destinations import folder_roots
from pipelines.errors import Misconfigured
from pipelines.transports.guard import Egress
from pipelines.transports.stores import open_store
from tests import builders

CSV = Blob.of(b"a;b\r\n")


def opened(path, *roots):
    return open_store({"type": "folder", "path": str(path)}, {}, egress=Egress(), folder_roots=roots)


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "allowed"
    made.mkdir()
    return made


@pytest.mark.parametrize("outside", ["../other", "..", "out/../../other", "/etc"])
def test_a_folder_outside_every_root_is_misconfigured(root, outside):
    with pytest.raises(Misconfigured, match="not a folder that Waybill may write to") as told:
        opened(root / outside, root)

    assert str(root) in told.value.message


def test_a_relative_folder_is_misconfigured(root):
    with pytest.raises(Misconfigured):
        opened("out", root)


def test_a_neighbour_whose_name_begins_alike_is_outside(root):
    with pytest.raises(Misconfigured):
        opened(f"{root}-evil", root)


def test_without_roots_no_folder_is_allowed(root):
    with pytest.raises(Misconfigured, match="no folder is allowed yet"):
        opened(root)


@pytest.mark.parametrize("path", ["../x.csv", "a/../../x.csv", "", "/", "a/.."])
def test_a_path_never_leads_out(root, path):
    with pytest.raises(Misconfigured):
        opened(root / "out", root).put(path, CSV, replace=True)

    assert [path for path in root.parent.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("base", ["out", "link", "link/deeper"])
def test_a_symbolic_link_on_the_way_is_not_followed(root, tmp_path, base):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    (root / "out").mkdir()
    (root / "out" / "in").symlink_to(elsewhere)

    with pytest.raises(Misconfigured, match="symbolic link"):
        opened(root / base, root).put("in/x.csv", CSV, replace=True)

    assert list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_the_file_is_not_written_through(root, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (root / "x.csv").symlink_to(victim)

    with pytest.raises(Misconfigured, match="symbolic link"):
        opened(root, root).put("x.csv", CSV, replace=False)

    assert victim.read_bytes() == b"precious"


def test_the_receipt_is_an_address(root):
    proof = opened(root, root).put("in/Rechnung ü.csv", CSV, replace=False)

    assert proof.place == (root / "in" / "Rechnung ü.csv").as_uri()


def test_the_outbox_works_out_of_the_box(settings, organization):
    roots = folder_roots(organization.pk)
    folder = roots[0] / "made" / "by" / "the-test"
    store = opened(folder, *roots)

    try:
        assert store.find("a.csv", CSV) is None
        proof = store.put("in/a.csv", CSV, replace=False)

        assert roots == [settings.OUTBOX / "acme"]
        assert proof.place == (folder / "in" / "a.csv").as_uri()
        assert (folder / "in" / "a.csv").read_bytes() == b"a;b\r\n"
    finally:
        shutil.rmtree(settings.OUTBOX / "acme" / "made")


def test_each_organization_has_a_folder_of_its_own(settings, tmp_path, organization):
    settings.FOLDER_ROOTS = [tmp_path / "{organization}", tmp_path / "shared"]
    other = builders.organization("Other")

    ours, theirs = folder_roots(organization.pk), folder_roots(other.pk)

    assert ours == [tmp_path / "acme", tmp_path / "shared"]
    assert theirs == [tmp_path / "other", tmp_path / "shared"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["acme", "other"]
    with pytest.raises(Misconfigured, match="not a folder that Waybill may write to"):
        opened(tmp_path / "acme", *theirs)


def test_a_root_that_is_away_is_named_and_not_made(tmp_path):
    store = opened(tmp_path / "mount" / "in", tmp_path / "mount")

    with pytest.raises(Misconfigured, match="is not there, so nothing can be put below it. Make that folder") as told:
        store.put("a.csv", CSV, replace=False)

    assert told.value.place == "config.credentials.path"
    assert f"{tmp_path / 'mount'} is not there" in told.value.message
    assert not (tmp_path / "mount").exists()
