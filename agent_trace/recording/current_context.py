"""The OpenTelemetry context of this task or thread: read, set and put back, as cheaply as it can be had.

Not by `opentelemetry.context.attach` and `detach`: those log an error into the program when a context was switched
under us. The default runtime keeps the context in a context variable, whose own methods are three times as fast as
the way through the runtime; with another runtime, its methods are used.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context.context import Context

_RUNTIME: Final = otel_context._RUNTIME_CONTEXT
_variable: Any = getattr(_RUNTIME, "_current_context", None)
_is_default: Final = isinstance(_variable, ContextVar)

VARIABLE: Final[ContextVar[Context] | None] = _variable if _is_default else None
"""Where the default runtime keeps the context; None with another one."""

get_context: Callable[[], Context] = _variable.get if _is_default else _RUNTIME.get_current
set_context: Callable[[Context], Token[Context]] = _variable.set if _is_default else _RUNTIME.attach
reset_context: Callable[[Token[Context]], None] = _variable.reset if _is_default else _RUNTIME.detach
