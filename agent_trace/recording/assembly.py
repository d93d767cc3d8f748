"""How a recorder is put together from the settings: journal, redactor, limits, identity of the process."""

import os
import socket
import sys
from collections.abc import Callable
from functools import partial

from agent_trace.recording import health, process
from agent_trace.recording.capturing.capture import Limits
from agent_trace.recording.clock import Clock, Ids, Origin
from agent_trace.recording.guard import attempt
from agent_trace.recording.inherited import recorder_of_process
from agent_trace.recording.journal.control import Control
from agent_trace.recording.journal.journal import Journal
from agent_trace.recording.notices import Notices
from agent_trace.recording.recorder import Recorder, Sink
from agent_trace.recording.redaction.redactor import Redactor
from agent_trace.recording.steps import Steps
from agent_trace.settings import Settings


def assemble(settings: Settings, redact: process.Redact | None) -> tuple[Control, Journal, Steps]:
    """Everything that records into `settings.directory`. Creates no file before the first record is written."""
    notices = Notices(quiet=settings.quiet)
    for problem in settings.problems:
        notices.warn(problem)
    service = settings.service_name or program_name()
    delivery = process.delivery()
    consumers = () if delivery is None else delivery.wanted(settings)
    journal = Journal(
        settings.directory,
        segment_bytes=settings.segment_bytes,
        max_store_bytes=settings.max_store_bytes,
        max_age_s=None if settings.max_age_days is None else settings.max_age_days * 86_400,
        fsync_s=settings.fsync_s,
        service=service,
        consumers=consumers,
        on_segment=partial(_segment_begun, settings, delivery if consumers else None),
        on_problem=lambda reason, message: notices.warn(message),
    )
    origin = Origin(service=service, host=socket.gethostname())
    make = recorder_of_process()
    steps = steps_for(settings, redact, journal, origin, on_failure=notices.warn, make_recorder=make)
    steps.gate = None if delivery is None else delivery.gate(settings)
    if settings.threads:
        attempt("carrying context into threads", _carry_context)
    notices.started(settings)
    return Control(settings.directory), journal, steps


def _segment_begun(settings: Settings, delivery: process.Delivery | None) -> None:
    if delivery is not None:
        delivery.begin(settings)
    health.changed()


def steps_for(
    settings: Settings,
    redact: process.Redact | None,
    sink: Sink,
    origin: Origin,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    on_failure: Callable[[str], None] | None = None,
    make_recorder: Callable[..., Recorder] = Recorder,
) -> Steps:
    """Redaction, limits and identity as the settings say, writing to `sink`. Raises SettingError for a rule."""
    recorder = make_recorder(
        sink,
        Redactor(off=settings.redact_off, extra=settings.redact_rules, custom=redact),
        origin,
        limits=Limits(settings.max_field_bytes, settings.max_nodes, settings.max_depth),
        clock=clock,
        ids=ids,
        deployment={"environment": settings.environment, "release": settings.release},
        on_failure=on_failure,
    )
    return Steps(recorder, captures_input=settings.capture_input, captures_output=settings.capture_output)


def _carry_context() -> None:
    # Loading it takes as long as all the rest together, and some programs switch it off.
    from agent_trace.recording.threads import carry_context

    carry_context()


def program_name() -> str:
    """What the program calls itself when no service name is set: its script or module."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
