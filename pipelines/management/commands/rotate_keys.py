"""manage.py rotate_keys: seal the data keys by the first of WAYBILL_KEYS; --data-keys renews those as well."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization
from accounts.policy import Principal
from pipelines import rotation
from pipelines.errors import Misconfigured


class Command(BaseCommand):
    help = "Seal the data keys by the first key of WAYBILL_KEYS. May be stopped and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data-keys", action="store_true", help="also make new data keys and seal every secret anew"
        )
        parser.add_argument("--organization", metavar="NAME", help="with --data-keys: only this organization")

    def handle(self, *_args: Any, **options: Any) -> None:
        organizations = Organization.objects.order_by("id")
        if name := options["organization"]:
            organizations = organizations.filter(name=name)
            if not organizations:
                raise CommandError(f'There is no organization named "{name}".')
        try:
            self.stdout.write(f"{rotation.rewrap()} data keys sealed by the first key of WAYBILL_KEYS")
            if options["data_keys"]:
                for organization in organizations:
                    by = Principal.system("rotate_keys", organization.pk)
                    changed = rotation.rotate(organization.pk, by=by)
                    self.stdout.write(f"{organization}: new data key, {changed} values sealed anew")
        except Misconfigured as error:
            raise CommandError(str(error)) from error
