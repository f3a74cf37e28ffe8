"""Take a folder of documents into a queue. Running it again changes nothing that is the same."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import scope
from accounts.models import Organization
from accounts.policy import Principal
from exports import imports
from exports.imports import Summary
from pipelines.errors import Rejected
from pipelines.models import Queue
from pipelines.problems import did_you_mean, listed

SAY_EVERY = 5.0


class Command(BaseCommand):
    help = "Import a folder with an index.json, or of pairs such as a.pdf and a.json. What is broken is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--queue", required=True, help="The queue's name.")
        parser.add_argument("--organization", default="", help="Its slug; needed where there are several.")
        parser.add_argument("--confirmed", action="store_true", help="Skip the review.")
        parser.add_argument("--export", action="store_true", help="Ask for the export too; needs --confirmed.")
        parser.add_argument("--prefix", default="", help="Stands before each external id, to tell folders apart.")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["export"] and not options["confirmed"]:
            raise CommandError("--export needs --confirmed: only confirmed documents are exported.")
        organization = organization_of(options["organization"])
        began = time.monotonic()
        with scope.to(organization.pk):
            queue = _queue(options["queue"])
            try:
                found = imports.entries(options["folder"])
            except Rejected as error:
                raise CommandError(str(error)) from error
            summary = imports.run(
                queue,
                found,
                by=Principal("command:import_documents", organization.pk, frozenset(), everything=True),
                confirmed=options["confirmed"],
                export=options["export"],
                prefix=options["prefix"],
                seen=_Progress(self, len(found)),
            )
        for file, reason in summary.refused:
            self.stderr.write(f"{file}: {reason}")
        self.stdout.write(f"{queue.name}: {summary.line()}, in {time.monotonic() - began:.1f} s.")
        if summary.refused:
            raise CommandError(f"{len(summary.refused)} refused, each named above. Correct them and run it again.")


class _Progress:
    def __init__(self, command: BaseCommand, total: int) -> None:
        self._command, self._total = command, total
        self._said = time.monotonic()

    def __call__(self, summary: Summary) -> None:
        if time.monotonic() - self._said >= SAY_EVERY:
            self._said = time.monotonic()
            self._command.stdout.write(f"{summary.seen} of {self._total} …")


def organization_of(slug: str) -> Organization:
    slugs = list(Organization.objects.values_list("slug", flat=True)[:50])
    if not slugs:
        raise CommandError("There is no organization yet. Create one first.")
    if not slug and len(slugs) > 1:
        raise CommandError(f"There are several organizations; say which: --organization {' | '.join(slugs)}")
    organization = Organization.objects.filter(slug=slug or slugs[0]).first()
    if organization is None:
        raise CommandError(f'There is no organization "{slug}".{did_you_mean(slug, slugs)}')
    return organization


def _queue(name: str) -> Queue:
    queue: Queue | None = Queue.objects.select_related("schema", "pipeline__published").filter(name=name).first()
    if queue is None:
        names = list(Queue.objects.values_list("name", flat=True)[:200])
        known = did_you_mean(name, names) or (f" There are {listed(names[:10])}." if names else " There is none yet.")
        raise CommandError(f'There is no queue "{name}".{known}')
    return queue
