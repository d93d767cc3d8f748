"""The desk's market: real daily closes from prices.csv, cut off at the day the desk decides on."""

import csv
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import stdev

CSV = Path(__file__).with_name("prices.csv")
TRADING_DAYS_A_YEAR = 252


@dataclass(frozen=True)
class Market:
    """Closes in US dollars by symbol, oldest first; `days[i]` is the day of every `closes[symbol][i]`."""

    days: list[date]
    closes: dict[str, list[float]]

    @property
    def symbols(self) -> list[str]:
        return list(self.closes)

    def close(self, symbol: str) -> float:
        return self.closes[symbol][-1]

    def table(self, last_days: int) -> str:
        """The last closes as text, one day a line, one column a symbol: what the agents are shown."""
        lines = ["date " + " ".join(self.symbols)]
        for i in range(-min(last_days, len(self.days)), 0):
            prices = " ".join(f"{self.closes[symbol][i]:.2f}" for symbol in self.symbols)
            lines.append(f"{self.days[i].isoformat()} {prices}")
        return "\n".join(lines)


def load_market(until: date, path: Path = CSV) -> Market:
    """Read the closes up to and including a day; ValueError when the file has none that early."""
    days: list[date] = []
    closes: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            day = date.fromisoformat(row["date"])
            if day > until:
                break
            if not days or days[-1] != day:
                days.append(day)
            closes.setdefault(row["symbol"], []).append(float(row["close"]))
    if not days:
        raise ValueError(f"{path.name} has no price on or before {until}")
    return Market(days, closes)


def momentum(closes: list[float], days: int = 20) -> float:
    """The change over so many days, as a fraction."""
    return closes[-1] / closes[-1 - days] - 1


def volatility(closes: list[float], days: int = 20) -> float:
    """The standard deviation of daily changes over so many days, as a fraction a year."""
    window = closes[-1 - days :]
    changes = [after / before - 1 for before, after in pairwise(window)]
    return float(stdev(changes) * TRADING_DAYS_A_YEAR**0.5)
