"""What the demo says in the terminal: progress that is true, the outcome, and where to click first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from demo.tally import Subject, Tally, foretold

if TYPE_CHECKING:
    from demo.pipelines import Made
    from demo.waybill import Progress


class Screen:
    """Speaks on stdout; in a check, whose stdout is one line of JSON, on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._stream = sys.stderr if quiet else sys.stdout
        self._open = False

    def say(self, text: str = "") -> None:
        if self._open:
            print(file=self._stream)
            self._open = False
        print(text, file=self._stream, flush=True)

    def progress(self, counts: Progress) -> None:
        """One line that is written over where the terminal can, else a line for each change."""
        told = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in counts.statuses.items())
        waiting = f" ({counts.waiting} wait for their next try)" if counts.waiting else ""
        if self._stream.isatty():
            print(f"\r\033[K  {told}{waiting}", end="", file=self._stream, flush=True)
            self._open = True
        else:
            self.say(f"  {told}{waiting}")

    def result(self, subjects: Sequence[Subject], found: Tally, wrong: Sequence[str], *, right: bool) -> None:
        self.say()
        failed = ", ".join(f"{number} {reason}" for reason, number in sorted(found.failed.items())) or "none"
        self.say(f"{found.documents} documents: {found.exported} exported; failed: {failed}.")
        self.say(f"{found.sent} requests sent, {found.duplicates} duplicates at the ERP, {found.files} files by SFTP.")
        if right:
            self.say("Every document ended as the ERP's rules imply; the failures are there to be looked at.")
            return
        self.say(f"That is NOT as it should be; foretold were {foretold(subjects).line(0)}.")
        for line in wrong[:20]:
            self.say(f"  {line}")

    def tour(self, *, port: int, erp: str, made: Made, folder: Path) -> None:
        from demo.pipelines import LOGIN

        address = f"http://localhost:{port}"
        self.say(f"""
  Waybill      {address}/
  Login        {LOGIN}
  Password     {made.password}
  Pretend ERP  {erp}/
  SFTP files   {folder / "sftp"}
  API          curl -H "Authorization: Bearer {made.key}" {address}/api/v1/documents

What to click first:
  1. Attempts, tab “Failed”: every reason in words. Open a rejected one: what was sent, what came back.
  2. One whose outcome is unknown: its connection was cut. Look at the ERP's page, then say whether it arrived.
  3. Documents, “unknown-supplier-1”, tab “Correct”: name another supplier, send it again, and watch it pass.
  4. Pipelines, “Complex API”: twelve stages, their configs, and what each makes of a document.

Ctrl-C stops everything. The data stays in {folder} until the next demo.""")
