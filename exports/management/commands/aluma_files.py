"""Set up the file agent: Aluma's tasks become files in a folder, at SFTP or in a bucket."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import scope
from accounts.policy import Principal
from exports.management.commands.import_documents import organization_of
from exports.sources import filing
from pipelines.errors import StageError
from pipelines.refusals import Refused


class Command(BaseCommand):
    help = (
        "Make a source, its queue, a published pipeline and its destinations, all of one name. Secrets are read from "
        'standard input as a JSON object: {"aluma_client_secret": "…"}, and what the store\'s login takes.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="Aluma files")
        parser.add_argument("--organization", default="", help="Its slug; needed where there are several.")
        parser.add_argument("--client-id", required=True, help="The API client of the Aluma account.")
        parser.add_argument("--url", default="", help="The API's address, where it is not Aluma's own.")
        parser.add_argument("--project", action="append", default=[], help="Only its tasks; may be repeated.")
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--folder", type=Path, help="The files go below this folder.")
        place.add_argument("--store", help="They go to SFTP or S3: a destination's credentials as JSON.")
        parser.add_argument("--directory", default="", help="A folder in there, such as /{document.external_id}.")
        parser.add_argument("--newline", choices=["lf", "crlf"], default="lf", help="How lines of text files end.")
        parser.add_argument("--replace", action="store_true", help="A file that is there already is replaced.")
        parser.add_argument("--network", action="append", default=[], help="A private network that may be reached.")

    def handle(self, *_: Any, **options: Any) -> None:
        organization = organization_of(options["organization"])
        store = _object(options["store"], "--store") if options["store"] else _folder(options["folder"])
        config = {"client_id": options["client_id"], "projects": options["project"]}
        if options["url"]:
            config["url"] = options["url"]
        with scope.to(organization.pk):
            try:
                source = filing.set_up(
                    options["name"],
                    by=Principal("command:aluma_files", organization.pk, frozenset(), everything=True),
                    config=config,
                    store=store,
                    secrets=_object(sys.stdin.read(), "standard input"),
                    directory=options["directory"],
                    newline=options["newline"],
                    replace=options["replace"],
                    networks=tuple(options["network"]),
                )
            except (Refused, StageError) as error:
                raise CommandError(str(error)) from error
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f'"{source.name}" is set up and looks for tasks now. Test it in the desk, under Sources.')


def _folder(path: Path) -> dict[str, str]:
    return {"type": "folder", "path": str(path.absolute())}


def _object(text: str, where: str) -> dict[str, str]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{where} is no JSON object.") from error
    if not isinstance(told, dict):
        raise CommandError(f"{where} is no JSON object.")
    return told
