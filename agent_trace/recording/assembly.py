"""How a recorder is put together from the settings: journal, redactor, limits, identity of the process."""

import os
import socket
import sys

from agent_trace.recording.capture import Limits
from agent_trace.recording.clock import Origin
from agent_trace.recording.control import Control
from agent_trace.recording.guard import attempt
from agent_trace.recording.journal import Journal
from agent_trace.recording.notices import Notices
from agent_trace.recording.process import Redact
from agent_trace.recording.recorder import Recorder
from agent_trace.recording.redaction import Redactor
from agent_trace.recording.steps import Steps
from agent_trace.settings import Settings


def assemble(settings: Settings, redact: Redact | None) -> tuple[Control, Journal, Steps]:
    """Everything that records into `settings.directory`. Creates no file before the first record is written."""
    notices = Notices(quiet=settings.quiet)
    for problem in settings.problems:
        notices.warn(problem)
    service = settings.service_name or program_name()
    journal = Journal(
        settings.directory,
        segment_bytes=settings.segment_bytes,
        max_store_bytes=settings.max_store_bytes,
        max_age_s=None if settings.max_age_days is None else settings.max_age_days * 86_400,
        fsync_s=settings.fsync_s,
        service=service,
        on_problem=lambda reason, message: notices.warn(message),
    )
    redactor = Redactor(off=settings.redact_off, extra=settings.redact_rules, custom=redact)
    recorder = Recorder(
        journal,
        redactor,
        lambda: Origin(service=service, host=socket.gethostname(), pid=os.getpid()),
        limits=Limits(settings.max_field_bytes, settings.max_nodes, settings.max_depth),
        deployment={"environment": settings.environment, "release": settings.release},
    )
    if settings.threads:
        attempt("carrying context into threads", _carry_context)
    notices.started(settings)
    steps = Steps(recorder, captures_input=settings.capture_input, captures_output=settings.capture_output)
    return Control(settings.directory), journal, steps


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
