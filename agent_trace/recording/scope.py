"""Who an observation belongs to: agent, tenant, user, session. Travels in the OpenTelemetry context."""

from collections.abc import Mapping
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry.context.context import Context

from agent_trace.recording.text import as_text

SCOPE_FIELDS: Final = ("agent_id", "agent_type", "agent_name", "tenant_id", "user_id", "session_id")
SCOPE_KEY: Final = otel_context.create_key("agent_trace-scope")

Scope = Mapping[str, str]
"""Record fields that everything opened below inherits. Never changed in place: it is shared by all of them."""

EMPTY: Final[Scope] = {}


def widened(scope: Scope, fields: Mapping[str, object]) -> Scope:
    """`scope` with `fields` on top; `None` leaves a field as it was."""
    return {**scope, **{name: as_text(value) for name, value in fields.items() if value is not None}}


def scope_of(context: Context) -> Scope:
    """The scope that an OpenTelemetry context carries."""
    return context.get(SCOPE_KEY, EMPTY)  # type: ignore[return-value]


def with_scope(scope: Scope, context: Context) -> Context:
    """A context that carries `scope`."""
    return Context({**context, SCOPE_KEY: scope})
