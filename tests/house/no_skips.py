"""With WAYBILL_NO_SKIPS=1 a skipped test is a failed one: where everything is installed, nothing may go unseen."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

STRICT = os.environ.get("WAYBILL_NO_SKIPS") == "1"


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"WAYBILL_NO_SKIPS=1, and this was skipped. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail(report)
    return report
