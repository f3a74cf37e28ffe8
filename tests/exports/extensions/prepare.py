"""Sets up a Waybill for the extension tests, in a process of its own: two organizations, each with a connected Rossum
account that signs with its own secret and a destination that may reach loopback. Prints their API keys."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts import keys, scope  # noqa: E402
from accounts.models import Organization  # noqa: E402
from accounts.policy import Principal  # noqa: E402
from pipelines import rossumaccounts  # noqa: E402
from pipelines.models import Destination, RossumAccount  # noqa: E402

LOOPBACK = ["127.0.0.0/8"]


def main(base_url: str, secrets: list[str]) -> None:
    call_command("migrate", verbosity=0)
    made = []
    for number, secret in enumerate(secrets, 1):
        organization = Organization.objects.create(name=f"Organization {number}", slug=f"organization-{number}")
        by = Principal.system("test", organization.pk)
        with scope.to(organization.pk):
            destination = Destination.own(name="ERP", allowed_networks=LOOPBACK)
            destination.save()
            account = RossumAccount.own(
                name="Acme", base_urls=[base_url], allowed_networks=LOOPBACK, destination=destination
            )
            rossumaccounts.save(account, by=by, secrets=[secret])
            made.append(keys.create(by, "test", "owner")[1])
    sys.stdout.write(json.dumps(made) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
