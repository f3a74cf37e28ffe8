"""The core is pure: the import contract lists every module of pipelines that is not one of Django's few."""

from __future__ import annotations

import tomllib

from tests.house import tree

OF_DJANGO = {
    "admin", "api", "apps", "channelrows", "channelrules", "channels", "channelsecrets", "completions",
    "configuration", "destinations", "drafts", "history", "management", "migrations", "models", "publishing",
    "rossumaccounts", "rossumimport", "rossumrows", "rossumsecrets", "rotation", "subscriptionrows",
    "subscriptionrules", "templatetags", "tokens", "vault",
}  # fmt: skip


def test_the_contract_lists_the_whole_core():
    names = {path.parts[1].removesuffix(".py") for path in tree.sources("pipelines") if len(path.parts) > 1}
    core = {f"pipelines.{name}" for name in names - OF_DJANGO - {"__init__"}}

    contracts = tomllib.loads(tree.read(tree.Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    (purity,) = [contract for contract in contracts if contract["name"] == "the core has never heard of Django"]

    assert set(purity["source_modules"]) == core
    assert set(purity["forbidden_modules"]) == {"django", "rest_framework", "django_q"}
