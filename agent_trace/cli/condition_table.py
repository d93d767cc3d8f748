"""The answer of `agent-trace status` for people: label and value, the ledger as a sum."""

from collections.abc import Iterator

from rich.text import Text

from agent_trace.cli import figures, words
from agent_trace.cli.condition import Condition
from agent_trace.cli.grid import Column, Grid, Line, Note
from agent_trace.delivery.standing.ledger import ConsumerLedger
from agent_trace.instrumentation.instrumentors import install_command
from agent_trace.store.answers import Ledger

_LABEL_CELLS = 12


def condition_table(found: Condition) -> Grid:
    """Labels on the left, in the order in which one asks."""
    return Grid((Column(""),), list(_lines(found)), header=False)


def _lines(found: Condition) -> Iterator[Line]:
    switch = Text("on", "bold green") if found.on else Text("off", "bold yellow")
    yield _labelled("recording", Text.assemble(switch, "  ", words.word(found.why, "dim")))
    yield _labelled("store", words.word(found.directory))
    if found.ledger is None and not found.problems:
        yield from _getting_started()
    if found.ledger is not None:
        size = f"{figures.size(found.ledger.bytes)} in {figures.plural(found.ledger.segments, 'segment')}"
        yield _labelled("", Text(size))
        writers = [
            f"pid {each.pid} ({each.service})" if each.service else f"pid {each.pid}"
            for each in found.writers
        ]
        yield _labelled("writing now", words.joined(writers) if writers else Text("nobody", "dim"))
        yield from _ledger(found.ledger)
    for each in found.deliveries:
        yield from _delivery(each)
    for problem in found.problems:
        yield _labelled("problem", words.word(problem.what, "yellow"))
        if problem.fix:
            yield _labelled("  fix", words.word(problem.fix))
    if not found.problems:
        yield _labelled("problems", Text("none", "green"))
    yield from _attached(found)
    yield _labelled("versions", words.joined(f"{name} {version}" for name, version in found.versions.items()))


def _attached(found: Condition) -> Iterator[Line]:
    """What `agent-trace run` attaches to, or could."""
    for number, entry_point in enumerate(found.entry_points):
        yield _labelled("" if number else "attaches to", words.word(entry_point))
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


def _ledger(ledger: Ledger) -> Iterator[Line]:
    """`recorded` and where each of them went: the lines add up to it."""
    parts: list[tuple[str, int, str]] = [
        ("indexed", ledger.indexed, ""),
        ("pending", ledger.pending, "not read into the index yet"),
        ("torn", ledger.torn, "the process died while it wrote them"),
        ("damaged", ledger.damaged, "set aside, they are no records any more"),
        ("evicted", ledger.evicted, "removed by retention or `agent-trace prune`"),
        *((f"lost: {reason}", count, "never written") for reason, count in ledger.lost.items()),
    ]
    yield from _sum("ledger", ledger.recorded, parts)


def _delivery(ledger: ConsumerLedger) -> Iterator[Line]:
    """The same for a backend."""
    parts: list[tuple[str, int, str]] = [
        ("delivered", ledger.delivered, ""),
        ("pending", ledger.pending, "not sent yet"),
        ("dead-lettered", ledger.dead_lettered, "refused for good; `agent-trace forward --dead`"),
        ("evicted", ledger.evicted, "removed before they could be delivered"),
        ("torn", ledger.torn, ""),
        ("damaged", ledger.damaged, ""),
        *(
            (f"held back: {reason}", count, _HELD.get(reason, ""))
            for reason, count in ledger.held_back.items()
        ),
        *((f"lost: {reason}", count, "never written") for reason, count in ledger.lost.items()),
    ]
    shown = [part for part in parts if part[1] or part[0] in _ALWAYS]
    yield from _sum(ledger.consumer, ledger.recorded, shown)


_ALWAYS = ("delivered", "pending", "dead-lettered")
_HELD = {
    "history": "from before it was set up; `agent-trace forward --once --since 30d` sends them",
    "sampling": "see the setting sample_rate",
    "sent elsewhere": "by the exporter of the program itself",
}


def _sum(label: str, recorded: int, parts: list[tuple[str, int, str]]) -> Iterator[Line]:
    width = len(f"{recorded:,}")
    yield _labelled(label, Text(f"{recorded:>{width},} records, of which"))
    for name, number, meaning in parts:
        line = Text(f"{number:>{width},} {name}", "" if number else "dim")
        if number and meaning:
            line.append(f"  {meaning}", "dim")
        yield _labelled("", line)
    missing = recorded - sum(number for _, number, _ in parts)
    if missing:
        yield _labelled("", Text(f"{missing:>{width},} not accounted for", "bold red"))


def _labelled(label: str, value: Text) -> Note:
    return Note(value, Text(label.ljust(_LABEL_CELLS), "dim"), wraps=True, further=Text(" " * _LABEL_CELLS))
