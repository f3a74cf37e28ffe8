"""Who may do what: one function, `may`, that admin, API and tasks ask.

A verb is a Django permission name, "app.action_model"; a role is a bundle of verbs. Permissions given to a person or
a group by hand in the admin add to the role's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from accounts.models import ApiKey, User

ROLES = {
    "viewer": "Viewer: sees everything, changes nothing",
    "operator": "Operator: reviews, corrects, confirms and re-queues documents",
    "integrator": "Integrator: also edits pipelines, destinations and secrets",
    "auditor": "Auditor: sees everything and the audit trail",
    "owner": "Owner: everything, members and keys included",
}

_VIEW = {
    "exports.view_alertrule", "exports.view_alert", "pipelines.view_subscription", "exports.view_push",
    "pipelines.view_queue", "pipelines.view_schema", "pipelines.view_pipeline", "pipelines.view_stage",
    "pipelines.view_revision", "pipelines.view_trigger", "pipelines.view_destination", "pipelines.view_channel",
    "exports.view_document", "exports.view_fieldsversion",
    "exports.view_attempt", "exports.view_stagerun", "exports.view_exchange", "exports.view_artifact",
    "exports.view_delivery", "exports.view_job", "exports.view_failuregroup", "exports.view_hint",
    "exports.view_clienttask", "exports.view_eventdelivery", "exports.add_savedview", "pipelines.view_source",
    "exports.view_claim", "pipelines.view_rossumaccount", "exports.view_extensioncall",
}  # fmt: skip
_OPERATE = {
    "exports.change_alert", "exports.act_clienttask",
    "exports.add_document", "exports.change_document", "exports.confirm_document", "exports.export_document",
    "exports.share_savedview", "exports.download_list",
    "exports.requeue_attempt", "exports.settle_attempt", "exports.cancel_attempt", "exports.add_job",
    "exports.change_job", "exports.ignore_attempt", "exports.change_failuregroup", "exports.add_hint",
    "exports.change_hint", "exports.delete_hint", "pipelines.pause_destination", "exports.redeliver_eventdelivery",
    "pipelines.poll_source", "pipelines.pause_source", "exports.change_claim",
}  # fmt: skip
_INTEGRATE = {
    f"pipelines.{action}_{model}"
    for action in ("add", "change", "delete")
    for model in ("queue", "schema", "pipeline", "stage", "destination", "secret", "trigger", "channel", "source")
} | {
    "pipelines.add_subscription",
    "pipelines.change_subscription",
    "pipelines.delete_subscription",
    "exports.add_alertrule",
    "exports.change_alertrule",
    "exports.delete_alertrule",
    "pipelines.publish_pipeline",
    "pipelines.view_secret",
    "pipelines.test_destination",
    "pipelines.test_channel",
    "pipelines.test_source",
    "pipelines.add_rossumaccount",
    "pipelines.change_rossumaccount",
    "pipelines.delete_rossumaccount",
    "exports.delete_document",
}
_AUDIT = {"exports.download_list", "audit.view_event", "audit.view_seal"}
_OWN = {
    f"accounts.{action}_{model}" for action in ("add", "change", "delete", "view") for model in ("membership", "apikey")
} | {"exports.purge_document"}

GRANTS: dict[str, frozenset[str]] = {
    "viewer": frozenset(_VIEW),
    "operator": frozenset(_VIEW | _OPERATE),
    "integrator": frozenset(_VIEW | _OPERATE | _INTEGRATE),
    "auditor": frozenset(_VIEW | _AUDIT),
    "owner": frozenset(_VIEW | _OPERATE | _INTEGRATE | _AUDIT | _OWN),
}

OF_QUEUES: frozenset[str] = frozenset(
    verb
    for verb in _VIEW | _OPERATE | _INTEGRATE | _OWN
    if verb.rpartition("_")[2]
    in {"document", "fieldsversion", "attempt", "stagerun", "exchange", "artifact", "delivery", "clienttask"}
) | {"pipelines.view_queue", "pipelines.view_trigger"}
"""What a key that is narrowed to some queues may do at the most: whatever concerns more than one document's queue
(bulk jobs, failure groups, configuration, people, the audit trail) is not for it."""


def role_choices() -> list[tuple[str, str]]:
    """A callable, so that a new role needs no migration."""
    return list(ROLES.items())


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks: a person, a robot's key, or Waybill itself, always inside one organization."""

    name: str
    """As the audit trail writes it: "user:anna", "key:erp-robot", "waybill:retry"."""
    organization_id: int
    verbs: frozenset[str]
    everything: bool = False
    queues: frozenset[int] | None = None
    """The ids of the only queues whose documents it sees; None: of all."""

    @classmethod
    def system(cls, part: str, organization_id: int) -> Principal:
        """Waybill's own doing, for example the sweep's retry."""
        return cls(f"waybill:{part}", organization_id, frozenset(), everything=True)

    @classmethod
    def of_user(cls, user: User, organization_id: int) -> Principal:
        """A person with the role of their membership, plus what was granted to them by hand. One who is no member
        of the organization may do nothing in it, unless a superuser; one who was deactivated may do nothing at all."""
        name = f"user:{user.get_username()}"
        if not user.is_active:
            return cls(name, organization_id, frozenset())
        membership = user.memberships.filter(organization_id=organization_id).first()
        verbs = GRANTS.get(membership.role, frozenset()) if membership else frozenset()
        if membership:
            granted = (
                user.user_permissions.order_by()
                .values_list("content_type__app_label", "codename")
                .union(
                    user.groups.order_by().values_list("permissions__content_type__app_label", "permissions__codename")
                )
            )
            verbs |= {f"{app}.{codename}" for app, codename in granted if app}
        return cls(
            f"user:{user.get_username()}", organization_id, verbs, everything=user.is_active and user.is_superuser
        )

    @classmethod
    def of_key(cls, key: ApiKey) -> Principal:
        """A robot with its key's role, as far as the key is not narrowed below it."""
        verbs = GRANTS.get(key.role, frozenset())
        if key.verbs is not None:
            verbs &= frozenset(key.verbs)
        queues = None if key.queues is None else frozenset(key.queues)
        if queues is not None:
            verbs &= OF_QUEUES
        return cls(f"key:{key.name}", key.organization_id, verbs, queues=queues)


def may(principal: Principal, verb: str, subject: Any = None) -> bool:
    """Whether `principal` may do `verb` ("exports.requeue_attempt") to `subject`: a row, an organization, or None for
    the kind. A row of another organization, or of a queue outside a narrowed key's, is refused whatever the role."""
    label = getattr(getattr(subject, "_meta", None), "label", "")
    owner = subject.pk if label == "accounts.Organization" else getattr(subject, "organization_id", None)
    if owner is not None and owner != principal.organization_id:
        return False
    queue = subject.pk if label == "pipelines.Queue" else getattr(subject, "queue_id", None)
    if principal.queues is not None and queue is not None and queue not in principal.queues:
        return False
    return principal.everything or verb in principal.verbs


def require(principal: Principal, verb: str, subject: Any = None) -> None:
    """The first line of a verb. Raises PermissionDenied, saying what is missing, unless `may`."""
    if not may(principal, verb, subject):
        message = f'{principal.name} lacks the permission "{verb}" here. An owner of the organization can grant it.'
        raise PermissionDenied(message)


def may_grant(principal: Principal, role: str) -> bool:
    """Whether `principal` may give `role` to somebody: nobody gives what they do not have."""
    return role in GRANTS and (principal.everything or GRANTS[role] <= principal.verbs)
