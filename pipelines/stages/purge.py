"""Purge: detach what earlier runs left at the document, so that no later stage reads a stale file or reply.

The attempts that made them keep their own copies; only the document lets go.
"""

from __future__ import annotations

from pydantic import ConfigDict, model_validator

from pipelines.contract import Inbox, Outcome, StageConfig, Tools
from pipelines.problems import PlacedError

SENDS = False


class Config(StageConfig):
    """Without options, everything that is attached under a reference key is detached."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    keys: tuple[str, ...] = ()
    """Detach only these reference keys."""
    prefix: str = ""
    """Detach only reference keys that begin with this; together with keys, what either names."""

    on_delete: bool = False
    """Detach likewise when the document is deleted, not only when it is exported."""

    @model_validator(mode="after")
    def _named(self) -> Config:
        for index, key in enumerate(self.keys):
            if not key.strip():
                message = "This reference key is blank: name one, or leave keys out to detach everything."
                raise PlacedError(message, "keys", index)
        return self


def reads(config: Config) -> frozenset[str]:  # noqa: ARG001 - the signature of every kind
    return frozenset()


def writes(config: Config) -> frozenset[str]:  # noqa: ARG001 - likewise
    return frozenset()


def removes(config: Config, key: str) -> bool:
    """Whether an artifact under `key` is detached: publication asks, so that nothing runs in parallel with this."""
    if not config.keys and not config.prefix:
        return True
    return key in config.keys or bool(config.prefix and key.startswith(config.prefix))


def detaches(config: Config, key: str) -> bool:
    """Whether the document lets go of `key` as it is deleted, outside any export."""
    return config.on_delete and removes(config, key)


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome:  # noqa: ARG001 - likewise
    came = {file.key for file in inbox.received}  # with the document, not from an earlier run
    detached = [key for key in inbox.artifacts if key not in came and removes(config, key)]
    if not detached:
        return Outcome(skipped="nothing is attached that would be detached")
    return Outcome(detach=detached)
