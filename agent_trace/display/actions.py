"""Which way an action points: actions are free text, and a few words of it are known."""

from typing import Final, Literal

Direction = Literal["buy", "sell", "hold", "other"]

_DIRECTIONS: Final[dict[str, Direction]] = {
    **dict.fromkeys(("BUY", "LONG", "OVERWEIGHT", "YES"), "buy"),
    **dict.fromkeys(("SELL", "SHORT", "UNDERWEIGHT", "NO", "CLOSE_ALL"), "sell"),
    **dict.fromkeys(("HOLD", "NOTHING", "WAIT"), "hold"),
}


def direction(action: str) -> Direction:
    """Where an action points; `other` for what nobody here knows, such as `REBALANCE`."""
    return _DIRECTIONS.get(action.strip().upper(), "other")
