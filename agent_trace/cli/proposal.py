"""What discovery found, for people and as JSON: entry points and what bypasses them. The settings: `pasting.py`."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import ConsoleOptions, Group, RenderableType
from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import GAP, Column, Fitted, Grid, Line, Note
from agent_trace.discovery import DirectCall, EntryPoint, Factory, Proposal
from agent_trace.display import figures

_CALLS_SHOWN: Final = 12
_UNREADABLE_SHOWN: Final = 5
"""In a terminal; elsewhere all of them are."""

_INDENT: Final = "    "
_NUMBERED: Final = {
    "test file": "test files",
    "hidden folder": "hidden folders",
    "virtual environment": "virtual environments",
    "folder of build output": "folders of build output",
    "file over 2 MB": "files over 2 MB",
    "broken link": "broken links",
    "special file": "special files",
}


def as_dictionary(found: Proposal) -> dict[str, Any]:
    """All of it, with the setting and the providers, for programs."""
    return {
        "start": str(found.start),
        "files": found.files,
        "skipped": found.skipped,
        "unreadable": found.unreadable,
        "models": found.models,
        "agents": found.agents,
        "functions": found.functions,
        "factories": found.factories,
        "direct_calls": found.direct_calls,
        "providers": found.providers,
        "instrument": found.instrument,
    }


def proposal_table(found: Proposal) -> Fitted:
    """What was read, and what was found in it, part by part."""
    return Fitted(lambda options: Group(*_parts(found, options)))


def left_out(found: Proposal) -> str:
    """`3 test files, 1 virtual environment`."""
    return ", ".join(
        f"{number:,} {reason if number == 1 else _NUMBERED.get(reason, reason)}"
        for reason, number in found.skipped.items()
    )


def _parts(found: Proposal, options: ConsoleOptions) -> Iterator[RenderableType]:
    yield from _read(found, options.is_terminal)
    width = options.max_width
    yield from _section("Models  (each call: what was asked, answered, used)", _entries(found.models), width)
    yield from _section("Agents  (whatever they ask is recorded as theirs)", _entries(found.agents), width)
    yield from _section("Functions that ask a client themselves", _entries(found.functions), width)
    yield from _section("Factories", list(map(_factory, found.factories)), width)
    yield from _direct_calls(found, options.is_terminal)


def _read(found: Proposal, is_terminal: bool) -> Iterator[RenderableType]:
    head = Text.assemble((found.start.name, "bold"), f": {figures.plural(found.files, 'Python file')}")
    if found.skipped:
        head.append(f"; left out: {left_out(found)}", "dim")
    yield _wrapped(head)
    if found.unreadable:
        unread = "1 of them" if len(found.unreadable) == 1 else f"{len(found.unreadable):,} of them"
        yield _wrapped(Text(f"{unread} could not be read:", "yellow"))
        shown = found.unreadable[:_UNREADABLE_SHOWN] if is_terminal else found.unreadable
        columns = (Column("PATH", rank=9, shrinks_to=30), Column("WHY", rank=5, shrinks_to=20))
        rows = [(words.word(f"  {each.path}"), words.prose(each.why, "dim")) for each in shown]
        yield Grid(columns, rows, header=False)
        yield from _more(len(found.unreadable) - len(shown))


_Item = tuple[Text, Text]
"""An entry point, and what is said of it."""


def _entries(entries: Sequence[EntryPoint]) -> list[_Item]:
    return [
        (words.word(each.entry, "cyan"), _said(each))
        for each in sorted(entries, key=lambda each: -each.overrides)
    ]


def _said(each: EntryPoint) -> Text:
    said = words.word(f"{each.path}:{each.line}", "dim")
    if each.overrides:
        said.append(f"  overridden by {each.overrides} of {figures.plural(each.subclasses, 'subclass')}")
    elif each.subclasses:
        said.append(f"  inherited by {figures.plural(each.subclasses, 'subclass')}")
    if each.runs_itself:
        said.append("  not imported by others: see below", "yellow")
    return said


def _factory(each: Factory) -> _Item:
    said = words.word(f"{each.path}:{each.line}", "dim")
    said.append_text(
        Text.assemble("  makes ", words.joined(each.makes) if each.makes else "what is told at run time")
    )
    said.append("" if each.needed else ", attached already", "dim")
    return words.word(each.entry, "cyan"), said


def _section(title: str, items: Sequence[_Item], width: int) -> Iterator[RenderableType]:
    """One line each where all of them fit, and two where not: an entry point is never cut."""
    if not items:
        return
    name, _, meaning = title.partition("  ")
    yield Text.assemble("\n", (name, "bold"), (f"  {meaning}" if meaning else "", "dim"))
    longest = max(entry.cell_len for entry, _ in items) + GAP + max(said.cell_len for _, said in items)
    if longest <= width:
        yield Grid((Column("", rank=9), Column("")), items, header=False)
        return
    lines: list[Line] = []
    for entry, said in items:
        lines += [Note(entry, Text(), wraps=True), Note(said, Text(_INDENT), wraps=True)]
    yield Grid((Column(""),), lines, header=False)


def _direct_calls(found: Proposal, is_terminal: bool) -> Iterator[RenderableType]:
    if not found.direct_calls:
        return
    inside = len(found.direct_calls) - len(found.bypassing)
    yield Text("\nDirect calls of clients", "bold")
    bypassing = f"{len(found.bypassing)} bypass{'es' if len(found.bypassing) == 1 else ''}"
    yield _wrapped(
        Text(
            f"{inside} inside the entry points above, {bypassing if found.bypassing else 'none bypasses'} them"
        )
    )
    shown = found.bypassing[:_CALLS_SHOWN] if is_terminal else found.bypassing
    if shown:
        columns = (Column("WHERE", rank=10), Column("CALL", rank=8, shrinks_to=20), Column("IN", rank=5))
        yield Grid(columns, list(map(_call, shown)), header=False)
        yield from _more(len(found.bypassing) - len(shown))


def _call(each: DirectCall) -> tuple[Text, Text, Text]:
    return (
        words.word(f"{each.path}:{each.line}"),
        words.word(f"{each.provider} {each.call}"),
        words.word(each.within, "dim"),
    )


def _wrapped(text: Text) -> Grid:
    return Grid((Column(""),), [Note(text, Text(), wraps=True)], header=False)


def _more(number: int) -> Iterator[Text]:
    if number > 0:
        yield Text(f"  and {number:,} more; `--json` has them all", "dim")
