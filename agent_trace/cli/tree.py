"""One trace as a tree: every observation with its times, tokens and cost, and below it what happened in it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import ConsoleOptions, Group, RenderableType
from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.content import content
from agent_trace.cli.grid import Column, Fitted, Grid, Line, Note, Row
from agent_trace.display import figures
from agent_trace.display.visible import visible
from agent_trace.observation import Observation
from agent_trace.store.answers import Node, Score, Trace, TraceRow

_BAR_CELLS: Final = 20
_MAX_GUIDES_IN_A_PIPE: Final = 40
_COLUMNS: Final = (
    Column("", rank=10, shrinks_to=24),
    Column("TYPE", rank=4),
    Column("MODEL", rank=3, shrinks_to=14),
    Column("TOOK", rank=8, align="right"),
    Column("TOKENS", rank=6, align="right"),
    Column("COST", rank=7, align="right"),
    Column("WHEN", rank=2),
    Column("ID", rank=1),
)


def trace_tree(trace: Trace, scores: Sequence[Score] = (), *, full: bool = False) -> Fitted:
    """A trace's summary and its tree; with `full` also inputs, outputs, metadata and stack traces."""
    judged: dict[str | None, list[Score]] = {}
    for score in scores:
        judged.setdefault(score.observation_id, []).append(score)

    def build(options: ConsoleOptions) -> RenderableType:
        guides = max(3, options.max_width // 12) if options.is_terminal else _MAX_GUIDES_IN_A_PIPE
        lines = list(_lines(trace, judged, guides, full, options.is_terminal))
        own = [Text.assemble(("score ", "dim"), words.score(each)) for each in judged.get(None, ())]
        return Group(*_summary(trace, options.is_terminal), *own, Text(), Grid(_COLUMNS, lines))

    return Fitted(build)


def _summary(trace: Trace, is_terminal: bool) -> Iterator[Text]:
    """What ran, how it ended, what it cost, what was decided."""
    row = trace.row
    head = [words.word(row.name, "bold"), words.status(row.status), Text(figures.duration(row.duration_ns))]
    head.append(Text(figures.money(row.cost, row.unpriced), "bold"))
    yield Text("  ").join(head)
    when = figures.full_moment(row.start_ns)
    yield Text.assemble(("trace ", "dim"), (trace.trace_id, "cyan"), "  ", when[:19] if is_terminal else when)
    counts = [figures.plural(row.observations, "observation"), figures.plural(row.generations, "generation")]
    if row.errors:
        counts.append(figures.plural(row.errors, "error"))
    if row.tokens:
        counts.append(f"{figures.count(row.tokens)} tokens")
    if row.unpriced:
        counts.append(f"{row.unpriced} without a known price")
    yield Text(", ".join(counts))
    yield from _belonging(row)


def _belonging(row: TraceRow) -> Iterator[Text]:
    pairs = (
        ("agents", ", ".join(row.agents)),
        ("tenant", row.tenant_id),
        ("session", row.session_id),
        ("user", row.user_id),
    )
    parts = [Text.assemble((f"{name} ", "dim"), visible(value)) for name, value in pairs if value]
    if parts:
        yield Text("  ").join(parts)
    if row.signals:
        yield Text.assemble(("signals ", "dim"), words.actions(row.signals))


def _lines(
    trace: Trace, judged: Mapping[str | None, list[Score]], max_guides: int, full: bool, is_terminal: bool
) -> Iterator[Line]:
    bounds = _bounds(trace.observations)
    # A stack of our own: a trace may be nested deeper than Python recurses.
    waiting = [(0, "", "", root) for root in reversed(trace.roots)]
    while waiting:
        depth, guide, margin, node = waiting.pop()
        marker = f"⋯[{depth}] " if depth > max_guides else ""
        yield _row(node, Text(guide + marker, "dim"), bounds, is_terminal)
        below = Text(margin + ("│ " if node.children else "  "), "dim")
        for score in judged.get(node.observation.id, ()):
            yield Note(Text.assemble(("★ ", "cyan"), words.score(score)), below, wraps=full)
        yield from _notes(node, below, full)
        for child in reversed(node.children):
            is_last = child is node.children[-1]
            if depth < max_guides:
                guides = (margin + ("└─ " if is_last else "├─ "), margin + ("   " if is_last else "│  "))
            else:
                guides = (guide, margin)
            waiting.append((depth + 1, *guides, child))


def _row(node: Node, guide: Text, bounds: tuple[int, int], is_terminal: bool) -> Row:
    found = node.observation
    failed = found.level == "ERROR"
    return (
        Text.assemble(guide, words.word(found.name or found.type, "bold red" if failed else "bold")),
        words.word(found.type, "dim"),
        words.word(found.model),
        _took(node),
        Text(figures.tokens(found.usage) if found.usage else ""),
        Text(_cost(found)),
        _bar(found, bounds) if is_terminal else words.started(found.start_ns, is_terminal=False),
        words.identifier(found.id, is_terminal=is_terminal),
    )


def _took(node: Node) -> Text:
    if node.state == "finished":
        return Text(figures.duration(node.observation.duration_ns))
    return words.status(node.state)


def _cost(found: Observation) -> str:
    if found.total_cost is None and not found.usage:
        return ""
    return figures.money(found.total_cost, unpriced=int(found.total_cost is None))


def _bounds(observations: Sequence[Observation]) -> tuple[int, int]:
    starts = [each.start_ns for each in observations]
    ends = [each.end_ns or each.start_ns for each in observations]
    return min(starts, default=0), max(ends, default=0)


def _bar(found: Observation, bounds: tuple[int, int]) -> Text:
    """When it ran, as a bar on the time of the whole trace."""
    first, last = bounds
    span_ns = max(last - first, 1)
    end_ns = last if found.end_ns is None else found.end_ns
    start = min(max(int((found.start_ns - first) / span_ns * _BAR_CELLS), 0), _BAR_CELLS - 1)
    stop = min(max(round((end_ns - first) / span_ns * _BAR_CELLS), start + 1), _BAR_CELLS)
    style = {"ERROR": "red", "WARNING": "yellow"}.get(found.level, "blue")
    bar = Text("█" * (stop - start), style if found.end_ns is not None else "cyan")
    return Text.assemble(" " * start, bar, " " * (_BAR_CELLS - stop))


def _notes(node: Node, margin: Text, full: bool) -> Iterator[Note]:
    """What happened in one observation: failures, decisions, what was hidden and what was cut."""
    found = node.observation
    for failure in _with_earlier(found.error):
        yield Note(Text.assemble(("✗ ", "red"), words.error(failure)), margin, wraps=full)
    if found.status_message and not found.error:
        yield Note(words.prose(f"! {found.status_message}", "yellow"), margin, wraps=full)
    for given in _with_earlier(found.signal):
        yield Note(Text.assemble(("→ ", "magenta"), words.signal(given)), margin, wraps=full)
    for rule, times in Counter(str(each.get("rule")) for each in found.redactions).items():
        yield Note(Text(f"▸ redacted {visible(rule)} ×{times}{_where(found, rule)}", "yellow"), margin)
    for cut in found.truncated:
        yield Note(Text(f"▸ {_cut(cut)}", "yellow"), margin)
    if full:
        yield from _contents(found, margin)


def _with_earlier(entry: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """All signals, or errors, of one observation, the oldest first."""
    return [*(entry.get("earlier") or ()), entry] if entry else []


def _where(found: Observation, rule: str) -> str:
    paths = [
        str(each.get("path")) for each in found.redactions if each.get("rule") == rule and each.get("path")
    ]
    return f" in {visible(paths[0])}{' …' if len(paths) > 1 else ''}" if paths else ""


def _cut(cut: Mapping[str, Any]) -> str:
    """`input.messages[3] cut: 1.0 MiB of 10 MiB kept`."""
    unit, kept, of = str(cut.get("unit", "")), cut.get("kept"), cut.get("of")
    if not isinstance(kept, int):
        return visible(f"{cut.get('path')} cut")
    in_bytes = unit == "bytes"
    numbers = [
        figures.size(each) if in_bytes else f"{each:,}" for each in (kept, of) if isinstance(each, int)
    ]
    return visible(f"{cut.get('path')} cut: {' of '.join(numbers)}{'' if in_bytes else f' {unit}'} kept")


def _contents(found: Observation, margin: Text) -> Iterator[Note]:
    stack = (found.error or {}).get("stack")
    labelled = (
        ("input", found.input),
        ("output", found.output),
        ("parameters", found.model_parameters),
        ("finish reason", found.finish_reason),
        ("tags", ", ".join(found.tags)),
        ("metadata", found.metadata),
        ("entry point", found.entry_point),
        ("stack", stack.rstrip() if isinstance(stack, str) else None),
    )
    for label, value in labelled:
        if value not in (None, "", {}, []):
            yield Note(Text(label, "bold dim"), margin)
            yield Note(content(value), Text.assemble(margin, "  "), wraps=True)
