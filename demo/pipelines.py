"""Makes the demo's organization: people, secrets, destinations, queues and three published pipelines.

Everything goes through the verbs that the admin and the API use, and a second call changes only what differs.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from accounts import keys, scope
from accounts.models import ApiKey, Membership, Organization, User
from accounts.policy import Principal
from demo import configs
from demo.addresses import Addresses
from demo.configs import ERP, SFTP, StageText
from demo.door import Terms
from demo.schema import SCHEMAS
from demo.sftp import PASSWORD, USER
from pipelines import publishing, vault
from pipelines.models import Destination, Pipeline, Queue, Schema, Stage

LOGIN = "admin"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, for whoever goes on."""

    organization_id: int
    password: str
    """Of the user `admin`; empty where the user was there already."""
    key: str
    """An owner's API key; a new one each time."""
    queues: dict[str, int]
    """Ids by name."""


def make(addresses: Addresses, *, names: Sequence[str] = ("Simple SFTP", "Simple API", "Complex API")) -> Made:
    """The organization "Demo" with the queues and pipelines of these names."""
    organization, _ = Organization.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
    by = Principal.system("demo", organization.pk)
    with scope.to(organization.pk):
        password = _admin(organization)
        destinations = _destinations(addresses, by)
        drafts = {
            "Simple SFTP": configs.simple_sftp(),
            "Simple API": configs.simple_api(addresses.erp),
            "Complex API": configs.complex_api(addresses.erp),
        }
        queues = {name: _queue(name, drafts[name], destinations, by).pk for name in drafts if name in names}
        return Made(organization.pk, password, _key(by), queues)


def _admin(organization: Organization) -> str:
    """The password of the user that was made; empty where there is one."""
    if User.objects.filter(username=LOGIN).exists():
        return ""
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    person = User.objects.create_user(LOGIN, password=password, is_staff=True, is_superuser=True)
    Membership.objects.create(user=person, organization=organization, role="owner")
    return password


def _key(by: Principal) -> str:
    for old in ApiKey.objects.filter(name="demo", revoked_at=None):
        keys.revoke(old, by=by)
    _, plain = keys.create(by, "demo", "owner")
    return plain


def _destinations(addresses: Addresses, by: Principal) -> dict[str, Destination]:
    erp, _ = Destination.objects.update_or_create(
        name=ERP,
        organization_id=by.organization_id,
        defaults={
            "description": f"The ERP that ships with the demo. What it has booked: {addresses.erp}/",
            "allowed_hosts": [LOOPBACK],
            "allowed_networks": [f"{LOOPBACK}/32"],
        },
    )
    sftp, _ = Destination.objects.update_or_create(
        name=SFTP,
        organization_id=by.organization_id,
        defaults={
            "description": "The SFTP server that ships with the demo.",
            "credentials": {
                "type": "sftp",
                "host": LOOPBACK,
                "port": addresses.sftp_port,
                "username": USER,
                "host_key": addresses.sftp_host_key,
            },
            "allowed_hosts": [LOOPBACK],
            "allowed_networks": [f"{LOOPBACK}/32"],
        },
    )
    terms = Terms()
    for destination, name, value in (
        (erp, "client_id", terms.client_id),
        (erp, "client_secret", terms.client_secret),
        (erp, "api_key", terms.api_key),
        (sftp, "password", PASSWORD),
    ):
        if name not in vault.names_for(by.organization_id, destination_id=destination.pk, pipeline_id=None):
            vault.put(name, value, by=by, destination=destination)
    return {ERP: erp, SFTP: sftp}


def _queue(name: str, draft: Sequence[StageText], destinations: dict[str, Destination], by: Principal) -> Queue:
    schema, _ = Schema.objects.update_or_create(
        name=name, organization_id=by.organization_id, defaults={"content": SCHEMAS[name]}
    )
    pipeline, _ = Pipeline.objects.update_or_create(
        name=name, organization_id=by.organization_id, defaults={"description": configs.DESCRIPTIONS[name]}
    )
    queue: Queue
    queue, _ = Queue.objects.update_or_create(
        name=name,
        organization_id=by.organization_id,
        defaults={"schema": schema, "pipeline": pipeline, "use_confirmed_state": name == "Complex API"},
    )
    for position, stage in enumerate(draft):
        Stage.objects.update_or_create(
            pipeline=pipeline,
            name=stage.name,
            organization_id=by.organization_id,
            defaults={
                "kind": stage.kind,
                "config": stage.text,
                "run_after": list(stage.run_after),
                "destination": destinations.get(stage.destination),
                "position": position,
            },
        )
    publishing.publish(pipeline, by=by, note="made by the demo")
    return queue
