"""What the examples of docs/sources/aluma.md find: a file agent that was just set up."""

from __future__ import annotations

from tests.docs.worlds import Found, world


@world("sources/aluma.md")
def file_agent(given: dict[str, str]) -> Found:
    from django.conf import settings

    from accounts import scope
    from accounts.models import Organization
    from exports.sources import filing
    from tests import builders
    from tests.exports.api import world as worlds
    from tests.servers.aluma import CLIENT

    folder = settings.OUTBOX / Organization.objects.get(pk=scope.current()).slug / "aluma"
    folder.parent.mkdir(parents=True, exist_ok=True)
    filing.set_up(
        "Aluma files",
        by=builders.owner(),
        config={"url": given["ALUMA_URL"], "client_id": CLIENT[0]},
        store={"type": "folder", "path": str(folder)},
        secrets={"aluma_client_secret": CLIENT[1]},
        newline="crlf",
        networks=("127.0.0.1/32",),
    )
    return Found({"FOLDER": str(folder), "WAYBILL_KEY": worlds.caller("owner").key})
