"""Rows belong to one organization: every model is scoped, and `unscoped` is said only in the modules named here."""

from __future__ import annotations

import ast

from django.apps import apps

from accounts.scope import Scoped
from tests.house import tree

ACROSS_ORGANIZATIONS = {
    "accounts/scope.py": "defines it",
    "accounts/accesstokens.py": "a token arrives before its organization is known",
    "accounts/keys.py": "an API key arrives before its organization is known",
    "exports/breakers.py": "a claim and a commit point mix organizations",
    "exports/attempts.py": "locks by id what may() has allowed; the sweep times out for all",
    "exports/clientmoves.py": "moves by id, with the organization as a condition",
    "exports/clienttasks.py": "locks by id what may() has allowed; the sweep tends those of all",
    "exports/offering.py": "a commit point mixes organizations",
    "exports/groups.py": "the sweep tends those of all",
    "exports/outbox.py": "a commit point mixes organizations",
    "exports/pushes.py": "a worker begins those of all",
    "exports/triggers.py": "a schedule fires for its own organization, found among all",
    "exports/tallies.py": "one sweep counts for all",
    "exports/transitions.py": "moves by id, with the organization as a condition or under a lease",
    "exports/worklist.py": "the work list serves every organization fairly",
    "exports/cases.py": "a worker's claim mixes organizations",
    "exports/repeating.py": "by the attempt that the caller was given",
    "exports/sendings.py": "a worker's claim mixes organizations; by the attempts that the caller was given",
    "exports/ledger.py": "a commit point mixes organizations",
    "exports/grouping.py": "a commit point mixes organizations, and the sweep adopts for all",
    "exports/replies.py": "the sweep forgets those of all",
    "exports/events/claims.py": "a worker sends for every organization, fairly between channels",
    "exports/events/fanout.py": "the sweep finds the channels of all that are behind",
    "exports/events/owners.py": "the sweep tells the owners of all",
    "exports/events/redelivery.py": "the sweep forgets those of all; people name their organization",
    "exports/contents.py": "deletes by id what the caller was given",
    "exports/exportsets.py": "the sweep forgets those of all",
    "exports/sources/leases.py": "a worker polls for every organization",
    "exports/received.py": "a worker's claim mixes organizations",
    "exports/loop.py": "a worker's claim mixes organizations",
    "exports/bulk/working.py": "a worker takes the next job of whichever organization",
    "exports/reviews.py": "the sweep ends those of all",
    "exports/searching.py": "the sweep indexes for all; the rest by ids that the caller was given",
    "exports/world.py": "reads by id, with the organization as a condition",
    "pipelines/vault.py": "takes the organization as an argument",
    "pipelines/channels.py": "disables by id what a worker found broken, with the organization as a condition",
    "pipelines/channelsecrets.py": "takes the channel's organization",
    "pipelines/rossumsecrets.py": "a call arrives before its organization is known",
    "exports/extensions/calls.py": "the sweep finishes those of all; who knows a call's place may read its answer",
    "pipelines/tokens.py": "takes the organization as an argument",
    "pipelines/rotation.py": "keys are rotated for every organization",
}
"""Each with its reason. A module that serves one request or one person has none."""

NO_TENANT = {
    "accounts.Organization": "is the tenant",
    "accounts.User": "may be a member of several",
    "accounts.Membership": "asked before an organization is in scope",
    "accounts.FailedTries": "counted before anybody is known",
    "audit.Event": "the trail imports nothing of ours and names organizations by plain id",
    "audit.Seal": "likewise",
    "audit.Watermark": "one row, for all of them",
    "exports.Loop": "a worker process serves all",
    "exports.Round": "one sweep does the work of all",
}


def names_of_unscoped(module: ast.AST) -> list[int]:
    return [node.lineno for node in ast.walk(module) if isinstance(node, ast.Attribute) and node.attr == "unscoped"]


def test_only_named_modules_reach_across_organizations():
    found = {
        str(path): lines
        for path in tree.sources()
        if str(path) not in ACROSS_ORGANIZATIONS and (lines := names_of_unscoped(tree.tree(path)))
    }

    assert found == {}


def test_every_named_module_still_needs_it():
    needless = [
        name
        for name in ACROSS_ORGANIZATIONS
        if not (tree.ROOT / name).exists() or "unscoped" not in tree.read(tree.Path(name))
    ]

    assert needless == []


def test_every_model_belongs_to_an_organization():
    ours = [
        model for model in apps.get_models() if model._meta.app_label in {"accounts", "audit", "pipelines", "exports"}
    ]

    astray = [
        model._meta.label
        for model in ours
        if not issubclass(model, Scoped) and model._meta.label not in NO_TENANT and not model._meta.auto_created
    ]

    assert astray == []


def test_a_scoped_models_default_manager_fails_closed():
    loose = [
        model._meta.label
        for model in apps.get_models()
        if issubclass(model, Scoped) and model._default_manager.name != "objects"
    ]

    assert loose == []
