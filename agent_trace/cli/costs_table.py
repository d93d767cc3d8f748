"""Costs as a table with totals and shares, as JSON and as CSV; and what could be saved, in sentences."""

import csv
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from rich.text import Text

from agent_trace.cli import words
from agent_trace.cli.grid import Column, Grid, Row
from agent_trace.display import figures
from agent_trace.reporting import sums
from agent_trace.spending.savings import Savings
from agent_trace.store.answers import CostRow

_MOST_CHEAPER: Final = 3


def costs_table(rows: Sequence[CostRow], by: str) -> Grid:
    """One line for each key, and the sum of all."""
    columns = (
        Column(by.upper(), rank=10, shrinks_to=10),
        Column("CALLS", rank=6, align="right"),
        Column("INPUT", rank=3, align="right"),
        Column("CACHED", rank=2, align="right"),
        Column("OUTPUT", rank=3, align="right"),
        Column("TOKENS", rank=5, align="right"),
        Column("COST", rank=9, align="right"),
        Column("SHARE", rank=8, align="right"),
    )
    whole = sums.total_of(rows)
    lines = [_row(row, row.key or f"(no {by})", whole.total) for row in rows]
    if len(rows) > 1:
        lines.append([Text(cell.plain, "bold") for cell in _row(whole, sums.ALL, whole.total)])
    return Grid(columns, lines)


def _row(row: CostRow, name: str, whole: Decimal | None) -> Row:
    tokens = sums.token_sums(row)
    return (
        words.word(name),
        Text(figures.count(row.calls)),
        Text(figures.count(tokens.going_in)),
        Text(figures.count(tokens.cached) if tokens.cached else figures.UNKNOWN),
        Text(figures.count(tokens.coming_out)),
        Text(figures.count(tokens.everything)),
        Text(figures.money(row.total, row.unpriced)),
        Text(sums.percent(row.total, whole)),
    )


def ordered(rows: Sequence[CostRow], by: str) -> Sequence[CostRow]:
    """Days in their order; all else as the store has it, what cost most first."""
    return sorted(rows, key=lambda row: row.key) if by == "day" else rows


def unpriced_lines(rows: Sequence[CostRow], by: str) -> Iterator[Text]:
    """What the `?` behind a cost means; nothing where there is none."""
    count = sums.total_of(rows).unpriced
    if count:
        calls = figures.plural(count, "call")
        yield Text(
            f"?  the sums lack {calls} of models without a known price: give one in the setting `prices`",
            "dim",
        )
        if by != "model":
            yield Text("   agent-trace costs --by model  shows which these are", "dim")


def as_answer(rows: Sequence[CostRow], by: str, savings: Savings | None, prices: str) -> dict[str, Any]:
    """The same for programs. Money is in US dollars, shares are from 0 to 1."""
    whole = sums.total_of(rows)
    return {
        "by": by,
        "rows": [_fields(row, whole.total) for row in rows],
        "total": _fields(whole, whole.total),
        "prices": prices,
        "savings": savings,
    }


def _fields(row: CostRow, whole: Decimal | None) -> dict[str, Any]:
    share = sums.share(row.total, whole)
    return {
        "key": row.key,
        "cost": row.total,
        "share": None if share is None else round(float(share), 6),
        "calls": row.calls,
        "unpriced_observations": row.unpriced,
        "tokens": row.tokens,
    }


def write_csv(rows: Sequence[CostRow], by: str) -> None:
    """A line for each key on stdout, without a sum."""
    classes = sorted({name for row in rows for name in row.tokens})
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([by, "cost", "calls", "unpriced_observations", *(f"{name}_tokens" for name in classes)])
    for row in rows:
        cost = "" if row.total is None else format(row.total, "f")
        counts = [row.tokens.get(name, 0) for name in classes]
        out.writerow([_harmless(row.key), cost, row.calls, row.unpriced, *counts])


def _harmless(text: str) -> str:
    # Names come from elsewhere, and a spreadsheet takes these for the beginning of a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def savings_lines(savings: Savings | None) -> Iterator[Text]:
    """What could be saved, a line each; nothing when there is nothing."""
    found = [] if savings is None else list(_found(savings))
    if savings is None or not found:
        return
    yield Text()
    yield Text(f"What could be saved of the newest {figures.plural(savings.looked_at, 'generation')}", "bold")
    yield from found


def _found(savings: Savings) -> Iterator[Text]:
    for each in savings.cheaper[:_MOST_CHEAPER]:
        yield Text.assemble(
            f"  {figures.money(each.saving)} of {figures.money(each.spent)} with ",
            words.word(each.cheaper),
            " in the place of ",
            words.word(each.model),
            f", which it is used beside for prompts of {each.prompts} tokens ({figures.plural(each.calls, 'call')})",
        )
    if savings.repeated_calls:
        yield Text(
            f"  {figures.money(savings.repeated_saving)} by caching {figures.count(savings.repeated_tokens)} tokens that "
            f"{figures.plural(savings.repeated_calls, 'call')} sent again unchanged"
        )
    if savings.retries:
        cost = figures.money(savings.retries_cost)
        yield Text(
            f"  {cost} paid for answers that were asked for again ({figures.plural(savings.retries, 'retry')})"
        )
