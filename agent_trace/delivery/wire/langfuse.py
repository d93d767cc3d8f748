"""Langfuse as a backend: its OTLP endpoint for observations, its score endpoint for scores."""

import time
from collections.abc import Sequence
from typing import Final

from agent_trace.delivery.backend import SCORES, Answer, Item, Record
from agent_trace.delivery.wire.connection import Reply
from agent_trace.delivery.wire.endpoints import basic, endpoint, joined, secrets_in
from agent_trace.delivery.wire.langfuse_attributes import LangfuseAttributes
from agent_trace.delivery.wire.langfuse_scores import outcome_items, score_item
from agent_trace.delivery.wire.otlp_answer import json_object, partly_rejected
from agent_trace.delivery.wire.posting import Posting
from agent_trace.delivery.wire.protobuf import request, scope
from agent_trace.delivery.wire.spans import Resources, reduced, span_item
from agent_trace.delivery.wire.values import mapping, str_of
from agent_trace.recording.guard import attempt
from agent_trace.recording.journal.header import package_version

SPOKEN_VERSION: Final = "5.0.4"
"""The Langfuse SDK whose names and encodings are used; the server decodes metadata by it."""

_TRACES_PATH: Final = "api/public/otel/v1/traces"
_SCORES_PATH: Final = "api/public/scores"
_KEYS: Final = "look at LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL"
_CERTIFICATE: Final = "look at REQUESTS_CA_BUNDLE and LANGFUSE_BASE_URL"
_ADVICE: Final = {
    401: _KEYS,
    403: _KEYS,
    404: "look at LANGFUSE_BASE_URL",
    405: "look at LANGFUSE_BASE_URL",
}


class LangfuseBackend:
    """Sends observations and scores to a Langfuse project. For one thread at a time."""

    name = "langfuse"

    def __init__(
        self,
        public_key: str,
        secret_key: str,
        base_url: str,
        resource_attributes: dict[str, str] | None = None,
    ) -> None:
        address = endpoint(base_url).url
        self.address = address.rstrip("/")
        self._traces_url, self._scores_url = joined(address, _TRACES_PATH), joined(address, _SCORES_PATH)
        authorization = basic(public_key, secret_key)
        headers = {
            "Authorization": authorization,
            "x-langfuse-sdk-name": "python",
            "x-langfuse-sdk-version": SPOKEN_VERSION,
            "x-langfuse-public-key": public_key,
            "x-langfuse-ingestion-version": "4",
            "User-Agent": f"agent-trace/{package_version()}",
        }
        secrets = tuple(secrets_in([authorization]))
        self._posting = Posting(headers, secrets=secrets, advice=_ADVICE, tls_advice=_CERTIFICATE)
        self._scope = scope("langfuse-sdk", SPOKEN_VERSION, {"public_key": public_key})
        self._attributes = LangfuseAttributes(Resources(resource_attributes or {}, package_version()))
        self._takes_lists_of_scores = True

    def encode(self, record: Record, line: bytes | None = None) -> list[Item]:
        """A span for an observation, with a score for each known outcome; a score for a score."""
        kind = record.get("kind", "observation")
        if kind == "observation":
            return attempt("encoding an observation", self._encode, record, line) or [reduced(record)]
        if kind == "score":
            return attempt("encoding a score", score_item, record) or []
        return []

    def send(self, items: Sequence[Item], timeout_s: float) -> Answer:
        """Send items of one channel."""
        if items[0].channel == SCORES:
            return self._send_scores(items, timeout_s)
        body = request(self._scope, [item.payload for item in items])
        return self._posting.post(
            self._traces_url, body, "application/x-protobuf", timeout_s, partly_rejected
        )

    def close(self) -> None:
        """Close the connection."""
        self._posting.close()

    def _encode(self, record: Record, line: bytes | None) -> list[Item]:
        item = span_item(record, *self._attributes.of(record, line))
        return [item, *outcome_items(record)] if record.get("signal") else [item]

    def _send_scores(self, items: Sequence[Item], timeout_s: float) -> Answer:
        end_s = time.monotonic() + timeout_s
        if self._takes_lists_of_scores:
            answer = self._post_scores(b"[%b]" % b",".join(item.payload for item in items), end_s)
            # Servers older than SDK 5 take one score at a time, and say no more than 400 to a list.
            if answer.status != 400 or self._post_scores(items[0].payload, end_s).verdict != "accepted":
                return answer
            self._takes_lists_of_scores = False
        for item in items:
            answer = self._post_scores(item.payload, end_s)
            if answer.verdict != "accepted":
                break
        return answer

    def _post_scores(self, body: bytes, end_s: float) -> Answer:
        left_s = max(end_s - time.monotonic(), 0.0)
        return self._posting.post(self._scores_url, body, "application/json", left_s, _rejected_scores)


def _rejected_scores(reply: Reply) -> str | None:
    """What was refused of a list of scores that was taken in part (status 207)."""
    said = json_object(reply.body)
    if not said.get("rejected"):
        return None
    errors = said.get("errors")
    told = [str_of(mapping(each).get("message")) for each in errors] if isinstance(errors, list) else []
    return f"{str_of(said['rejected'])} scores were rejected: {'; '.join(told)}"
