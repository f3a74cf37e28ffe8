"""What the examples about Rossum's extensions and hooks find."""

from __future__ import annotations

from tests.docs.worlds import Found, world

SECRET = "example-signing-secret"


@world("protocols/extensions.md")
def connected(given: dict[str, str]) -> Found:
    """A connected Rossum account."""
    from pipelines import rossumaccounts
    from pipelines.models import RossumAccount
    from tests import builders

    account = RossumAccount.own(name="Acme", base_urls=["https://acme.rossum.app"])
    rossumaccounts.save(account, by=builders.owner(), secrets=[SECRET])
    return Found({"SIGNING_SECRET": SECRET})
