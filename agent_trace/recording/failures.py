"""The user's exceptions, as an observation tells of them."""

import traceback
from collections.abc import Mapping
from typing import Any, Final

from agent_trace.recording import calls
from agent_trace.recording.guard import guarded
from agent_trace.recording.text import as_text, last_lines

_WRAPPERS: Final = calls.__file__
_MAX_FRAMES: Final = 50
_MAX_STACK_CHARACTERS: Final = 32_000
"""A stack is cut from its beginning: the end names what was raised and where."""
_MAX_MESSAGE_CHARACTERS: Final = 8_000


def describe(error: object) -> dict[str, Any]:
    """`error` of a record: type, message and, for a raised exception, its stack trace with causes."""
    if not isinstance(error, BaseException):
        return {"type": type(error).__name__, "message": as_text(error, _MAX_MESSAGE_CHARACTERS)}
    described = {"type": _type_name(type(error)), "message": as_text(error, _MAX_MESSAGE_CHARACTERS)}
    with guarded("formatting a stack trace"):
        told = traceback.TracebackException.from_exception(error, limit=-_MAX_FRAMES)
        _leave_out_ours(told)
        described["stack"] = last_lines("".join(told.format()), _MAX_STACK_CHARACTERS)
    return described


def _leave_out_ours(told: traceback.TracebackException) -> None:
    """Take the frames of our wrappers out of a stack trace and those of its causes: the program has none of them."""
    waiting: list[traceback.TracebackException | None] = [told]
    while waiting:
        each = waiting.pop()
        if each is not None:
            each.stack = traceback.StackSummary.from_list(
                [frame for frame in each.stack if frame.filename != _WRAPPERS]
            )
            waiting += [each.__cause__, each.__context__, *(each.exceptions or ())]


def level_of(error: object) -> str:
    """ERROR, or WARNING for what stops a program on purpose: a cancelled task, `sys.exit`."""
    # By name, since importing asyncio costs a synchronous program 30 ms for nothing.
    cancelled = any(kind.__name__ == "CancelledError" for kind in type(error).__mro__)
    return "WARNING" if cancelled or isinstance(error, SystemExit) else "ERROR"


def summary(described: Mapping[str, Any]) -> str:
    """One line for `status_message`."""
    message = described.get("message")
    return as_text(f"{described['type']}: {message}" if message else described["type"])


def _type_name(kind: type) -> str:
    """`ValueError`, but `httpx.ReadTimeout`: the module tells apart what many libraries call the same."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
