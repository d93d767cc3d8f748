"""Pages of the documentation as a test sees them: fenced blocks with the comments above them, headings, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(r"^(?P<fence>`{3,})(?P<language>[\w-]*)\s*$")
_COMMENT: Final = re.compile(r"^<!--\s*(?P<word>not run|file|prints)(?::\s*(?P<argument>.+?))?\s*-->$")
_HEADING: Final = re.compile(r"^#{1,6}\s+(.+?)\s*$")
_LINK: Final = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One fenced block. `order` is what the comment above it says: `not run`, `file`, `prints`, or nothing."""

    page: Path
    line: int
    language: str
    text: str
    order: str = ""
    argument: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that a user reads."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, from top to bottom. `line` is that of the first line of text."""
    return list(_blocks(page, page.read_text(encoding="utf-8").splitlines()))


def _blocks(page: Path, lines: list[str]) -> Iterator[Block]:
    number, comment = 0, None
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            comment = _COMMENT.match(lines[number]) or (comment if not lines[number].strip() else None)
            number += 1
            continue
        end = lines.index(opening["fence"], number + 1)
        text = "".join(f"{line}\n" for line in lines[number + 1 : end])
        order, argument = (comment["word"], comment["argument"] or "") if comment else ("", "")
        yield Block(page, number + 2, opening["language"], text, order, argument)
        number, comment = end + 1, None


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    kept, fence = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        opening = _FENCE.match(line)
        if fence:
            fence = "" if line == fence else fence
        elif opening:
            fence = opening["fence"]
        else:
            kept.append(line)
    return "\n".join(kept)


def headings(page: Path) -> list[str]:
    """Texts of the headings of a page."""
    return [found[1] for line in prose(page).splitlines() if (found := _HEADING.match(line))]


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`, as GitHub makes it of the headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


def links(page: Path) -> list[str]:
    """Targets of the links of a page that lead to a file of this repository."""
    return [
        found
        for found in _LINK.findall(prose(page))
        if "://" not in found and not found.startswith("mailto:")
    ]


def table(page: Path, first_column: str) -> list[list[str]]:
    """The cells of every row, of all tables whose first column has that title."""
    rows: list[list[str]] = []
    inside = False
    for line in prose(page).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif inside and not set(line) <= set("|-: "):
            rows.append(cells)
        elif cells[0] == first_column:
            inside = True
    return rows
