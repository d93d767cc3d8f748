"""A trace as a cell of a notebook shows it: one piece of HTML with its own styles, without scripts and links.

Everything recorded is foreign text: it is escaped, and what is hidden or steers in it is spelt out.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from agent_trace.display import figures
from agent_trace.display.visible import one_line
from agent_trace.display.waterfall import Axis
from agent_trace.observation import Observation
from agent_trace.store.answers import Node, Trace, TraceRow

MOST_LINES: Final = 300
"""A notebook keeps what it shows in its file."""
_MOST_STEPS: Final = 20
_COLOURS: Final = {
    "agent": "#8457d1",
    "generation": "#2f7fd6",
    "embedding": "#2f7fd6",
    "tool": "#0e8b9c",
    "retriever": "#0e8b9c",
}
_OTHER: Final = "#77828f"
_FAILED: Final = "#d6453d"

# Colours are the notebook's own, light or dark; names are ours, so that no style reaches beyond the fragment.
_STYLE: Final = """
.agent-trace-cell{font-size:13px;line-height:1.4;max-width:100%;overflow-x:auto}
.agent-trace-cell table{border-collapse:collapse;width:100%;min-width:36rem}
.agent-trace-cell th,.agent-trace-cell td{text-align:left;padding:2px 8px 2px 0;border-bottom:1px solid rgba(128,128,128,.25);white-space:nowrap}
.agent-trace-cell th{font-weight:600;opacity:.75}
.agent-trace-cell .agent-trace-number{text-align:right;font-variant-numeric:tabular-nums}
.agent-trace-cell .agent-trace-when{width:35%;min-width:8rem}
.agent-trace-cell svg{display:block;width:100%;height:12px}
.agent-trace-cell p{margin:0 0 6px}
"""


def trace_html(trace: Trace) -> str:
    """The summary of a trace, and a line for each observation with its bar in time; the first few hundred of them."""
    row = trace.row
    starts = [each.start_ns for each in trace.observations]
    ends = [each.end_ns or each.start_ns for each in trace.observations]
    axis = Axis(min(starts, default=row.start_ns), max(ends, default=row.start_ns))
    lines = "".join(_lines(trace, axis))
    left_out = len(trace.observations) - MOST_LINES
    more = f"<p>{left_out:,} more observations are not shown</p>" if left_out > 0 else ""
    return (
        f'<div class="agent-trace-cell"><style>{_STYLE}</style>{_summary(row)}<table><thead><tr>'
        "<th>Observation</th><th>Model</th>"
        + "".join(f'<th class="agent-trace-number">{each}</th>' for each in ("Tokens", "Cost", "Took"))
        + f'<th class="agent-trace-when"></th></tr></thead><tbody>{lines}</tbody></table>{more}</div>'
    )


def _summary(row: TraceRow) -> str:
    said = [
        row.status,
        figures.full_moment(row.start_ns),
        figures.duration(row.duration_ns),
        figures.plural(row.observations, "observation"),
    ]
    if row.tokens:
        said.append(f"{figures.count(row.tokens)} tokens")
    if row.cost is not None or row.unpriced:
        said.append(figures.money(row.cost, row.unpriced))
    said += [_word(action) for action in row.signals[:5]]
    return f"<p><b>{_word(row.name)}</b> {' · '.join(said)} <code>{_word(row.trace_id)}</code></p>"


def _lines(trace: Trace, axis: Axis) -> Iterator[str]:
    for number, (depth, node) in enumerate(trace.walk()):
        if number == MOST_LINES:
            return
        yield _line(depth, node, axis)


def _line(depth: int, node: Node, axis: Axis) -> str:
    found = node.observation
    name = _word(found.name or found.type)
    took = figures.duration(found.duration_ns) if node.state == "finished" else node.state
    cells = (figures.count(sum(found.usage.values())) if found.usage else "", _cost(found), took)
    return (
        f'<tr><td style="padding-left:{min(depth, _MOST_STEPS) * 14}px">'
        f"{'<b>✗</b> ' if found.level == 'ERROR' else ''}{name} <small>{_word(found.type)}{_said(found)}</small></td><td>{_word(found.model)}</td>"
        + "".join(f'<td class="agent-trace-number">{each}</td>' for each in cells)
        + f'<td class="agent-trace-when">{_bar(node, axis)}</td></tr>'
    )


def _said(found: Observation) -> str:
    """What an observation decided, and how it failed."""
    action = (found.signal or {}).get("action")
    message = (found.error or {}).get("message") or found.status_message
    return (f" · {_word(action, 40)}" if action else "") + (f" · {_word(message, 80)}" if message else "")


def _cost(found: Observation) -> str:
    if found.total_cost is None and not found.usage:
        return ""
    return figures.money(found.total_cost, unpriced=int(found.total_cost is None))


def _bar(node: Node, axis: Axis) -> str:
    found = node.observation
    interrupted = node.state == "interrupted"
    x, width = axis.place(found.start_ns, found.start_ns if interrupted else found.end_ns)
    colour = _FAILED if found.level == "ERROR" else _COLOURS.get(found.type, _OTHER)
    return f'<svg aria-hidden="true"><rect x="{x}%" y="2" width="{max(width, 0.3)}%" height="8" rx="2" fill="{colour}"/></svg>'


def _word(text: object, most: int = 160) -> str:
    return "" if text is None else escape(one_line(text, most))
