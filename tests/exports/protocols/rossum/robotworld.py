"""What the official clients find: an organization with its queues of confirmed documents, its people and keys, and
another one. Run as a program in the environment of a Waybill; prints what they need to know as JSON."""

from __future__ import annotations

import json


def queues() -> dict[str, int]:
    """Of each queue its name and how many confirmed documents it has."""
    return {
        "pages": 250,
        "moving": 250,
        "async": 120,
        "files": 12,
        "race": 60,
        "lost": 130,
        "lost files": 25,
        "tab": 4,
        "bring": 0,
    }


def make() -> dict[str, object]:
    from django.db import transaction

    from accounts import keys, scope
    from accounts.policy import Principal
    from tests import builders

    with transaction.atomic():
        acme = builders.organization("Acme")
        other = builders.organization("Other")
        found: dict[str, object] = {"organization": acme.pk, "queues": {}, "documents": {}, "keys": {}}
        with scope.to(acme.pk):
            builders.user("anna", role="owner", organization=acme)
            builders.user("bert", role="operator", organization=acme)
            schema = builders.schema(
                {"category": "datapoint", "id": "number", "type": "string", "label": "Invoice number"},
                {"category": "datapoint", "id": "total", "type": "number", "label": "Total"},
            )
            for name, count in queues().items():
                queue = builders.queue(name, schema=schema)
                rows = [
                    builders.document(queue, {"number": f"{name}-{at}", "total": f"{at}.50"}).pk for at in range(count)
                ]
                found["queues"][name] = queue.pk
                found["documents"][name] = rows
            by = Principal.system("test", acme.pk)
            for role in ("owner", "operator"):
                found["keys"][role] = keys.create(by, f"{role} robot", role)[1]
        with scope.to(other.pk):
            found["keys"]["other"] = keys.create(Principal.system("test", other.pk), "stranger", "owner")[1]
    return found


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(make()))  # noqa: T201
