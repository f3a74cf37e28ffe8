"""A pipeline as a picture: stages in columns by what they wait for, with curves between them. Pure numbers; the SVG is
templates/admin/pipelines/graph.html."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 164, 56, 36, 16, 4


@dataclass(frozen=True, slots=True)
class Box:
    """A stage to draw."""

    name: str
    kind: str
    run_after: tuple[str, ...]
    url: str = ""
    active: bool = True
    always_run: bool = False
    sends: bool = False
    wrong: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    box: Box
    x: int
    y: int

    @property
    def label(self) -> str:
        """What fits the box; the whole name stands in the title."""
        return self.box.name if len(self.box.name) <= 20 else f"{self.box.name[:19]}…"

    @property
    def note(self) -> str:
        marks = [self.box.kind.replace("_", " ")]
        marks += ["inactive"] if not self.box.active else []
        marks += ["always runs"] if self.box.always_run else []
        return " · ".join(marks)


@dataclass(frozen=True, slots=True)
class Edge:
    before: str
    after: str
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: int
    height: int
    box_width: int = WIDTH
    box_height: int = HEIGHT

    @property
    def least_width(self) -> int:
        """Narrower than this the names are hard to read: then the page scrolls instead of shrinking further."""
        return self.width * 4 // 5


def draw(boxes: Sequence[Box]) -> Drawing:
    """Stages in a circle, which publication refuses, are still drawn: one edge then runs backwards."""
    columns = _columns(boxes)
    tallest = max((len(column) for column in columns), default=0)
    height = max(tallest * (HEIGHT + DOWN) - DOWN, HEIGHT) + 2 * MARGIN
    places: dict[str, Node] = {}
    for number, column in enumerate(columns):
        top = (height - (len(column) * (HEIGHT + DOWN) - DOWN)) // 2
        for row, box in enumerate(column):
            places[box.name] = Node(box, MARGIN + number * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN))
    edges = [
        Edge(before, box.name, _curve(places[before], places[box.name]))
        for box in boxes
        for before in box.run_after
        if before in places and before != box.name
    ]
    width = max(len(columns) * (WIDTH + ACROSS) - ACROSS, 0) + 2 * MARGIN
    return Drawing(list(places.values()), edges, width, height)


def _columns(boxes: Sequence[Box]) -> list[list[Box]]:
    known = {box.name: box for box in boxes}
    level: dict[str, int] = {}

    def depth(name: str, seen: Collection[str]) -> int:
        if name not in level:
            befores = [before for before in known[name].run_after if before in known and before not in seen]
            level[name] = max((depth(before, {*seen, name}) + 1 for before in befores), default=0)
        return level[name]

    columns: list[list[Box]] = []
    for box in boxes:
        at = depth(box.name, {box.name})
        columns.extend([] for _ in range(at + 1 - len(columns)))
        columns[at].append(box)
    return [column for column in columns if column]


def _curve(before: Node, after: Node) -> str:
    x1, y1 = before.x + WIDTH, before.y + HEIGHT // 2
    x2, y2 = after.x - 7, after.y + HEIGHT // 2
    bend = max((x2 - x1) // 2, 24)
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
