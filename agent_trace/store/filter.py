"""Which observations are meant: a plain value, checked when it is made. No SQL and no files here."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, get_args

from agent_trace.errors import SettingError
from agent_trace.observation import LEVELS, OBSERVATION_TYPES
from agent_trace.store.answers import Status

_TEXTS: Final = ("agent", "tenant", "session", "user", "name", "model", "tag", "signal", "trace_id", "text")
_MOST_NS: Final = 2**63
_MOST_S: Final = _MOST_NS // 10**9
"""What the index has no place for."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which observations are meant; every field that is set must hold.

    A trace fits when one of its observations fits all of the text fields; `since_ns`, `until_ns`,
    `min_cost` and `min_duration_s` are then asked of the trace as a whole. Text is compared as it is,
    `agent` with the agent's id or its name, `signal` with a signal's action whatever the case.
    Raises SettingError for a value that nothing could fit.
    """

    agent: str | None = None
    tenant: str | None = None
    session: str | None = None
    user: str | None = None
    type: str | None = None
    level: str | None = None
    name: str | None = None
    model: str | None = None
    tag: str | None = None
    signal: str | None = None
    since_ns: int | None = None
    """Started at this time or later; nanoseconds since the epoch."""
    until_ns: int | None = None
    """Started before this time; nanoseconds since the epoch."""
    min_cost: Decimal | None = None
    """US dollars; a number or a text is taken for what it says."""
    min_duration_s: float | None = None
    trace_id: str | None = None
    """A whole trace id: 32 hexadecimal digits."""
    text: str | None = None
    """Words as in `Store.search`: one record of the observation has them all."""
    status: Status | None = None
    """How the trace stands. A single observation that just arrived cannot tell: `Store.follow` does not ask."""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        _check_choice("type", self.type, OBSERVATION_TYPES)
        _check_choice("level", self.level.upper() if isinstance(self.level, str) else self.level, LEVELS)
        _check_choice("status", self.status, get_args(Status))
        _check_moment("since_ns", self.since_ns)
        _check_moment("until_ns", self.until_ns)
        _check_duration(self.min_duration_s)
        object.__setattr__(self, "min_cost", _dollars(self.min_cost))


def _check_text(name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise SettingError(f"{name}={value!r} is no text: it takes a str")


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise SettingError(f"{name}={value!r} fits nothing; it is one of {', '.join(known)}")


def _check_moment(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, int) and abs(value) < _MOST_NS):
        raise SettingError(
            f"{name}={value!r} is no time: it takes nanoseconds since the epoch as a whole number of at most 19 "
            f"digits, as int(moment.timestamp() * 10**9)"
        )


def _check_duration(value: object) -> None:
    if value is not None and not (isinstance(value, int | float) and abs(value) < _MOST_S):
        raise SettingError(f"min_duration_s={value!r} is no duration: it takes seconds as a number, as 0.5")


def _dollars(value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise SettingError(f"min_cost={value!r} is no amount: it takes US dollars, as Decimal('0.01')")
    return amount
