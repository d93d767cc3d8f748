"""The answer of `agent-trace status` for people: label and value, the ledger as a sum."""

from collections.abc import Iterator

from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Grid, Line, Note
from agent_trace.display import figures
from agent_trace.instrumentation.instrumentors import install_command
from agent_trace.reporting import accounts
from agent_trace.reporting.accounts import Account
from agent_trace.reporting.condition import Condition
from agent_trace.reporting.processes import AttachedTold, Process, alike, named

_LABEL_CELLS = 12
_MOST_PROGRAMS = 8
_MOST_ENTRY_POINTS = 12


def condition_table(found: Condition) -> Grid:
    """Labels on the left, in the order in which one asks."""
    return Grid((Column(""),), list(_lines(found)), header=False)


def _lines(found: Condition) -> Iterator[Line]:
    switch = Text("on", "bold green") if found.on else Text("off", "bold yellow")
    yield _labelled("recording", Text.assemble(switch, "  ", words.word(found.why, "dim")))
    yield _labelled("store", words.word(found.directory))
    if found.ledger is None and any(each.attached for each in found.processes if each.is_running):
        yield _labelled("", Text("nothing recorded yet: nothing of what is attached was called", "dim"))
    elif found.ledger is None and not found.problems:
        yield from _getting_started()
    if found.ledger is not None:
        size = f"{figures.size(found.ledger.bytes)} in {figures.plural(found.ledger.segments, 'segment')}"
        yield _labelled("", Text(size))
        writers = [
            f"pid {each.pid} ({each.service})" if each.service else f"pid {each.pid}"
            for each in found.writers
        ]
        yield _labelled("writing now", words.joined(writers) if writers else Text("nobody", "dim"))
        yield from _account(accounts.of_store(found.ledger))
    for each in found.deliveries:
        yield from _account(accounts.of_delivery(each))
    for problem in found.problems:
        yield _labelled("problem", words.word(problem.what, "yellow"))
        if problem.fix:
            yield _labelled("  fix", words.word(problem.fix))
    if not found.problems:
        yield _labelled("problems", Text("none", "green"))
    yield from _attached(found.processes)
    yield from _attachable(found)
    yield _labelled("versions", words.joined(f"{name} {version}" for name, version in found.versions.items()))


def _attached(processes: list[Process]) -> Iterator[Line]:
    """What is attached in programs that run."""
    groups = alike(processes)
    for number, group in enumerate(groups[:_MOST_PROGRAMS]):
        yield _labelled("" if number else "attached", words.word(f"in {named(group)}:"))
        rows = group[0].attached
        width = max(len(each.entry_point) for each in rows[:_MOST_ENTRY_POINTS])
        for each in rows[:_MOST_ENTRY_POINTS]:
            line = words.word(f"  {each.entry_point:{width}}  ")
            line.append_text(words.word(_state(each), "" if each.functions else "yellow"))
            yield _labelled("", line)
        yield from _more(len(rows) - _MOST_ENTRY_POINTS, "  and {} more")
    yield from _more(len(groups) - _MOST_PROGRAMS, "and in {} more; `agent-trace status --json` has them all")


def _state(each: AttachedTold) -> str:
    if each.state == "attached":
        return figures.plural(each.functions, "function")
    return {"waiting": "waits for its import", "missing": "not found"}.get(each.state, each.state)


def _more(number: int, sentence: str) -> Iterator[Line]:
    if number > 0:
        yield _labelled("", Text(sentence.format(f"{number:,}"), "dim"))


def _attachable(found: Condition) -> Iterator[Line]:
    """What `agent-trace run` attaches to, or could."""
    for number, entry_point in enumerate(found.entry_points):
        yield _labelled("" if number else "instrument", words.word(entry_point))
    if found.entry_points:
        yield _labelled("", Text("attached by `agent-trace run`, or `instrument_from_settings()`", "dim"))
    ready = [f"{each.name} {each.version}" for each in found.providers if each.version]
    if ready:
        yield _labelled("providers", words.joined(ready))
        yield _labelled(
            "", Text("attached by `agent-trace run --providers`, or `instrument_providers()`", "dim")
        )
    lacking = [each.name for each in found.providers if not each.version]
    if lacking:
        yield _labelled("" if ready else "providers", words.word(f"not attached: {', '.join(lacking)}"))
        yield _labelled("  fix", words.word(install_command(lacking)))


def _getting_started() -> Iterator[Line]:
    yield _labelled("", Text("nothing recorded yet. Write", "dim"))
    for line in ("from agent_trace import observe_llm", "", "@observe_llm", "def ask(prompt): ..."):
        yield _labelled("", Text(f"  {line}", "cyan"))
    yield _labelled("", Text("and call it, or try `agent-trace demo`.", "dim"))


def _account(account: Account) -> Iterator[Line]:
    """`recorded` and where each of them went: the lines add up to it."""
    width = len(f"{account.recorded:,}")
    yield _labelled(account.whose or "ledger", Text(f"{account.recorded:>{width},} records, of which"))
    for part in account.told:
        line = Text(f"{part.count:>{width},} {part.name}", "" if part.count else "dim")
        if part.count and part.meaning:
            line.append(f"  {part.meaning}", "dim")
        yield _labelled("", line)
    if account.missing:
        yield _labelled("", Text(f"{account.missing:>{width},} not accounted for", "bold red"))


def _labelled(label: str, value: Text) -> Note:
    return Note(value, Text(label.ljust(_LABEL_CELLS), "dim"), wraps=True, further=Text(" " * _LABEL_CELLS))
