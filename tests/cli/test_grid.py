import io

from rich.console import Console
from rich.text import Text

from agent_trace.cli.grid import Column, Grid, Note


def drawn(grid: Grid, width: int, **options) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, **options).print(grid)
    return stream.getvalue().splitlines()


def rows(*cells: tuple[str, ...]) -> list[list[Text]]:
    return [[Text(cell) for cell in row] for row in cells]


COLUMNS = (
    Column("NAME", rank=10, shrinks_to=6),
    Column("COST", rank=5, align="right"),
    Column("NOTE", rank=1),
)


def test_columns_are_aligned_and_lines_end_where_their_text_ends():
    assert drawn(Grid(COLUMNS, rows(("a", "1", "x"), ("bb", "12.5", ""))), 80) == [
        "NAME  COST  NOTE",
        "a        1  x",
        "bb    12.5",
    ]


def test_what_matters_least_goes_first_when_it_is_narrow():
    lines = rows(("a name that is long", "$0.0123", "and a note"))
    assert drawn(Grid(COLUMNS, lines), 25) == ["NAME                 COST", "a name that is …  $0.0123"]
    assert drawn(Grid(COLUMNS, lines), 8) == ["NAME", "a name …"]


def test_a_column_that_says_nothing_is_not_shown():
    assert drawn(Grid(COLUMNS, rows(("a", "", "x"))), 80) == ["NAME  NOTE", "a     x"]


def test_no_line_is_wider_than_the_terminal():
    wide = rows(("名" * 50, "1" * 20, "n" * 200), ("short", "2", "x"))
    note = Note(Text("very long " * 40), Text("│  "), wraps=True)
    for width in (20, 60, 100, 160):
        lines = drawn(Grid(COLUMNS, [*wide, note]), width)
        assert max(Text(line).cell_len for line in lines) <= width


def test_a_long_note_wraps_below_its_margin_and_indent():
    note = Note(Text("  " + "word " * 10), Text("│ "), wraps=True)
    assert drawn(Grid((Column(""),), [note], header=False), 30) == [
        "│   word word word word word",
        "│   word word word word word",
    ]


def test_foreign_text_is_never_markup():
    assert drawn(Grid(COLUMNS, rows(("[red]a[/red]", ":smile:", "[link=x]"))), 80)[1].startswith(
        "[red]a[/red]  :smile:"
    )


def test_a_terminal_without_unicode_gets_ascii_lines():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(file=stream, width=80, color_system=None).print(Grid((Column("A"),), rows(("├─ x → y…",))))
    stream.flush()
    assert stream.buffer.getvalue().splitlines()[1] == b"|- x > y~"
