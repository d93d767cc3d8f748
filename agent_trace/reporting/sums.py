"""Sums of what was spent: all rows as one, the share of one in the whole, tokens by what they are for."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from agent_trace.display.figures import UNKNOWN
from agent_trace.store.answers import CostRow
from agent_trace.store.rows import summed_dollars

ALL: Final = "all"


class TokenSums(NamedTuple):
    """Tokens of all classes: what was read anew, what came from a cache or went into it, and what was written."""

    going_in: int
    cached: int
    coming_out: int

    @property
    def everything(self) -> int:
        """All of them."""
        return sum(self)


def total_of(rows: Sequence[CostRow]) -> CostRow:
    """All rows as one."""
    tokens: dict[str, int] = {}
    for row in rows:
        for name, number in row.tokens.items():
            tokens[name] = tokens.get(name, 0) + number
    return CostRow(
        key=ALL,
        total=summed_dollars(row.total for row in rows),
        tokens=tokens,
        calls=sum(row.calls for row in rows),
        unpriced=sum(row.unpriced for row in rows),
        invocations=sum(row.invocations for row in rows),
    )


def token_sums(row: CostRow) -> TokenSums:
    """The tokens of a row by what they are for."""
    cached = sum(count for name, count in row.tokens.items() if "cache" in name)
    coming_out = sum(
        count for name, count in row.tokens.items() if name.endswith("output") or name == "reasoning"
    )
    return TokenSums(sum(row.tokens.values()) - cached - coming_out, cached, coming_out)


def share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """From 0 to 1; None where one of both is unknown, or there is nothing to have a share of."""
    return None if part is None or not whole else part / whole


def percent(part: Decimal | None, whole: Decimal | None) -> str:
    """`37.5 %`."""
    found = share(part, whole)
    if found is None:
        return UNKNOWN
    return f"{(found * 100).quantize(Decimal('0.1'), rounding=ROUND_HALF_EVEN)} %"
