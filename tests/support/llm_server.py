"""A local server that speaks OpenAI's chat completions and responses, Anthropic's messages and Google's `generateContent`,
each whole and streamed, and OpenAI's embeddings and transcriptions.

What it answers is planned: `server.plan(Text("BUY"), Busy(503))` is for the next requests in their order; the rest get
`HOLD`. Everything about an answer is fixed, so that two runs of a program can be compared.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROMPT_TOKENS = 20
CACHED_TOKENS = 4
ANSWER_TOKENS = 5
USAGE = {"input": PROMPT_TOKENS - CACHED_TOKENS, "output": ANSWER_TOKENS, "cache_read": CACHED_TOKENS}
"""What one answer costs, as an observation should have it."""
TRANSCRIBED = {
    "type": "tokens",
    "input_tokens": 14,
    "output_tokens": 3,
    "total_tokens": 17,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
}
"""What a transcription has used, as OpenAI says it."""

_TRANSCRIPTIONS = "/audio/transcriptions"


@dataclass(frozen=True)
class Text:
    """An answer in words; with none it is empty. `after_s`: it takes its time.

    `fails`: a stream in Anthropic's form ends with an error in the place of its end.
    """

    words: str = "HOLD"
    after_s: float = 0.0
    fails: bool = False


@dataclass(frozen=True)
class Call:
    """An answer that asks for a tool."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """No answer but a status: 429, 503, 400. Clients may come again at once."""

    status: int


Answer = Text | Call | Refusal


class LlmServer(ThreadingHTTPServer):
    """`requests` has path and body of every request since `begin`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self._planned: deque[Answer] = deque()
        self.requests: list[tuple[str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        """For Anthropic's client."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def openai_url(self) -> str:
        """For OpenAI's."""
        return f"{self.url}/v1"

    def plan(self, *answers: Answer) -> None:
        """Answer the next requests so."""
        self._planned.extend(answers)

    def begin(self) -> None:
        """Count anew, and forget what was planned."""
        self._planned.clear()
        self.requests = []

    def take(self, path: str, body: dict[str, Any]) -> tuple[int, Answer]:
        """Count a request; its number, and what to answer."""
        with self._lock:
            self.requests.append((path, body))
            return len(self.requests), self._planned.popleft() if self._planned else Text()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    server: LlmServer
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: with Nagle's algorithm every answer would wait for a delayed acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = {} if self.path.endswith(_TRANSCRIPTIONS) else json.loads(sent)
        number, answer = self.server.take(self.path, body)
        if isinstance(answer, Refusal):
            self._refuse(answer.status)
            return
        if isinstance(answer, Text) and answer.after_s:
            time.sleep(answer.after_s)
        if self.path.endswith("/embeddings"):
            self._send(_embeddings(body))
        elif self.path.endswith(_TRANSCRIPTIONS):
            self._send({"text": "HOLD", "usage": TRANSCRIBED})
        elif ":generateContent" in self.path:
            self._send(_generated(answer))
        elif ":streamGenerateContent" in self.path:
            self._stream(_generated_pieces(answer))
        elif self.path.endswith("/responses"):
            told = _response(number, body, answer)
            self._stream(_response_events(told)) if body.get("stream") else self._send(told)
        elif self.path.partition("?")[0].endswith("/messages"):
            made = _message(number, body, answer)
            self._stream(_message_events(made, answer)) if body.get("stream") else self._send(made)
        else:
            made = _completion(number, body, answer)
            self._stream(_chunks(made, body)) if body.get("stream") else self._send(made)

    def _refuse(self, status: int) -> None:
        error = {"type": "overloaded_error", "message": f"no: {status}", "code": status}
        self._send({"type": "error", "error": error}, status, {"retry-after-ms": "1"})

    def _send(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[tuple[str | None, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for name, content in events:
            event = "" if name is None else f"event: {name}\n"
            text = content if isinstance(content, str) else json.dumps(content)
            self.wfile.write(f"{event}data: {text}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """stderr is the tests'."""


def _completion(number: int, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    if isinstance(answer, Call):
        function = {"name": answer.tool, "arguments": json.dumps(answer.arguments)}
        message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
    elif isinstance(answer, Text):
        message["content"] = answer.words
    finish = "tool_calls" if isinstance(answer, Call) else "stop"
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_795_337_093,
        "model": body["model"],
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": ANSWER_TOKENS,
            "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        },
    }


def _chunks(made: dict[str, Any], body: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    usage, (choice,) = made.pop("usage"), made.pop("choices")
    made = {**made, "object": "chat.completion.chunk"}
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _pieces(message["content"] or "")]
    for call in message.get("tool_calls", ()):
        function, (start, *rest) = call["function"], _pieces(call["function"]["arguments"])
        first = {**call, "index": 0, "function": {"name": function["name"], "arguments": start}}
        deltas.append({"tool_calls": [first]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in rest]
    for delta in deltas:
        yield None, {**made, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    finish = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    yield None, {**made, "choices": [finish]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield None, {**made, "choices": [], "usage": usage}
    yield None, "[DONE]"


def _message(number: int, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if isinstance(answer, Call):
        use = {"type": "tool_use", "id": f"toolu_{number}", "name": answer.tool, "input": answer.arguments}
        content.append(use)
    elif isinstance(answer, Text) and answer.words:
        content.append({"type": "text", "text": answer.words})
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "tool_use" if isinstance(answer, Call) else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": PROMPT_TOKENS - CACHED_TOKENS,
            "cache_read_input_tokens": CACHED_TOKENS,
            "output_tokens": ANSWER_TOKENS,
        },
    }


def _message_events(made: dict[str, Any], answer: Answer) -> Iterator[tuple[str | None, Any]]:
    begun = {**made, "content": [], "stop_reason": None, "usage": {**made["usage"], "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(made["content"]):
        if block["type"] == "text":
            empty, deltas = {**block, "text": ""}, _pieces(block["text"])
            told = [{"type": "text_delta", "text": each} for each in deltas]
        else:
            empty, deltas = {**block, "input": {}}, _pieces(json.dumps(block["input"]))
            told = [{"type": "input_json_delta", "partial_json": each} for each in deltas]
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": each} for each in told]
        events.append({"type": "content_block_stop", "index": index})
    if isinstance(answer, Text) and answer.fails:
        events.append({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    else:
        ended = {"stop_reason": made["stop_reason"], "stop_sequence": None}
        usage = {"output_tokens": made["usage"]["output_tokens"]}
        events += [{"type": "message_delta", "delta": ended, "usage": usage}, {"type": "message_stop"}]
    for event in events:
        yield event["type"], event


def _generated(answer: Answer) -> dict[str, Any]:
    words = answer.words if isinstance(answer, Text) else ""
    content = {"role": "model", "parts": [{"text": words}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": PROMPT_TOKENS,
            "cachedContentTokenCount": CACHED_TOKENS,
            "candidatesTokenCount": ANSWER_TOKENS,
            "totalTokenCount": PROMPT_TOKENS + ANSWER_TOKENS,
        },
        "modelVersion": "gemini-2.5-flash",
    }


def _generated_pieces(answer: Answer) -> Iterator[tuple[str | None, Any]]:
    made = _generated(answer)
    (candidate,), usage = made["candidates"], made["usageMetadata"]
    for piece in _pieces(candidate["content"]["parts"][0]["text"]):
        content = {"role": "model", "parts": [{"text": piece}]}
        counted = {**usage, "candidatesTokenCount": 1, "totalTokenCount": PROMPT_TOKENS + 1}
        yield None, {**made, "candidates": [{"content": content, "index": 0}], "usageMetadata": counted}
    ended = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}
    yield None, {**made, "candidates": [ended]}


def _response(number: int, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    words = answer.words if isinstance(answer, Text) else ""
    content = [{"type": "output_text", "text": words, "annotations": []}]
    said = {"type": "message", "id": f"msg_{number}", "status": "completed", "role": "assistant"}
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_795_337_093,
        "status": "completed",
        "model": body["model"],
        "output": [{**said, "content": content}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": PROMPT_TOKENS,
            "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
            "output_tokens": ANSWER_TOKENS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
        },
    }


def _response_events(made: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    (said,) = made["output"]
    place = {"item_id": said["id"], "output_index": 0, "content_index": 0}
    begun = {**made, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for piece in _pieces(said["content"][0]["text"]):
        events.append({"type": "response.output_text.delta", **place, "delta": piece})
    events.append({"type": "response.completed", "response": made})
    for number, event in enumerate(events):
        yield event["type"], {**event, "sequence_number": number}


def _pieces(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    asked = body["input"] if isinstance(body["input"], list) else [body["input"]]
    found = [{"object": "embedding", "index": index, "embedding": [0.25, 0.5]} for index in range(len(asked))]
    usage = {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS}
    return {"object": "list", "model": body["model"], "data": found, "usage": usage}


@contextmanager
def llm_server() -> Iterator[LlmServer]:
    """A server that runs inside the block."""
    server = LlmServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
