"""The finished observation and its record form; nothing of ours is imported here, and nothing here does I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final, Literal, Self, get_args

RECORD_VERSION: Final = 1
"""`v` of every journal line this package writes. A reader refuses segments with a higher one."""

ObservationType = Literal[
    "generation",
    "span",
    "agent",
    "tool",
    "chain",
    "retriever",
    "embedding",
    "evaluator",
    "guardrail",
    "event",
]
"""What an observation is; the values are Langfuse's."""

OBSERVATION_TYPES: Final[tuple[ObservationType, ...]] = get_args(ObservationType)

LEVELS: Final = ("DEFAULT", "WARNING", "ERROR")
"""From harmless to failed; the order is used to take the higher of two."""


@dataclass(slots=True)
class Observation:
    """One timed operation, as it was recorded.

    Attribute order is the order of keys in a record and in an exported line. Times are nanoseconds since the
    epoch; `usage` keys are disjoint token counts (`input` excludes `cache_read`); `cost` holds decimals in
    `currency`, with `total` and the `source` of the prices, or is None when nobody could price it.
    """

    v: int = RECORD_VERSION
    kind: str = "observation"
    trace_id: str = ""
    id: str = ""
    parent_id: str | None = None
    type: str = "span"
    name: str = ""
    start_ns: int = 0
    end_ns: int | None = None
    level: str = "DEFAULT"
    status_message: str | None = None
    input: Any = None
    output: Any = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage: dict[str, int] | None = None
    reported_usage: dict[str, int] | None = None
    cost: dict[str, Any] | None = None
    first_token_ns: int | None = None
    finish_reason: str | None = None
    agent_id: str | None = None
    agent_type: str | None = None
    agent_name: str | None = None
    tenant_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    signal: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    redactions: list[dict[str, Any]] = field(default_factory=list)
    truncated: list[dict[str, Any]] = field(default_factory=list)
    sent_elsewhere: list[str] = field(default_factory=list)
    entry_point: str | None = None
    process: dict[str, Any] | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a journal record; absent keys take their defaults, keys of a later version are left out."""
        return cls(**{key: value for key, value in record.items() if key in _KEYS and value is not None})

    def to_record(self) -> dict[str, Any]:
        """Every key of the record in its documented order, `None` where nothing is known."""
        return {key: getattr(self, key) for key in RECORD_KEYS}

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from start to end; None while it runs or when it was interrupted."""
        return None if self.end_ns is None else self.end_ns - self.start_ns

    @property
    def total_cost(self) -> Decimal | None:
        """The total in `cost["currency"]`, or None when the price is unknown."""
        total = None if self.cost is None else self.cost.get("total")
        return None if total is None else Decimal(str(total))


RECORD_KEYS: Final[tuple[str, ...]] = tuple(each.name for each in fields(Observation))
_KEYS: Final = frozenset(RECORD_KEYS)
