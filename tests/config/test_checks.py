"""System checks: each fault by its number, and silence where all is well."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from django.core import checks as framework
from django.db import connection

from audit import barriers
from config import checks

PUBLIC = {
    "PUBLIC_URL": "https://waybill.example.com",
    "HTTPS": True,
    "ALLOWED_HOSTS": ["waybill.example.com"],
    "SECRET_KEY": "x" * 50,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "KEYS": ["k1:" + base64.b64encode(b"a" * 32).decode()],
}
PAGE = Path(__file__).resolve().parents[2] / "docs/operate/checks.md"


def found(settings, *, deploy=False, databases=None, **values):
    for name, value in values.items():
        setattr(settings, name, value)
    messages = framework.run_checks(include_deployment_checks=deploy, databases=databases)
    return [message.id.removeprefix("waybill.") for message in messages if message.id.startswith("waybill.")]


def test_out_of_the_box_nothing_is_amiss(settings):
    assert found(settings) == []


def test_a_public_installation_that_is_well_set_is_silent(settings, tmp_path):
    (tmp_path / "outbox").mkdir()
    assert found(settings, deploy=True, **PUBLIC, FOLDER_ROOTS=[tmp_path / "outbox"]) == []


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({"KEYS": ["nonsense"]}, ["E001"]),
        ({"KEYS": []}, ["E001"]),
        ({**PUBLIC, "SECRET_KEY": "short"}, ["E002"]),
        ({**PUBLIC, "SECRET_KEY": "django-insecure-" + "x" * 50}, ["E002"]),
        ({"SECRET_KEY": "short"}, []),
        ({**PUBLIC, "DEBUG": True}, ["E003"]),
        ({"DEBUG": True}, []),
        ({"DEBUG": True, "PUBLIC_URL": "http://127.0.0.1:8000"}, []),
        ({"ALLOWED_HOSTS": []}, ["E007"]),
        ({**PUBLIC, "ALLOWED_HOSTS": ["other.example.com"]}, ["W001"]),
        ({**PUBLIC, "ALLOWED_HOSTS": [".example.com"]}, []),
        ({"FOLDER_ROOTS": [Path("outbox")]}, ["E009"]),
        ({"FOLDER_ROOTS": [Path("/")]}, ["E010"]),
        ({"FOLDER_ROOTS": [Path(__file__).resolve().parents[2]]}, ["E010"]),
        ({"FOLDER_ROOTS": [Path("/there/is/no/such/folder")]}, ["W011"]),
    ],
)
def test_what_is_wrong_has_a_number(settings, values, ids):
    assert found(settings, **values) == ids


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        ({"redis": "redis://x", "orm": "default"}, ["E004"]),
        ({"retry": 360, "timeout": 360}, ["E005"]),
        ({"timeout": 300}, ["E006"]),
    ],
)
def test_a_task_queue_that_would_lose_or_double_work(settings, change, ids):
    assert found(settings, Q_CLUSTER={**settings.Q_CLUSTER, **change}) == ids


def test_a_storage_that_cannot_be_written(settings, tmp_path):
    (tmp_path / "file").write_text("")
    location = {"location": str(tmp_path / "file" / "contents")}

    assert found(settings, STORAGES={**settings.STORAGES, "default": storage(location)}) == ["E008"]
    assert (
        found(settings, STORAGES={**settings.STORAGES, "default": storage({"location": str(tmp_path / "new")})}) == []
    )


def storage(options):
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({"PUBLIC_URL": "http://localhost:8000"}, ["W002"]),
        ({"PUBLIC_URL": "http://waybill.example.com", "HTTPS": False}, ["W003"]),
        ({"SECURE_PROXY_SSL_HEADER": None}, ["W004"]),
        ({"REDIS_URL": "redis://cache"}, ["W005"]),
    ],
)
def test_what_is_worth_a_thought_in_production(settings, values, ids):
    hosts = {"ALLOWED_HOSTS": ["localhost", "waybill.example.com"]}

    assert found(settings, deploy=True, **{**PUBLIC, **hosts, **values}) == ids
    assert found(settings) == []


def test_what_one_machine_made_for_itself_is_told_before_a_second_joins(settings, tmp_path, monkeypatch):
    (tmp_path / "secret_key").write_text("s" * 50 + "\n")
    (tmp_path / "sealing_key").write_text(PUBLIC["KEYS"][0])
    own = {**PUBLIC, "SECRET_KEY": "s" * 50, "DATA_DIR": tmp_path, "FOLDER_ROOTS": []}

    assert found(settings, deploy=True, **own) == ["W009"]
    monkeypatch.setattr(checks, "_sqlite", lambda: False)
    assert sorted(found(settings, deploy=True)) == ["W006", "W007", "W008"]


def test_a_trail_whose_triggers_are_gone_is_an_error(settings, db):
    assert found(settings, databases=["default"]) == []

    barriers.take_down(connection)
    message = next(iter(checks.migrations(None, databases=["default"])))
    barriers.put_up(connection)

    assert message.id == "waybill.E011"
    assert "audit_event_no_" in message.msg


def test_every_number_is_used_once_and_explained():
    source = Path(checks.__file__).read_text()
    used = re.findall(r'id="waybill\.([EW]\d{3})"', source)

    explained = re.findall(r"^\| `waybill\.([EW]\d{3})`", PAGE.read_text(), re.MULTILINE)

    assert sorted(used) == sorted(set(used))
    assert sorted(used) == explained
