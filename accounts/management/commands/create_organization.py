"""manage.py create_organization NAME --owner USER: a new tenant and its first owner, who is made where missing."""

from __future__ import annotations

import os
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import organizations
from accounts.models import User


class Command(BaseCommand):
    help = "Make an organization and its first owner. A new owner's password is made up and printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, metavar="USER", help="user name of an existing or a new person")
        parser.add_argument("--email", default="", help="of a new person")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--password-env", metavar="VARIABLE", help="read a new person's password from there")
        source.add_argument("--password-stdin", action="store_true", help="read it from the first line of the input")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["owner"]).first()
        generated = ""
        try:
            with transaction.atomic():
                if person is None:
                    given = _given(options)
                    generated = "" if given else secrets.token_urlsafe(15)
                    person = _new(options["owner"], options["email"], given or generated)
                organization = organizations.create(options["name"], owner=person, part="create_organization")
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"organization {organization.pk}: {organization.name}, owner {person.get_username()}")
        if generated:
            self.stdout.write(f"password, shown only now: {generated}")


def _given(options: dict[str, Any]) -> str:
    variable = options["password_env"]
    if variable and not os.environ.get(variable):
        raise CommandError(f"The environment has no {variable}.")
    if options["password_stdin"]:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise CommandError("No password came on the input.")
        return line
    return os.environ[variable] if variable else ""


def _new(name: str, email: str, password: str) -> User:
    person = User(username=name, email=email, is_staff=True)
    validate_password(password, person)
    person.set_password(password)
    person.full_clean()
    person.save()
    return person
