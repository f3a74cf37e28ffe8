"""The project's own files, as the house tests see them: tracked, or new and not ignored."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("config", "exports", "pipelines", "accounts", "audit")
"""The packages of the product, the upper ones first."""
BINARY = {".pdf", ".png", ".ico", ".woff2", ".gz", ".zip", ".xlsx", ".sqlite3"}


@cache
def files() -> tuple[Path, ...]:
    """Every file, relative to the root."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        names = sorted(set(listed.split("\0")) - {""})
    else:  # an archive of the project
        hidden = {".venv", "var", "staticfiles", "build", "node_modules"}
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = sorted(str(path) for path in found if not hidden & set(path.parts) and "__pycache__" not in path.parts)
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


def texts() -> list[Path]:
    return [path for path in files() if path.suffix not in BINARY]


def sources(*folders: str) -> list[Path]:
    """Python files in these folders, all of the product's rooms if none is named; migrations aside."""
    wanted = folders or ROOMS
    return [
        path for path in files() if path.suffix == ".py" and path.parts[0] in wanted and "migrations" not in path.parts
    ]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path), filename=str(path))
