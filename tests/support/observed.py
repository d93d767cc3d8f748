"""Records as a recorder leaves them, to be delivered."""

from typing import Any

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
ID = "b7ad6b7169203331"
PARENT_ID = "00f067aa0ba902b7"
START_NS = 1_795_337_093_683_868_378
END_NS = START_NS + 110_000_000


def generation(**fields: Any) -> dict[str, Any]:
    """A chat as the demo's model calls leave it; fields given as None are absent."""
    record = {
        "v": 1,
        "kind": "observation",
        "trace_id": TRACE_ID,
        "id": ID,
        "parent_id": PARENT_ID,
        "type": "generation",
        "name": "ChatModel.complete",
        "start_ns": START_NS,
        "end_ns": END_NS,
        "input": {"request": {"model": "gpt-4o", "messages": [{"role": "user", "content": "AAPL?"}]}},
        "output": {
            "id": "chatcmpl-2",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "SELL"}, "finish_reason": "stop"}
            ],
        },
        "model": "gpt-4o",
        "model_parameters": {"temperature": 0.2, "max_tokens": 300},
        "finish_reason": "stop",
        "usage": {"input": 174, "output": 43, "cache_read": 1024, "reasoning": 7},
        "first_token_ns": START_NS + 80_000_000,
        "tenant_id": "demo-desk",
        "session_id": "desk-1",
        "agent_type": "analyst",
        "agent_name": "market analyst",
        "agent_id": "desk-analyst",
        "environment": "production",
        "release": "2026.11",
        "tags": ["signal:SELL"],
        "metadata": {"symbol": "AAPL", "attempt": 2},
        "entry_point": "desk.models:ChatModel.complete",
        "process": {"pid": 42, "host": "vm", "service": "desk"},
    }
    return {key: value for key, value in {**record, **fields}.items() if value is not None}


def event(**fields: Any) -> dict[str, Any]:
    """A record with nothing but what every observation has."""
    record = {"v": 1, "kind": "observation", "trace_id": TRACE_ID, "id": ID, "type": "event", "name": "tick"}
    return {**record, "start_ns": START_NS, "end_ns": END_NS, **fields}


def score(**fields: Any) -> dict[str, Any]:
    """A score about an observation."""
    given = {"name": "helpful", "value": 0.75, "data_type": "NUMERIC", "comment": "concise"}
    return {
        "v": 1,
        "kind": "score",
        "trace_id": TRACE_ID,
        "id": ID,
        "at_ns": END_NS,
        "score": {**given, **fields},
        "environment": "production",
    }
