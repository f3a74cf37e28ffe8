"""A bad value stops the start, naming the variable and what it should be."""

from __future__ import annotations

import base64
import stat
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize(
    ("given", "read"),
    [("1", True), ("TRUE", True), (" on ", True), ("0", False), ("no", False), ("", False), (None, False)],
)
def test_a_flag(monkeypatch, given, read):
    monkeypatch.delenv("WAYBILL_X", raising=False)
    if given is not None:
        monkeypatch.setenv("WAYBILL_X", given)

    assert env.flag("WAYBILL_X") is read


def test_a_flag_that_is_neither(monkeypatch):
    monkeypatch.setenv("WAYBILL_X", "maybe")

    with pytest.raises(ImproperlyConfigured, match="WAYBILL_X must be 1 or 0, not 'maybe'"):
        env.flag("WAYBILL_X")


@pytest.mark.parametrize("given", ["abc", "-1", "1.5", "4"])
def test_a_number_out_of_bounds(monkeypatch, given):
    monkeypatch.setenv("WAYBILL_X", given)

    with pytest.raises(ImproperlyConfigured, match=f"WAYBILL_X must be a whole number from 5 up, not '{given}'"):
        env.number("WAYBILL_X", 7, least=5)


def test_a_number_or_its_default(monkeypatch):
    assert env.number("WAYBILL_X", 7) == 7
    monkeypatch.setenv("WAYBILL_X", " 12 ")
    assert env.number("WAYBILL_X", 7) == 12


def test_words(monkeypatch):
    assert env.words("WAYBILL_X", "a,b") == ["a", "b"]
    monkeypatch.setenv("WAYBILL_X", " a , ,b,")
    assert env.words("WAYBILL_X", "z") == ["a", "b"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://way%40bill:p%2Fss@db.example.com:6432/way?sslmode=require",
            {
                "USER": "way@bill",
                "PASSWORD": "p/ss",
                "HOST": "db.example.com",
                "PORT": "6432",
                "NAME": "way",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        ("postgres://waybill@/way?host=/run/pg", {"HOST": "/run/pg", "PORT": "", "PASSWORD": "", "OPTIONS": {}}),
        ("sqlite:////srv/way bill.sqlite3", {"NAME": "/srv/way bill.sqlite3"}),
        ("sqlite:///relative.sqlite3", {"NAME": "/relative.sqlite3"}),
        ("", {"NAME": "/data/x.sqlite3"}),
    ],
)
def test_a_database(monkeypatch, tmp_path, url, expected):
    monkeypatch.setenv("WAYBILL_X", url)

    read = env.database("WAYBILL_X", fallback=type(tmp_path)("/data/x.sqlite3"))

    assert {name: read[name] for name in expected} == expected


def test_sqlite_waits_for_its_turn_and_survives_a_power_cut(monkeypatch, tmp_path):
    monkeypatch.delenv("WAYBILL_X", raising=False)

    options = env.database("WAYBILL_X", fallback=tmp_path / "x.sqlite3")["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"]


def test_another_database(monkeypatch, tmp_path):
    monkeypatch.setenv("WAYBILL_X", "mysql://a:hunter2@b/c")

    with pytest.raises(ImproperlyConfigured, match="WAYBILL_X must begin with postgresql:// or sqlite:///") as told:
        env.database("WAYBILL_X", fallback=tmp_path)
    assert "hunter2" not in str(told.value)


def test_a_kept_secret_is_made_once_and_read_by_its_owner_only(tmp_path):
    path = tmp_path / "secret_key"

    first = env.kept_secret(path)

    assert len(first) > 50
    assert env.kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    path, together, read = tmp_path / "sealing_key", Barrier(8), []

    def start():
        together.wait()
        read.append(env.kept_key(path))

    threads = [Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(read)) == 1
    key_id, _, encoded = read[0].partition(":")
    assert len(key_id) == 8
    assert len(base64.b64decode(encoded)) == 32


def test_contents_lie_in_a_folder_or_a_bucket(monkeypatch, tmp_path):
    assert env.storage(tmp_path)["OPTIONS"] == {"location": str(tmp_path)}

    monkeypatch.setenv("WAYBILL_S3_BUCKET", "waybill")
    monkeypatch.setenv("WAYBILL_S3_ENDPOINT", "http://127.0.0.1:9000")

    options = env.storage(tmp_path)["OPTIONS"]
    assert (options["bucket_name"], options["endpoint_url"]) == ("waybill", "http://127.0.0.1:9000")
    assert options["access_key"] is None
