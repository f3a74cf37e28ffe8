"""The file agent, set up in one step: a source whose tasks become files in a folder, at SFTP or in a bucket, each in
its own folder and under its own name (docs/sources/aluma.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from django.db import transaction

from accounts.policy import Principal
from exports.sources import acts
from pipelines import configuration, drafts, publishing, vault
from pipelines.definition import StageDraft
from pipelines.models import Destination, Queue, Source

STAGE = "Put every file"
ACCOUNT = "aluma_client_secret"


def set_up(
    name: str,
    *,
    by: Principal,
    config: Mapping[str, Any],
    store: Mapping[str, Any],
    secrets: Mapping[str, str],
    directory: str = "",
    newline: Literal["lf", "crlf"] = "lf",
    replace: bool = False,
    networks: tuple[str, ...] = (),
) -> Source:
    """A source of the kind aluma with `config`; its queue; the published pipeline that puts every file below
    `directory` of `store` (credentials as a destination has them); and a destination each for account and store.
    `secrets` hold the account's `aluma_client_secret`, and what the store's login takes. `networks` are private ones
    that both may reach. All or nothing, and nothing is asked of the outside.

    Raises Refused, beginning with the column whose value cannot be, and PermissionDenied."""
    with transaction.atomic():
        account = _destination(f"{name}: account", by=by, networks=networks)
        there = _destination(f"{name}: files", by=by, networks=networks, credentials=dict(store))
        for secret, value in secrets.items():
            vault.put(secret, value, by=by, destination=account if secret == ACCOUNT else there)
        rule = {
            "path_to_directory": directory,
            "filename_collision": {"replace": replace},
            "export_object_configurations": [{"type": "received_files", "newline": newline}],
        }
        pipeline = drafts.create(name, by=by, description="Every file of every task, where it is meant to be.")
        put = StageDraft(STAGE, "file_storage", json.dumps({"export_rules": [rule]}, indent=2), destination_id=there.pk)
        drafts.save(pipeline, put, by=by)
        publishing.publish(pipeline, by=by, note="Set up as a file agent.")
        queue = configuration.save(Queue.own(name=name, pipeline=pipeline), by=by)
        source = Source.own(name=name, kind="aluma", queue=queue, destination=account, config=dict(config))
        source.every_seconds, source.slowest_seconds = 5, 60
        return acts.save(source, by=by)


def _destination(name: str, *, by: Principal, networks: tuple[str, ...], **values: Any) -> Destination:
    return configuration.save(Destination.own(name=name, allowed_networks=list(networks), **values), by=by)
