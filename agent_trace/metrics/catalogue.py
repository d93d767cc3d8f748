"""Every metric with its labels and what it tells. Nothing here counts anything."""

from dataclasses import dataclass
from typing import Final, Literal

BUCKETS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of every histogram, in seconds; what takes longer is in `+Inf`."""

OTHER: Final = "other"
"""All values of a label beyond the setting `max_label_values`."""
UNKNOWN: Final = "unknown"
"""What was recorded without saying whose it is, or of which model."""


SUPERVISOR_TASK: Final = "supervisor_task"
CONTEXT_COMPILATION: Final = "context_compilation"
"""Names of the observations that `record_supervisor_task` and `track_context_compilation` leave behind."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is what stands in a query, but for the `_bucket`, `_sum` and `_count` of a histogram."""

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    labels: tuple[str, ...]
    meaning: str


METRICS: Final = (
    Metric(
        "agent_invocations_total",
        "counter",
        ("agent_id", "tenant_id", "status"),
        "Executions of agents that have ended; status is success or error.",
    ),
    Metric(
        "agent_invocation_duration_seconds",
        "histogram",
        ("agent_id", "tenant_id"),
        "How long executions of agents took.",
    ),
    Metric(
        "handoff_validations_total",
        "counter",
        ("source_agent", "target_agent", "strictness", "result"),
        "Handoffs between agents; result is valid or invalid.",
    ),
    Metric(
        "supervisor_tasks_total",
        "counter",
        ("tenant_id", "decomposed", "status"),
        "Tasks that a supervisor took on; decomposed is true when it split them.",
    ),
    Metric(
        "context_compilation_duration_seconds",
        "histogram",
        ("tenant_id", "model_tier"),
        "How long it took to put the context for a model together.",
    ),
    Metric(
        "llm_requests_total",
        "counter",
        ("model", "tenant_id", "status"),
        "Requests to models that have ended; status is success or error.",
    ),
    Metric(
        "llm_request_duration_seconds",
        "histogram",
        ("model", "tenant_id"),
        "How long requests to models took.",
    ),
    Metric(
        "llm_tokens_used_total",
        "counter",
        ("model", "tenant_id", "token_type"),
        "Tokens by disjoint class: input, output, cache_read, cache_write, reasoning, ...",
    ),
    Metric(
        "llm_cost_usd_total",
        "counter",
        ("model", "tenant_id", "agent_id"),
        "What requests cost, in US dollars.",
    ),
    Metric(
        "llm_unpriced_requests_total",
        "counter",
        ("model", "tenant_id"),
        "Requests with tokens that nobody could price; the cost lacks them.",
    ),
    Metric(
        "agent_signals_total",
        "counter",
        ("agent_id", "tenant_id", "action"),
        "Signals that agents gave.",
    ),
    Metric(
        "agent_trace_budget_used_ratio",
        "gauge",
        ("tenant_id", "agent_id", "model", "window"),
        "Share of a budget that is spent in its window: 1 is all of it. A label that is empty limits nobody.",
    ),
    Metric(
        "agent_trace_budget_limit_usd",
        "gauge",
        ("tenant_id", "agent_id", "model", "window"),
        "What may be spent in the window of a budget, in US dollars.",
    ),
    Metric(
        "agent_trace_records_total",
        "counter",
        ("kind",),
        "Records read from the journal.",
    ),
    Metric(
        "agent_trace_lost_records_total",
        "counter",
        ("reason",),
        "Records that were never written, by reason.",
    ),
    Metric(
        "agent_trace_ledger_records",
        "gauge",
        ("consumer", "state"),
        "Where every record is, for each backend: recorded is the sum of all other states.",
    ),
    Metric(
        "agent_trace_metrics_caught_up",
        "gauge",
        (),
        "1 when all that was recorded is counted in; 0 while an older store is still being read.",
    ),
)

BY_NAME: Final = {metric.name: metric for metric in METRICS}
KIND_OF_LABEL: Final = {
    "agent_id": "agent",
    "source_agent": "agent",
    "target_agent": "agent",
    "tenant_id": "tenant",
}
"""Labels that share their values, and so their bound. Any other label is a kind of its own."""
