"""Take over the export hooks and queues of a Rossum organization from their JSON. Running it again changes nothing
that is the same."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import scope
from accounts.models import Organization
from accounts.policy import Principal
from pipelines.problems import did_you_mean
from pipelines.refusals import Refused
from pipelines.rossumimport import applying, reading


class Command(BaseCommand):
    help = "Import hooks, queues and schemas of a Rossum organization: a JSON file, or a folder of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="A JSON file, or a folder such as the deployment manager writes.")
        parser.add_argument("--organization", default="", help="Its slug; needed where there are several.")
        parser.add_argument("--queue", default="", help="Only this queue, by its name or its id at Rossum.")
        parser.add_argument("--publish", action="store_true", help="Publish the pipelines that have no problems.")
        parser.add_argument(
            "--overwrite", action="store_true", help="Take Rossum's word for stages that were edited here too."
        )
        parser.add_argument("--dry-run", action="store_true", help="Change nothing; tell what would be done.")
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *_: Any, **options: Any) -> None:
        organization = _organization(options["organization"])
        try:
            found = reading.read(options["path"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not (found.hooks or found.queues):
            raise CommandError(f"There is no hook and no queue in {options['path']}.")
        by = Principal("command:rossum_import", organization.pk, frozenset(), everything=True)
        with scope.to(organization.pk):
            try:
                outcome = applying.run(
                    found,
                    by=by,
                    only=options["queue"],
                    publish=options["publish"],
                    overwrite=options["overwrite"],
                    dry_run=options["dry_run"],
                )
            except Refused as refusal:
                raise CommandError(refusal.message) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(outcome.as_text(), ending="")


def _organization(slug: str) -> Organization:
    slugs = list(Organization.objects.values_list("slug", flat=True)[:50])
    if not slugs:
        raise CommandError("There is no organization yet. Create one first.")
    if not slug and len(slugs) > 1:
        raise CommandError(f"There are several organizations; say which: --organization {' | '.join(slugs)}")
    organization = Organization.objects.filter(slug=slug or slugs[0]).first()
    if organization is None:
        raise CommandError(f'There is no organization "{slug}".{did_you_mean(slug, slugs)}')
    return organization
