"""Who may do what: every action of every resource, for every role, as accounts.policy.GRANTS says."""

from __future__ import annotations

import pytest

from accounts.policy import GRANTS, ROLES
from exports.api.records import Me
from tests.exports.api import world as worlds
from tests.exports.api.test_tenants import path_of, routes

ACTIONS = sorted({(method, pattern, action, view.noun) for method, pattern, action, view in routes() if view is not Me})


def verbs_of(noun, action):
    view = next(view for _, _, _, view in routes() if view.noun == noun)
    needed = view.verbs[action]
    return {needed} if isinstance(needed, str) else set(needed)


def test_every_action_names_a_verb_that_some_role_has():
    everything = frozenset().union(*GRANTS.values())

    assert {verb for _, _, action, noun in ACTIONS for verb in verbs_of(noun, action)} <= everything


def test_no_view_names_a_verb_for_an_action_it_does_not_have():
    for view in {view for _, _, _, view in routes()}:
        assert {action for _, _, action, found in routes() if found is view} >= set(view.verbs), view


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_it_is_granted_and_nothing_else(organization, world, role):
    from audit.models import Event

    world.event = Event.objects.first()
    caller = worlds.caller(role)
    refused, let_in = set(), set()
    for method, pattern, action, noun in ACTIONS:
        # A body that is refused after the permission question, so that every subject stays for the next action.
        body = None if method == "GET" else b"{"
        reply = caller.send(method, path_of(pattern, world), body) if method != "DELETE" else None
        if reply is None:
            allowed = verbs_of(noun, action) <= GRANTS[role]
            if not allowed:
                assert caller.delete(path_of(pattern, world)).status_code == 403, (noun, action)
            continue
        (refused if reply.status_code == 403 else let_in).add((noun, action))

    granted = {
        (noun, action) for m, _, action, noun in ACTIONS if m != "DELETE" and verbs_of(noun, action) <= GRANTS[role]
    }
    assert let_in == granted
    assert refused == {(noun, action) for m, _, action, noun in ACTIONS if m != "DELETE"} - granted


@pytest.mark.parametrize("role", ROLES)
def test_everybody_may_ask_who_they_are(organization, role):
    shown = worlds.caller(role, name=f"robot of {role}").get("me").json()

    assert shown["name"] == f"key:robot of {role}"
    assert (shown["role"], shown["verbs"]) == (role, sorted(GRANTS[role]))
    assert shown["organization"]["name"] == "Acme"
