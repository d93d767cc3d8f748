"""A table that fits: columns that matter less are left out of narrow terminals, and nothing is cut in a pipe.

A grid is columns and lines; a line is either one cell a column, or a note over the whole width. rich draws
the text; which columns stay, and how wide they are, is decided here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

GAP: Final = 2
_ASCII: Final = str.maketrans("│├└─→✗✓…—·µ×▸▏█⋯", "||`->xv~-.ux>|#.")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Of those that do not fit, the ones with the lowest `rank` go first.

    `shrinks_to` is the width to which a column may be cut; None: it is shown whole or not at all.
    """

    title: str
    rank: int = 5
    align: Literal["left", "right"] = "left"
    shrinks_to: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A line over all columns. One that wraps starts each further line with `further`, or else `margin` again."""

    text: Text
    margin: Text
    wraps: bool = False
    further: Text | None = None


Row = Sequence[Text]
Line = Row | Note


class Fitted:
    """A renderable that is built when it is known where it goes: how wide that is, and whether a person looks."""

    def __init__(self, build: Callable[[ConsoleOptions], RenderableType]) -> None:
        self.build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.build(options)


class Grid:
    """A rich renderable: `console.print(Grid(columns, lines))`."""

    def __init__(self, columns: Sequence[Column], lines: Sequence[Line], *, header: bool = True) -> None:
        self.columns = columns
        self.lines = lines
        self.header = header

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self._laid_out(console, options):
            line.no_wrap, line.overflow = True, "ignore"
            if options.ascii_only:
                line.plain = line.plain.translate(_ASCII)
            yield line

    def _laid_out(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        widths = self._widths(options.max_width)
        if self.header:
            titles = [Text(column.title, "dim") for column in self.columns]
            yield self._row(titles, widths)
        for line in self.lines:
            if isinstance(line, Note):
                yield from _note(line, console, options.max_width)
            else:
                yield self._row(line, widths)

    def _widths(self, max_width: int) -> dict[int, int]:
        """The width of each column that is shown, by its place."""
        natural = {
            place: width
            for place in range(len(self.columns))
            if (width := self._natural_width(place)) is not None
        }
        shown = _fitting(natural, self.columns, max_width)
        excess = sum(shown.values()) + GAP * (len(shown) - 1) - max_width
        while excess > 0:
            elastic = {
                i: width for i, width in shown.items() if width > (self.columns[i].shrinks_to or width)
            }
            if not elastic:
                break
            place = min(elastic, key=lambda i: self.columns[i].rank)
            given_up = min(excess, shown[place] - (self.columns[place].shrinks_to or 0))
            shown[place] -= given_up
            excess -= given_up
        return shown

    def _natural_width(self, place: int) -> int | None:
        """The width of the longest cell; None for a column that has nothing to say."""
        longest = max((line[place].cell_len for line in self.lines if not isinstance(line, Note)), default=0)
        if longest == 0:
            return None
        return max(longest, len(self.columns[place].title)) if self.header else longest

    def _row(self, cells: Row, widths: dict[int, int]) -> Text:
        line = Text()
        for place, width in widths.items():
            cell = cells[place].copy()
            if cell.cell_len > width:
                cell.truncate(width, overflow="ellipsis")
            blank = " " * (width - cell.cell_len)
            line.append(" " * GAP if line else "")
            if self.columns[place].align == "right":
                line.append(blank)
                blank = ""
            line.append_text(cell)
            line.append(blank)
        line.rstrip()
        return line


def _fitting(natural: dict[int, int], columns: Sequence[Column], max_width: int) -> dict[int, int]:
    """The columns that can be shown together, at their natural widths."""
    shown = dict(natural)

    def least() -> int:
        return sum(min(width, columns[i].shrinks_to or width) for i, width in shown.items())

    while len(shown) > 1 and least() + GAP * (len(shown) - 1) > max_width:
        # Of equals the one further right goes first.
        del shown[min(shown, key=lambda i: (columns[i].rank, -i))]
    return shown


def _note(note: Note, console: Console, max_width: int) -> Iterator[Text]:
    if not note.wraps:
        line = Text.assemble(note.margin, note.text)
        line.truncate(max_width, overflow="ellipsis")
        yield line
        return
    margin = note.margin
    for paragraph in note.text.split("\n", allow_blank=True):
        indent = " " * (len(paragraph.plain) - len(paragraph.plain.lstrip(" ")))
        room = max(max_width - margin.cell_len - len(indent), 20)
        for part in paragraph[len(indent) :].wrap(console, room, overflow="fold"):
            part.rstrip()
            yield Text.assemble(margin, indent, part)
            margin = note.further or margin
