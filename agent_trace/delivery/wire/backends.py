"""Which backends the settings ask for. What speaks to them is only imported when there is one."""

from agent_trace.delivery.backend import Backend
from agent_trace.settings import SPOKEN_PROTOCOL, Settings


def wanted(settings: Settings) -> tuple[str, ...]:
    """The names of the configured backends. Imports nothing heavy: recording asks this when it starts."""
    langfuse = settings.public_key and settings.secret_key and settings.base_url
    return (*(("langfuse",) if langfuse else ()), *(("otlp",) if _otlp_url(settings) else ()))


def backends(settings: Settings) -> list[Backend]:
    """The configured backends, in the order of `wanted`."""
    return [_make(name, settings) for name in wanted(settings)]


def _make(name: str, settings: Settings) -> Backend:
    if name == "langfuse":
        from agent_trace.delivery.wire.langfuse import LangfuseBackend

        assert settings.public_key is not None and settings.secret_key is not None
        return LangfuseBackend(
            settings.public_key, settings.secret_key, settings.base_url, settings.resource_attributes
        )
    from agent_trace.delivery.wire.otlp import OtlpBackend

    return OtlpBackend(
        _otlp_url(settings) or "",
        settings.otlp_headers,
        compress=settings.otlp_compression == "gzip",
        certificates=settings.otlp_certificate,
        resource_attributes=settings.resource_attributes,
    )


def _otlp_url(settings: Settings) -> str | None:
    """The URL that traces go to: the one for traces as it is, the general one with their path."""
    if settings.otlp_protocol != SPOKEN_PROTOCOL:
        return None
    if settings.otlp_traces_endpoint:
        return settings.otlp_traces_endpoint
    if settings.otlp_endpoint:
        from agent_trace.delivery.wire.endpoints import joined

        return joined(settings.otlp_endpoint, "v1/traces")
    return None
