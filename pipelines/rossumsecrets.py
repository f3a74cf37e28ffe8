"""The sealed signing secrets of connected Rossum accounts, and the accounts that a call may be from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from pipelines import vault
from pipelines.rossumrows import RossumAccount, RossumSecret
from pipelines.transports.guard import Egress


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that a call may be from. The secrets are never shown and never logged."""

    account: RossumAccount
    secrets: tuple[bytes, ...] = field(repr=False)


def keep(account: RossumAccount, secrets: Sequence[str]) -> None:
    """Seal these in place of the ones before. In the caller's transaction."""
    RossumSecret.objects.filter(account=account).delete()
    for secret in dict.fromkeys(secrets):
        row = RossumSecret(organization_id=account.organization_id, account=account)
        row.key, row.sealed = vault.seal(account.organization_id, secret.encode(), context_of(row))
        row.save(force_insert=True)


def calling(base_url: str) -> list[Caller]:
    """The active accounts, of whichever organization, whose API is at this origin. Raises Misconfigured where their
    secrets cannot be opened."""
    accounts = RossumAccount.unscoped.filter(active=True).order_by("id")
    found = [account for account in accounts if base_url in account.base_urls]
    rows = RossumSecret.unscoped.filter(account__in=found).select_related("key")
    sealed: dict[int, list[bytes]] = {account.pk: [] for account in found}
    for row in rows:
        sealed[row.account_id].append(vault.unseal(row.key, bytes(row.sealed), context_of(row)))
    return [Caller(account, tuple(sealed[account.pk])) for account in found]


def egress_of(account: RossumAccount) -> Egress:
    """Whom a write-back may reach: the account's own API and nobody else."""
    hosts = frozenset(urlsplit(address).hostname or "" for address in account.base_urls)
    return Egress(hosts, tuple(account.allowed_networks), tuple(settings.CLOSED_NETWORKS))


def context_of(secret: RossumSecret) -> str:
    """What a sealed value is bound to, besides its organization."""
    return f"rossum account/{secret.account_id}/signing"
