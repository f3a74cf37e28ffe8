"""The version, read from the newest heading of CHANGELOG.md so that the two cannot drift."""

import re
from pathlib import Path

_heading = re.search(r"^## (\S+)", (Path(__file__).resolve().parent.parent / "CHANGELOG.md").read_text(), re.MULTILINE)
VERSION = _heading[1] if _heading else "0"
