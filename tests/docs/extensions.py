"""What the examples about Rossum's extensions and hooks find."""

from __future__ import annotations

import os
import sys

from demo.processes import ROOT
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


@world("rossum-import.md")
def shell(given: dict[str, str]) -> Found:
    """The organization's slug, and a manage.py that works on the Waybill of the examples."""
    from accounts import scope
    from accounts.models import Organization

    slug = Organization.objects.get(pk=scope.current()).slug
    words = [sys.executable, str(ROOT / "manage.py")]
    program = f"import os, sys\nos.execve({words[0]!r}, [*{words!r}, *sys.argv[1:]], {dict(os.environ)!r})\n"
    return Found({"ORGANIZATION": slug}, {"manage.py": program.encode()})
