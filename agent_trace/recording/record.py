"""From a live span to the line it leaves behind: what is its own, and what it has in common with others.

A line is put together from pieces, because only some of them have still to be searched for secrets: ids and times are
ours, and what all calls of one target have in common was searched when the first of them was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from agent_trace.recording.encodable import encodable
from agent_trace.recording.reading.results import Reading

if TYPE_CHECKING:
    from agent_trace.recording.span import Span

_LINE: Final = orjson.OPT_APPEND_NEWLINE
LARGE: Final = 16_384
"""From so many bytes on, searching the ids and the ending once more takes less than putting the rest together again."""


class Ending(NamedTuple):
    """What records of one target end with: type, name, scope, entry point, process.

    `searched` is without secrets; `raw` is as it was, to be searched with the rest where that may change it again.
    """

    searched: bytes
    raw: bytes
    is_clean: bool


def opening(span: Span, ending: Ending) -> bytes:
    """The line that says that a span was opened; only ids and time differ from one call of a target to the next."""
    parent = "" if span.parent_id is None else f'"parent_id":"{span.parent_id}",'
    head = f'{{"v":1,"kind":"opened","trace_id":"{span.trace_id}","id":"{span.id}",{parent}"start_ns":{span.start_ns},'
    return head.encode() + ending.searched


def observation(
    span: Span, end_ns: int, output: bytes | None, reading: Reading | None, ending: Ending
) -> tuple[bytes, bytes | None]:
    """The line of a finished span, and what of it has to be searched when that is not all of it.

    Absent keys are absent: most observations have no signal and no error.
    """
    parent = "" if span.parent_id is None else f'"parent_id":"{span.parent_id}",'
    head = (
        f'{{"v":1,"kind":"observation","trace_id":"{span.trace_id}","id":"{span.id}",{parent}'
        f'"start_ns":{span.start_ns},"end_ns":{end_ns},'
    )
    parts = [head.encode()]
    if span.input is not None:
        parts.append(b'"input":')
        parts += span.input[0]
        parts.append(b",")
    if output is not None:
        parts += (b'"output":', output, b",")
    own = own_fields(span, reading)
    if own:
        parts += (orjson.dumps(own)[1:-1], b",")
    parts.append(ending.searched if ending.is_clean else ending.raw)
    line = b"".join(parts)
    if not ending.is_clean or (len(line) >= LARGE and _is_all_new(span)):
        return line, None
    parts[0], parts[-1] = b"{", b"}"
    if span.input is not None:
        parts[2 : 2 + len(span.input[0])] = span.input[1]
    return line, b"".join(parts)


def _is_all_new(span: Span) -> bool:
    """Whether nothing of the input is known to be clean: all of it has to be searched."""
    return span.input is None or span.input[0] == span.input[1]


def own_fields(span: Span, reading: Reading | None) -> dict[str, Any]:
    """What a record has that is neither identity nor common to all calls of its target, without input and output."""
    own: dict[str, Any] = {}
    if span.model is not None:
        own["model"] = span.model
    if span.model_parameters:
        own["model_parameters"] = span.model_parameters
    if reading is not None:
        _put_reading(own, span, reading)
    if span.first_item_ns is not None:
        own["first_token_ns"] = span.first_item_ns
    if span.additions is not None:
        own.update(span.additions.fields)
    if span.cuts:
        own["truncated"] = [*span.cuts, *own.get("truncated", ())]
    return own


def common(span: Span, constants: Mapping[str, Any]) -> bytes:
    """What all observations of one target in one scope end with, raw."""
    same = {"type": span.type, "name": encodable(span.name), **span.scope}
    if span.entry_point is not None:
        same["entry_point"] = span.entry_point
    return orjson.dumps({**same, **constants}, option=_LINE)


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


def _put_reading(own: dict[str, Any], span: Span, reading: Reading) -> None:
    """What the result says of itself. Tokens that a call below reported are not counted a second time."""
    if reading.model is not None:
        own["model"] = reading.model
    if reading.finish_reason is not None:
        own["finish_reason"] = reading.finish_reason
    if span.has_inner_usage:
        if reading.usage:
            own["reported_usage"] = reading.usage
        return
    if reading.usage:
        own["usage"] = reading.usage
    if reading.cost:
        own["cost"] = reading.cost
    if reading.usage or reading.cost:
        span.note_inner_usage()
