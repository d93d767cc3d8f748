"""What the user sees: the desk's decisions as they are taken, then what agent_trace recorded of them."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from agent_trace import Store
from agent_trace.cli.costs_table import costs_table
from agent_trace.cli.rendering import signals_table, trace_tree
from agent_trace.store import Filter

from .desk import Outcome
from .prices import Market, momentum, volatility

Interlude = Callable[[Console, Path], None]
"""Shows something else on this console, which records to the store in that directory."""

COLOURS = {"BUY": "green", "SELL": "red", "HOLD": "yellow"}
MAX_WIDTH = 110


class Terminal:
    """Prints to standard output, in colour where there is any."""

    def __init__(self) -> None:
        columns = shutil.get_terminal_size((MAX_WIDTH, 40)).columns
        self.console = Console(width=min(columns, MAX_WIDTH), highlight=False)

    def opening(self, market: Market, model_name: str, where: str) -> None:
        self.heading("A trading desk: analyst, risk, execution and their supervisor, on real prices")
        self.console.print(
            f"  {len(market.symbols)} stocks, closes of {len(market.days)} trading days"
            f" up to {market.days[-1]:%A, %-d %B %Y}\n  model {model_name}, {where}"
        )

    def stock(self, symbol: str, closes: list[float]) -> None:
        self.console.print(
            Text.assemble(
                ("\n  " + symbol.ljust(6), "bold"),
                f"{closes[-1]:.2f} USD",
                (f", {momentum(closes):+.1%} in 20 days, volatility {volatility(closes):.0%}", "dim"),
            )
        )

    def says(self, agent: str, verdict: str, reasoning: str, mishaps: list[str]) -> None:
        for mishap in mishaps:
            self.line(agent, f"{mishap}, asked again", "magenta")
        self.line(agent, verdict.ljust(15), COLOURS.get(verdict.split()[0], ""), reasoning)

    def line(self, agent: str, words: str, colour: str, rest: str = "") -> None:
        text = Text.assemble("    ", (agent.ljust(11), "dim"), (words, colour), rest)
        self.console.print(text, no_wrap=True, overflow="ellipsis")

    def orders(self, outcomes: list[Outcome]) -> None:
        orders = [outcome.order for outcome in outcomes if outcome.order]
        bought = sum(order.shares * order.price for order in orders if order.shares > 0)
        sold = sum(-order.shares * order.price for order in orders if order.shares < 0)
        self.console.print(
            f"\n  {len(orders)} orders on paper: {bought:,.0f} USD bought, {sold:,.0f} USD sold short,"
            f" {len(outcomes) - len(orders)} held."
        )

    def recorded(self, store: Store, run_id: str, before_the_end: Interlude | None = None) -> None:
        """One trace of the run as a tree (the first with an error, if any), its signals and its costs."""
        where = Filter(session=run_id)
        rows = store.traces(where)[::-1]
        chosen = next((row for row in rows if row.errors), rows[0])
        self.part("One of the traces", trace_tree(store.trace(chosen.trace_id)))
        self.part("The signals", signals_table(store.signals(where)))
        self.part("The costs by agent", costs_table(store.costs(where, by="agent"), "agent"))
        if before_the_end is not None:
            before_the_end(self.console, store.directory)
        self.next_steps(store, chosen.trace_id)

    def part(self, title: str, content: RenderableType) -> None:
        self.heading(title)
        self.console.print(Padding(content, (0, 0, 0, 2), expand=False))

    def heading(self, words: str) -> None:
        self.console.print(f"\n[bold]{words}[/]\n")

    def next_steps(self, store: Store, trace_id: str) -> None:
        command = command_name()
        self.heading("Look further")
        commands = {
            "ui": "all of it in your browser",
            "list": "all traces, newest first",
            f"show {trace_id[:8]} --full": "this one, with every prompt and answer",
        }
        width = max(map(len, commands))
        for words, why in commands.items():
            self.console.print(Text.assemble(f"  {command} {words:{width}}  ", (why, "dim")))
        self.console.print(Text(f"\n  It is all in {nearby(store.directory)}", "dim"))


def command_name() -> str:
    """How the user starts agent-trace from here: by name, or by path while its environment is not active."""
    if shutil.which("agent-trace"):
        return "agent-trace"
    beside_python = Path(sys.executable).with_name("agent-trace")
    return (
        nearby(beside_python) if beside_python.exists() else f"{nearby(Path(sys.executable))} -m agent_trace"
    )


def nearby(path: Path) -> str:
    """The path as seen from the working directory, when it lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
