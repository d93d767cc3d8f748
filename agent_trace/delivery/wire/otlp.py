"""Any OpenTelemetry collector as a backend, spoken to as OTLP over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Final

from agent_trace.delivery.backend import Answer, Item, Record
from agent_trace.delivery.wire.endpoints import endpoint, secrets_in
from agent_trace.delivery.wire.genai import SCHEMA_URL, GenAiAttributes
from agent_trace.delivery.wire.otlp_answer import partly_rejected
from agent_trace.delivery.wire.posting import Posting
from agent_trace.delivery.wire.protobuf import request, scope
from agent_trace.delivery.wire.spans import Resources, reduced, span_item
from agent_trace.recording.guard import attempt
from agent_trace.recording.journal.header import package_version

_HEADERS: Final = "look at OTEL_EXPORTER_OTLP_HEADERS"
_URL: Final = (
    "look at OTEL_EXPORTER_OTLP_ENDPOINT: OTLP over HTTP is often at port 4318, and gRPC is not spoken"
)
_CERTIFICATE: Final = "look at OTEL_EXPORTER_OTLP_CERTIFICATE and OTEL_EXPORTER_OTLP_ENDPOINT"
_ADVICE: Final = {401: _HEADERS, 403: _HEADERS, 404: _URL, 405: _URL, 415: _URL}


class OtlpBackend:
    """Sends observations to a collector; scores have no place there. For one thread at a time."""

    name = "otlp"

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        compress: bool = False,
        certificates: str | None = None,
        resource_attributes: Mapping[str, str] | None = None,
    ) -> None:
        self.address, authorization = endpoint(url)
        sent = {"User-Agent": f"agent-trace/{package_version()}"}
        if authorization is not None:
            sent["Authorization"] = authorization
        sent.update(headers or {})
        secrets = secrets_in([*(headers or {}).values(), authorization or ""])
        self._posting = Posting(
            sent,
            secrets=tuple(secrets),
            compress=compress,
            advice=_ADVICE,
            certificates=certificates,
            tls_advice=_CERTIFICATE,
        )
        self._scope = scope("agent_trace", package_version(), {})
        self._attributes = GenAiAttributes(Resources(resource_attributes or {}, package_version()))

    def encode(self, record: Record, line: bytes | None = None) -> list[Item]:
        """A span for an observation, nothing for anything else."""
        if record.get("kind", "observation") != "observation":
            return []
        return attempt("encoding an observation", self._encode, record, line) or [reduced(record)]

    def send(self, items: Sequence[Item], timeout_s: float) -> Answer:
        """Send spans."""
        body = request(self._scope, [item.payload for item in items], SCHEMA_URL)
        return self._posting.post(self.address, body, "application/x-protobuf", timeout_s, partly_rejected)

    def close(self) -> None:
        """Close the connection."""
        self._posting.close()

    def _encode(self, record: Record, line: bytes | None) -> list[Item]:
        return [span_item(record, *self._attributes.of(record, line))]
