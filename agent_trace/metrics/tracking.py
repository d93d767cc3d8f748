"""`track_*`: blocks that are counted. With recording on they are observations, which the metrics are made of anyway."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from agent_trace.agent_tracer import Block, OpenBlock, open_block, record_event
from agent_trace.metrics.catalogue import CONTEXT_COMPILATION, SUPERVISOR_TASK
from agent_trace.metrics.library import NAME, expect, is_multiprocess
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on

logger = logging.getLogger("agent_trace")

_LLM_CALL: Final = "llm_call"


def track_agent_invocation(agent_id: str, tenant_id: str) -> Tracked:
    """A `with` or `async with` block that counts as one invocation of an agent, with status and duration.

    With recording on it is an observation of type `agent`, as `AgentTracer.trace_agent_execution` makes one; around or
    inside another execution of the same agent it counts once. Raises ImportError without prometheus-client.
    """
    scope = {"agent_id": agent_id, "tenant_id": tenant_id}
    opening = partial(open_block, agent_id, "agent", scope)
    return _tracked(opening, partial(_invocation_unrecorded, str(agent_id), str(tenant_id)))


def track_llm_call(model: str, tenant_id: str) -> Tracked:
    """A `with` or `async with` block that counts as one request to a model, with status and duration.

    With recording on it is an observation of type `generation`; when a call inside is observed itself, that one counts
    and this one does not. Raises ImportError without prometheus-client.
    """
    opening = partial(open_block, _LLM_CALL, "generation", {"tenant_id": tenant_id}, model=str(model))
    return _tracked(opening, partial(_request_unrecorded, str(model), str(tenant_id)))


def track_context_compilation(tenant_id: str, model_tier: str) -> Tracked:
    """A `with` or `async with` block that counts as putting the context for a model together, with its duration.

    With recording on it is an observation of type `span`. Raises ImportError without prometheus-client.
    """
    metadata = {"model_tier": str(model_tier)}
    opening = partial(open_block, CONTEXT_COMPILATION, "span", {"tenant_id": tenant_id}, metadata)
    return _tracked(opening, partial(_compilation_unrecorded, str(tenant_id), str(model_tier)))


def record_supervisor_task(tenant_id: str, decomposed: bool, status: str = "success") -> None:
    """Count a task that a supervisor took on; `decomposed` when it split it among agents.

    With recording on it is an event below the current observation. Raises ImportError without prometheus-client.
    """
    _expect_prometheus()
    if is_on():
        metadata: Mapping[str, object] = {"decomposed": bool(decomposed), "status": str(status)}
        attempt("recording a task", record_event, SUPERVISOR_TASK, {"tenant_id": tenant_id}, metadata)
    else:
        split = "true" if decomposed else "false"
        attempt(
            "counting a task", _count_directly, "supervisor_tasks_total", str(tenant_id), split, str(status)
        )


class Tracked(Block["OpenBlock | float", None]):
    """The block that `track_agent_invocation` and its like return. The tracked code's exceptions go on."""

    __slots__ = ("_opening", "_unrecorded")

    def __init__(
        self, opening: Callable[[], OpenBlock | None], unrecorded: Callable[[float, str], None]
    ) -> None:
        super().__init__()
        self._opening = opening
        self._unrecorded = unrecorded

    def _begin(self) -> tuple[OpenBlock | float, None]:
        opened = self._opening()
        return (time.perf_counter() if opened is None else opened), None

    def _end(self, begun: OpenBlock | float, error: BaseException | None) -> None:
        if isinstance(begun, OpenBlock):
            begun.end(error)
        else:
            status = "success" if error is None else "error"
            attempt("counting a block", self._unrecorded, time.perf_counter() - begun, status)


def _tracked(opening: Callable[[], OpenBlock | None], unrecorded: Callable[[float, str], None]) -> Tracked:
    _expect_prometheus()
    return Tracked(opening, unrecorded)


_is_expected = False
_has_registered = False


def _expect_prometheus() -> None:
    """Whoever tracks wants to see it: our metrics are put among the program's, if it has any.

    Not loaded for that, which would take a tenth of a second inside some call of the program's.
    """
    global _is_expected, _has_registered
    if not _is_expected:
        expect()
        _is_expected = True
    if not _has_registered and NAME in sys.modules:
        _has_registered = True
        attempt("registering metrics", _register)


def _register() -> None:
    if is_multiprocess():  # the default registry is not what such a program serves
        return
    from agent_trace.metrics.serving import register

    try:
        register()
    except ValueError as error:
        logger.warning(
            "metrics: the default registry has such metrics already (%s); ours are not in it", error
        )


def _count_directly(name: str, *values: str) -> None:
    from agent_trace.metrics import direct

    direct.count(name, *values)


def _invocation_unrecorded(agent_id: str, tenant_id: str, duration_s: float, status: str) -> None:
    from agent_trace.metrics import direct

    direct.count("agent_invocations_total", agent_id, tenant_id, status)
    direct.observe("agent_invocation_duration_seconds", agent_id, tenant_id, duration_s=duration_s)


def _request_unrecorded(model: str, tenant_id: str, duration_s: float, status: str) -> None:
    from agent_trace.metrics import direct

    direct.count("llm_requests_total", model, tenant_id, status)
    direct.observe("llm_request_duration_seconds", model, tenant_id, duration_s=duration_s)


def _compilation_unrecorded(tenant_id: str, model_tier: str, duration_s: float, status: str) -> None:
    from agent_trace.metrics import direct

    direct.observe("context_compilation_duration_seconds", tenant_id, model_tier, duration_s=duration_s)
