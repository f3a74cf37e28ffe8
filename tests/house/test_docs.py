"""The docs lead somewhere: every link resolves, the index names every page, every decision has a number of its own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATH_IN_TEXT = re.compile(r"\bdocs/[\w./-]+\.md\b|\bdocs/decisions/\d{4}\b")


def pages() -> list[Path]:
    return [path for path in tree.files() if path.suffix == ".md"]


def anchors(markdown: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def prose(markdown: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)


def test_every_link_resolves():
    broken = []
    for page in pages():
        for target in LINK.findall(prose(tree.read(page))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (tree.ROOT / page).parent / name if name else tree.ROOT / page
            if not path.exists():
                broken.append(f"{page} → {target}")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
                broken.append(f"{page} → {target} (no such heading)")

    assert broken == []


def test_every_page_that_code_names_is_there():
    missing = set()
    for path in tree.texts():
        if path.suffix in {".py", ".toml", ".md", ".html"} and path.parts[:2] != ("tests", "house"):
            for named in PATH_IN_TEXT.findall(tree.read(path)):
                found = list(tree.ROOT.glob(named if named.endswith(".md") else f"{named}-*.md"))
                if not found:
                    missing.add(f"{path} names {named}")

    assert sorted(missing) == []


def test_the_index_names_every_page():
    index = tree.read(Path("docs/README.md"))
    linked = {str(Path("docs") / target.partition("#")[0]) for target in LINK.findall(index)}

    assert (
        sorted(
            str(page) for page in pages() if page.parts[0] == "docs" and str(page) not in linked | {"docs/README.md"}
        )
        == []
    )


def test_decisions_are_numbered_once_and_without_a_gap():
    names = sorted(page.name for page in pages() if page.parent == Path("docs/decisions"))

    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert [name for name in names if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)] == []


def test_a_decision_states_itself_in_its_title_and_has_three_parts():
    unlike = []
    for page in pages():
        if page.parent != Path("docs/decisions"):
            continue
        lines = tree.read(page).splitlines()
        headings = [line for line in lines if line.startswith("## ")]
        if not lines[0].startswith(f"# {page.name[:4]} ") or len(headings) != 3:
            unlike.append(str(page))

    assert unlike == []


def test_code_names_no_page_that_is_kept_elsewhere():
    named = re.compile(r"[\w./-]*\b(?:reference|design)/[\w-]+\.md")
    texts = [path for path in tree.texts() if path.suffix in {".py", ".md", ".html", ".toml"}]
    missing = {
        f"{path} names {name}"
        for path in texts
        if path.parts[:2] != ("tests", "house")
        for name in named.findall(tree.read(path))
        if not (tree.ROOT / name).exists()
    }

    assert sorted(missing) == []
