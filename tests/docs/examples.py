"""The marked examples of the docs, and how one page of them is run: as a reader would, by bash, curl and Python.

A fenced block marked ```sh run or ```python run is an example. Those of a page run in order, in one folder; variables
that a shell block sets are there in the blocks after it. A last line such as `# 201` (or `# 202 200`, one for each
request) says what curl must be answered; without it every answer must be below 400. A block ```text printed that
follows says what must be printed, `…` standing for anything.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+) (run|printed)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
STATUSES = re.compile(r"\n# (\d{3}(?: \d{3})*)\s*\Z")
TOLD = re.compile(r"^HTTP (\d{3})$", re.MULTILINE)
SECONDS = 90
"""For one example."""
CURLRC = 'silent\nshow-error\nwrite-out = "%{stderr}\\nHTTP %{http_code}\\n"\nmax-time = 60\n'


@dataclass(frozen=True, slots=True)
class Example:
    """One block: `language` is sh or python; `printed` what its output must be, None where nothing is said."""

    language: str
    text: str
    printed: str | None = None

    @property
    def statuses(self) -> list[int]:
        """What curl must be answered, in order; empty where the block does not say."""
        found = STATUSES.search(self.text)
        return [int(status) for status in found[1].split()] if found else []


def of_page(path: Path) -> list[Example]:
    """The marked examples of a page, in order."""
    found: list[Example] = []
    for language, mark, text in FENCE.findall(path.read_text()):
        if mark == "run":
            assert language in {"sh", "python"}, f"{path.name}: nothing runs {language}"
            found.append(Example(language, text))
        else:
            assert found, f"{path.name}: something is printed before anything runs"
            found[-1] = Example(found[-1].language, found[-1].text, text)
    return found


def pages() -> list[str]:
    """Every page with a marked example, by its path in docs/."""
    return sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if of_page(path))


class Reader:
    """Somebody who follows a page: a folder with the page's files, and the variables."""

    def __init__(self, folder: Path, variables: Mapping[str, str], files: Mapping[str, str], path: str) -> None:
        """`files`: their contents in base64, by name. `path` is what the programs are found by."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".curlrc").write_text(CURLRC)
        for name, content in files.items():
            (folder / name).write_bytes(base64.b64decode(content))
        self.folder = folder
        self.variables = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", **variables}

    def follow(self, example: Example) -> None:
        """Run it; AssertionError, with all that was printed, where it does not do what the page says."""
        done = self._shell(example.text) if example.language == "sh" else self._python(example.text)
        told = f"{example.text}\n--- printed\n{done.stdout}\n--- errors\n{done.stderr}"
        assert done.returncode == 0, told
        answered = [int(status) for status in TOLD.findall(done.stderr)]
        if example.statuses:
            assert answered == example.statuses, told
        else:
            assert [status for status in answered if not 200 <= status < 400] == [], told
        if example.printed is not None:
            wanted = ".*?".join(re.escape(part) for part in example.printed.strip().split("…"))
            assert re.fullmatch(wanted, done.stdout.strip(), re.DOTALL), told

    def _shell(self, text: str) -> subprocess.CompletedProcess[str]:
        kept = self.folder / ".variables"
        done = self._run("bash", "-euo", "pipefail", "-c", f"set -a\n{text}\nset +a\nenv -0 > {kept.name}\n")
        if done.returncode == 0:
            pairs = [pair.partition("=") for pair in kept.read_text().split("\0") if pair]
            self.variables.update({name: value for name, _, value in pairs if name not in {"SHLVL", "_", "PWD"}})
        return done

    def _python(self, text: str) -> subprocess.CompletedProcess[str]:
        return self._run(sys.executable, "-W", "error", "-c", text)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False, timeout=SECONDS
        )
