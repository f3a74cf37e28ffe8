"""What a file storage stage needs beside its config is asked for before publication: credentials, and their secrets."""

from __future__ import annotations

import pytest

from pipelines import publishing, vault
from tests import builders

pytestmark = pytest.mark.usefixtures("organization")

FILES = {"export_object_configurations": [{"type": "document", "filename_template": "a"}]}
SFTP = {"type": "sftp", "host": "sftp.example", "username": "waybill"}
S3 = {"type": "s3", "bucket_name": "exports"}
KEEP = "Keep it at the pipeline or at the organization."
KEEP_THERE = 'Keep it at the destination "Files", at the pipeline or at the organization.'


def told(config, *, destination=None, secrets=(), **stage):
    draft = builders.pipeline(
        {"name": "Clean", "kind": "purge"},
        {"name": "Put", "kind": "file_storage", "config": config, "destination": destination, **stage},
    )
    for name in secrets:
        vault.put(name, "hush-hush", by=builders.owner(), pipeline=draft)
    return [(one.severity, one.path, one.message) for one in publishing.check(draft)]


def test_without_credentials_anywhere():
    message = "Nothing says where the files go: choose a destination with credentials, or write them into the config."

    assert told(FILES) == [("error", "destination", message)]


@pytest.mark.parametrize("secret", ["password", "ssh_key"])
def test_a_login_by_sftp_takes_a_password_or_a_key(secret):
    message = f'The login by sftp takes the secret "password" or "ssh_key", which is not there. {KEEP}'

    assert told({"credentials": SFTP, **FILES}) == [("error", "config.credentials", message)]
    assert told({"credentials": SFTP, **FILES}, secrets=[secret]) == []


def test_a_secret_that_is_nearly_there_is_named():
    message = (
        'The login by sftp takes the secret "password" or "ssh_key", which is not there. Did you mean "pasword"? '
        f"{KEEP_THERE}"
    )
    files = builders.destination("Files", credentials=SFTP)

    assert told(FILES, destination=files, secrets=["pasword"]) == [("error", "destination", message)]


def test_a_login_by_s3_takes_both_its_keys():
    files = builders.destination("Files", credentials=S3)
    missing = 'The login by s3 takes the secret "secret_access_key", which is not there. '

    problems = told(FILES, destination=files, secrets=["access_key_id"])

    assert [message for _, _, message in problems if not message.startswith(missing)] == []
    assert len(problems) == 1
    assert told(FILES, destination=files, secrets=["access_key_id", "secret_access_key"]) == []


def test_a_destination_s_own_secret_is_enough():
    files = builders.destination("Files", credentials=SFTP)
    vault.put("password", "hush-hush", by=builders.owner(), destination=files)

    assert told(FILES, destination=files) == []


def test_credentials_of_a_destination_that_are_wrong_are_named():
    files = builders.destination("Files", credentials={"type": "sftp", "hots": "sftp.example", "username": "w"})

    [(severity, path, message)] = told(FILES, destination=files)

    assert (severity, path) == ("error", "destination")
    assert message == (
        "The credentials of the destination cannot be used. credentials.host: This is required and is not here."
    )


def test_a_folder_needs_no_secret():
    assert told({"credentials": {"type": "folder", "path": "/srv/out"}, **FILES}) == []


def test_an_inactive_stage_needs_nothing():
    assert told(FILES, active=False) == []
