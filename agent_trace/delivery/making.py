"""A forwarder as the settings ask for, and what of the settings decides whether a backend lets us in."""

from collections.abc import Callable
from decimal import Decimal

from agent_trace.delivery.forwarding.forwarder import Forwarder
from agent_trace.delivery.forwarding.sampling import Sampling
from agent_trace.delivery.wire.backends import backends, wanted
from agent_trace.settings import Settings


def make_forwarder(
    settings: Settings, report: Callable[[str], None], only: tuple[str, ...] | None = None
) -> Forwarder:
    """A forwarder of the project's store to every backend that is configured, or to those named in `only`."""
    chosen = [each for each in backends(settings) if only is None or each.name in only]
    expensive = settings.sample_cost
    return Forwarder(
        settings.directory,
        chosen,
        sampling=Sampling(
            settings.sample_rate,
            settings.sample_slow_s,
            None if expensive is None else Decimal(str(expensive)),
        ),
        report=report,
        flush_interval_s=settings.flush_interval_s,
    )


def access(settings: Settings) -> tuple[object, ...]:
    """What must change in the settings before a backend that has refused us is worth asking again."""
    return (
        wanted(settings),
        settings.public_key,
        settings.secret_key,
        settings.base_url,
        settings.otlp_endpoint,
        settings.otlp_traces_endpoint,
        settings.otlp_headers,
    )
