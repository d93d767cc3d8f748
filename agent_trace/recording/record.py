"""From a live span to the record it leaves behind: a plain dict in the documented order of keys."""

from collections.abc import Mapping
from typing import Any

from orjson import Fragment

from agent_trace.recording.reading.results import Reading
from agent_trace.recording.span import Span


def opening(span: Span) -> bytes:
    """The part of an opening that is its own: what follows it is the same for every call of one target."""
    parent = "" if span.parent_id is None else f'"parent_id":"{span.parent_id}",'
    head = f'{{"v":1,"kind":"opened","trace_id":"{span.trace_id}","id":"{span.id}",{parent}"start_ns":{span.start_ns},'
    return head.encode()


def observation(span: Span, end_ns: int, output: bytes | None, reading: Reading | None) -> dict[str, Any]:
    """The finished record. Absent keys are absent: most observations have no signal and no error."""
    record: dict[str, Any] = {"v": 1, "kind": "observation", "trace_id": span.trace_id, "id": span.id}
    if span.parent_id is not None:
        record["parent_id"] = span.parent_id
    record["type"] = span.type
    record["name"] = span.name
    record["start_ns"] = span.start_ns
    record["end_ns"] = end_ns
    if span.input is not None:
        record["input"] = Fragment(span.input)
    if output is not None:
        record["output"] = Fragment(output)
    if span.model is not None:
        record["model"] = span.model
    if span.model_parameters:
        record["model_parameters"] = span.model_parameters
    if reading is not None:
        _put_reading(record, span, reading)
    if span.first_item_ns is not None:
        record["first_token_ns"] = span.first_item_ns
    if span.scope:
        record.update(span.scope)
    if span.additions is not None:
        record.update(span.additions.fields)
    if span.cuts:
        record["truncated"] = [*span.cuts, *record.get("truncated", ())]
    if span.entry_point is not None:
        record["entry_point"] = span.entry_point
    return record


def amendment(trace_id: str, observation_id: str, at_ns: int, fields: dict[str, Any]) -> dict[str, Any]:
    """What was added to an observation after it had been written."""
    return {"v": 1, "kind": "amendment", "trace_id": trace_id, "id": observation_id, "at_ns": at_ns, **fields}


def score(trace_id: str, observation_id: str, at_ns: int, fields: Mapping[str, object]) -> dict[str, Any]:
    """A judgement of an observation, by a person or an evaluator."""
    return {
        "v": 1,
        "kind": "score",
        "trace_id": trace_id,
        "id": observation_id,
        "at_ns": at_ns,
        "score": fields,
    }


def _put_reading(record: dict[str, Any], span: Span, reading: Reading) -> None:
    """What the result says of itself. Tokens that a call below reported are not counted a second time."""
    if reading.model is not None:
        record["model"] = reading.model
    if reading.finish_reason is not None:
        record["finish_reason"] = reading.finish_reason
    if span.has_inner_usage:
        if reading.usage:
            record["reported_usage"] = reading.usage
        return
    if reading.usage:
        record["usage"] = reading.usage
    if reading.cost:
        record["cost"] = reading.cost
    if reading.usage or reading.cost:
        span.note_inner_usage()
