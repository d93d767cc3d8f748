"""From a record of the journal to what it counts: invocations, requests, tokens, cost, handoffs, signals.

A call that was observed twice counts once. Of requests nested in each other, the innermost is the one that a model
answered: it comes first in the journal, and what it stands in is known by its parent.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from agent_trace.costs import pico, price_pico, recorded_cost
from agent_trace.metrics.catalogue import CONTEXT_COMPILATION, SUPERVISOR_TASK, UNKNOWN
from agent_trace.metrics.executions import Executions, Invocation
from agent_trace.metrics.tally import Tally
from agent_trace.recording.recorder import READ_TYPES

_MOST_OPEN: Final = 10_000
_MOST_RECENT: Final = 1_000
_MAX_TOKENS: Final = 1 << 48

Record = Mapping[str, Any]


class Counting:
    """A tally, and what has to be remembered of earlier records to count the next one right."""

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        self._executions = Executions()
        self._asked_below: OrderedDict[str, None] = OrderedDict()
        """Observations that run and have a counted request inside."""
        self._recent: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """Agent and tenant of observations: a signal that is added later names neither."""

    def add(self, record: Record) -> None:
        """Count one record of any kind."""
        kind = record["kind"]
        self.tally.count("agent_trace_records_total", kind)
        if kind == "opened":
            whose = _whose(record) if record.get("type") == "agent" else None
            self._executions.open(record["id"], record.get("parent_id") or "", whose)
        elif kind == "observation":
            self._add_observation(record)
        elif kind == "amendment":
            self._add_signals(record, *self._recent.get(record["id"], (UNKNOWN, UNKNOWN)))

    def to_json(self) -> dict[str, Any]:
        """As the state file holds it."""
        return {
            "tally": self.tally.to_json(),
            "executions": self._executions.to_json(),
            "asked_below": list(self._asked_below),
            "recent": list(self._recent.items()),
        }

    @classmethod
    def from_json(cls, found: dict[str, Any], limit: int) -> "Counting":
        """The inverse. Raises what `Tally.from_json` raises."""
        counting = cls(Tally.from_json(found["tally"], limit))
        counting._executions = Executions.from_json(found["executions"])
        counting._asked_below.update(dict.fromkeys(found["asked_below"]))
        counting._recent.update({id: (agent, tenant) for id, (agent, tenant) in found["recent"]})
        return counting

    def _add_observation(self, record: Record) -> None:
        agent, tenant = agent_of(record), _text(record.get("tenant_id"))
        _remember(self._recent, record["id"], (agent, tenant), _MOST_RECENT)
        kind = record.get("type")
        self._add_request(record, tenant, is_request=kind in READ_TYPES)
        self._add_usage(record, agent, tenant)
        self._add_invocations(record, is_agent=kind == "agent")
        if kind != "agent":
            self._add_noted(record, tenant)
        self._add_signals(record, agent, tenant)

    def _add_request(self, record: Record, tenant: str, is_request: bool) -> None:
        asked_below = record["id"] in self._asked_below
        if asked_below:
            del self._asked_below[record["id"]]
        elif is_request:
            model = _text(record.get("model"))
            self.tally.count("llm_requests_total", model, tenant, _status(record))
            self._add_duration("llm_request_duration_seconds", record, model, tenant)
        parent = record.get("parent_id")
        if parent and (asked_below or is_request):
            _remember(self._asked_below, parent, None, _MOST_OPEN)

    def _add_usage(self, record: Record, agent: str, tenant: str) -> None:
        usage, model = _token_counts(record.get("usage")), _text(record.get("model"))
        for each, count in usage.items():
            self.tally.count("llm_tokens_used_total", model, tenant, each, by=count)
        cost_pico = _cost_pico(record, usage)
        if cost_pico is not None:
            self.tally.count("llm_cost_usd_total", model, tenant, agent, by=cost_pico)
        elif usage:
            self.tally.count("llm_unpriced_requests_total", model, tenant)

    def _add_invocations(self, record: Record, is_agent: bool) -> None:
        own = Invocation(*_whose(record), _status(record), _duration_ns(record)) if is_agent else None
        for each in self._executions.end(record["id"], record.get("parent_id") or "", own):
            whose = each.agent, each.tenant
            self.tally.count("agent_invocations_total", *whose, each.status)
            if each.duration_ns is not None:
                name = "agent_invocation_duration_seconds"
                self.tally.observe(name, *whose, duration_ns=each.duration_ns)

    def _add_noted(self, record: Record, tenant: str) -> None:
        """Observations that a metric is made of, by name and metadata."""
        metadata, name = record.get("metadata"), record.get("name")
        if not isinstance(metadata, dict) or not isinstance(name, str):
            return
        get = metadata.get
        if name.startswith("handoff:") and "source_agent" in metadata:
            result = "invalid" if get("valid") is False else "valid"
            agents = _text(get("source_agent")), _text(get("target_agent"))
            self.tally.count("handoff_validations_total", *agents, _text(get("strictness")), result)
        elif name == SUPERVISOR_TASK and "decomposed" in metadata:
            split = "true" if get("decomposed") else "false"
            self.tally.count("supervisor_tasks_total", tenant, split, _text(get("status")))
        elif name == CONTEXT_COMPILATION and "model_tier" in metadata:
            self._add_duration(
                "context_compilation_duration_seconds", record, tenant, _text(get("model_tier"))
            )

    def _add_duration(self, name: str, record: Record, *labels: str) -> None:
        duration_ns = _duration_ns(record)
        if duration_ns is not None:
            self.tally.observe(name, *labels, duration_ns=duration_ns)

    def _add_signals(self, record: Record, agent: str, tenant: str) -> None:
        for signal in _signals(record.get("signal")):
            self.tally.count("agent_signals_total", agent, tenant, _text(signal.get("action")))


def agent_of(record: Record) -> str:
    """What an agent is listed by: its id, or else its name."""
    return _text(record.get("agent_id") or record.get("agent_name"))


def _whose(record: Record) -> tuple[str, str, str]:
    """Trace, agent and tenant. An agent that nobody named is one of its own, under the name of what was called."""
    agent = agent_of(record)
    label = _text(record.get("name")) if agent == UNKNOWN else agent
    return _text(record.get("trace_id")), label, _text(record.get("tenant_id"))


def _remember(memory: "OrderedDict[str, Any]", id: str, value: object, most: int) -> None:
    memory[id] = value
    if len(memory) > most:
        memory.popitem(last=False)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or UNKNOWN
    return str(value) if isinstance(value, int | float) else UNKNOWN


def _duration_ns(record: Record) -> int | None:
    end_ns = record.get("end_ns")
    return max(end_ns - record["start_ns"], 0) if type(end_ns) is int else None


def _status(record: Record) -> str:
    """A cancelled call is no success: most are timeouts."""
    return "error" if record.get("level") == "ERROR" or record.get("error") else "success"


def _token_counts(usage: object) -> dict[str, int]:
    if not isinstance(usage, dict):
        return {}
    return {each: count for each, count in usage.items() if type(count) is int and 0 <= count < _MAX_TOKENS}


def _cost_pico(record: Record, usage: Mapping[str, int]) -> int | None:
    """In 10**-12 US dollars, as the store's own sums have it."""
    if not usage and record.get("reported_usage"):
        return None
    given = recorded_cost(record["cost"]) if "cost" in record else None
    if given is not None:
        return pico(given.total) if given.currency == "USD" else None
    model = record.get("model")
    return (
        price_pico(model, usage, record["start_ns"]) if usage and isinstance(model, str) and model else None
    )


def _signals(signal: object) -> Iterator[Record]:
    if isinstance(signal, dict):
        earlier = signal.get("earlier")
        yield from (each for each in earlier if isinstance(each, dict)) if isinstance(earlier, list) else ()
        yield signal
