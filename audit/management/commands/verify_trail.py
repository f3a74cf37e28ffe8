"""manage.py verify_trail: check every hash chain of events; exit 1, naming the events, where one is broken."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from audit import proof, sealing
from audit.models import Event


def noted(text: str) -> tuple[int, int, str]:
    """ORGANIZATION:NUMBER:DIGEST, as an earlier run printed it."""
    organization, _, rest = text.partition(":")
    number, _, digest = rest.partition(":")
    if not (organization.isdigit() and number.isdigit() and len(digest) == 64):
        raise ArgumentTypeError("write ORGANIZATION:NUMBER:DIGEST, as an earlier run printed it")
    return int(organization), int(number), digest


class Command(BaseCommand):
    help = "Check the audit trail's hash chains. Exit 1 where an event was changed, removed or put in afterwards."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", type=int, metavar="ID", help="only this one")
        parser.add_argument("--seal", action="store_true", help="first seal what is not sealed yet, from the start")
        parser.add_argument(
            "--expect",
            type=noted,
            action="append",
            default=[],
            metavar="ORGANIZATION:NUMBER:DIGEST",
            help="a head printed by an earlier run and kept elsewhere; shows that nothing was cut off since",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["seal"]:
            self.stdout.write(f"{sealing.seal_all()} events sealed now")
        expected = {organization: (number, digest) for organization, number, digest in options["expect"]}
        organizations = set(Event.objects.values_list("organization_id", flat=True).distinct()) | set(expected)
        if options["organization"] is not None:
            organizations = {options["organization"]}
        whole = True
        for organization in sorted(organizations):
            faults = proof.verify(organization, expect=expected.get(organization))
            number, digest = sealing.head(organization)
            waiting = Event.objects.filter(organization_id=organization, seal=None).count()
            verdict = "broken" if faults else "whole"
            self.stdout.write(f"organization {organization}: {number} events sealed, {waiting} waiting, {verdict}")
            self.stdout.write(f"  head {organization}:{number}:{digest}")
            for fault in faults:
                self.stdout.write(f"  {fault}")
            whole = whole and not faults
        if not whole:
            sys.exit(1)
