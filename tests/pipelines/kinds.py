"""Tiny stage kinds, so that the checks of a graph are tested without the real kinds' many options."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Literal

import pytest
from pydantic import Field

from pipelines import stages
from pipelines.contract import StageConfig


class Inner(StageConfig):
    url: str = "https://erp.example/"
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)


class Config(StageConfig):
    read_key: str = ""
    write_key: str = ""
    takes_keys: list[str] = Field(default_factory=list)
    request: Inner | None = None
    auth: dict[str, object] = Field(default_factory=dict)
    items: list[Inner] = Field(default_factory=list)
    target_schema_id: str = ""
    condition: str = ""
    file_content_template: str = ""
    filename_template: str = ""


def kind(name: str, *, sends: bool = False) -> ModuleType:
    module = ModuleType(f"pipelines.stages.{name}")
    module.SENDS = sends
    module.Config = Config
    module.reads = lambda config: {config.read_key} - {""}
    module.writes = lambda config: {config.write_key} - {""}
    module.removes = lambda config, key: key in config.takes_keys
    return module


@pytest.fixture
def tiny_kinds(monkeypatch):
    """The kinds "make" (does not send), "send" and "evaluate", all with the config above."""
    for name, module in {"make": kind("make"), "send": kind("send", sends=True), "evaluate": kind("evaluate")}.items():
        monkeypatch.setitem(sys.modules, f"pipelines.stages.{name}", module)
        monkeypatch.setitem(stages.KINDS, name, name)
