"""What people do with connected Rossum accounts: set one up with its signing secrets. What is sealed of one has
rossumsecrets; deleting is the same for all configuration (configuration)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.policy import Principal
from audit import trail
from pipelines import configuration, rossumrules, rossumsecrets
from pipelines.refusals import Refused
from pipelines.rossumrows import RossumAccount


def save(account: RossumAccount, *, by: Principal, secrets: Sequence[str] = ()) -> RossumAccount:
    """Insert or change. `secrets`, where any are given, take the place of those before.

    Raises Refused beginning with the column whose value cannot be, and PermissionDenied."""
    if account.pk is None and not secrets:
        raise Refused("secrets: Give the secret that the account's hooks sign their calls with.")
    if wrong := rossumrules.secret_problem(secrets):
        raise Refused(f"secrets: {wrong}")
    new = account.pk is None
    if not any(rossumrules.problems(account.base_urls, account.allowed_networks)):
        account.base_urls = list(dict.fromkeys(map(rossumrules.origin, account.base_urls)))
    with transaction.atomic():
        configuration.save(account, by=by)
        if secrets:
            rossumsecrets.keep(account, secrets)
            if not new:
                _record(account, by)
    return account


def _record(account: RossumAccount, by: Principal) -> None:
    trail.record(
        "rossumaccount.change",
        f"rossumaccount:{account.pk}",
        organization_id=account.organization_id,
        actor=by.name,
        detail={"name": account.name, "changed": ["secrets"]},
    )
