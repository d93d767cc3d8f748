"""A local server that speaks OpenAI's chat completions, so that the desk needs no key and no internet.

It listens on the loopback address only. Once it is too busy (503) and once its answer is cut off, as happens in
real life; which requests these are is fixed, so that every run is the same.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar, Self

from .judgement import answer_to

THINKING_S = 0.01
TOKEN_S = 0.0003
BUSY_REQUEST = 5
CUT_OFF_REQUEST = 11
CACHE_FROM_TOKENS = 1024
CACHE_STEP_TOKENS = 128
TOKEN = re.compile(r"\d{1,3}|[A-Za-z]{1,8}|[^\sA-Za-z\d]")


class LocalModelServer(ThreadingHTTPServer):
    """Serves `with LocalModelServer() as server:` on `server.base_url`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.numbers = count(1)
        self.seen_prompts: list[list[str]] = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is nothing to report; anything else is a mistake in here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def usage(self, prompt: str, answer: str) -> dict[str, Any]:
        """Token counts as the real API reports them, with the part of the prompt that was seen before."""
        tokens = TOKEN.findall(prompt)
        cached = max((shared_prefix(tokens, earlier) for earlier in self.seen_prompts), default=0)
        cached = cached - cached % CACHE_STEP_TOKENS if cached >= CACHE_FROM_TOKENS else 0
        self.seen_prompts.append(tokens)
        completion = len(TOKEN.findall(answer))
        return {
            "prompt_tokens": len(tokens),
            "completion_tokens": completion,
            "total_tokens": len(tokens) + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def shared_prefix(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class Handler(BaseHTTPRequestHandler):
    """One connection; answers POST /v1/chat/completions."""

    server: LocalModelServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    paths: ClassVar = ("/v1/chat/completions",)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = next(self.server.numbers)
        if self.path not in self.paths:
            self.refuse(404, "not_found", f"there is nothing at {self.path}")
        elif number == BUSY_REQUEST:
            self.refuse(503, "overloaded", "The model is currently overloaded. Please try again later.")
        else:
            self.complete(json.loads(body), number)

    def complete(self, request: dict[str, Any], number: int) -> None:
        prompt = "\n".join(message["content"] for message in request["messages"])
        answer, finish = answer_to(prompt), "stop"
        if number == CUT_OFF_REQUEST:
            answer, finish = answer[: len(answer) // 2], "length"
        usage = self.server.usage(prompt, answer)
        head = {"id": f"chatcmpl-{number:04}", "created": int(time.time()), "model": request["model"]}
        time.sleep(THINKING_S)
        if request.get("stream"):
            self.stream(chunks(head, answer, finish, usage))
        else:
            time.sleep(TOKEN_S * usage["completion_tokens"])
            self.send_json(200, whole(head, answer, finish, usage))

    def refuse(self, status: int, code: str, message: str) -> None:
        self.send_json(status, {"error": {"message": message, "type": "server_error", "code": code}})

    def send_json(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            self.send_chunk(f"data: {json.dumps(event)}\n\n".encode())
            time.sleep(TOKEN_S)
        # In one piece with the end of the body: a client hangs up once it has read [DONE].
        self.send_chunk(b"data: [DONE]\n\n", b"0\r\n\r\n")

    def send_chunk(self, part: bytes, end: bytes = b"") -> None:
        self.wfile.write(b"%x\r\n%b\r\n%b" % (len(part), part, end))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the desk."""


def whole(head: dict[str, Any], answer: str, finish: str, usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def chunks(head: dict[str, Any], answer: str, finish: str, usage: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answer in pieces of about a token, then the reason it ended, then the usage, as the real API does."""
    head = {**head, "object": "chat.completion.chunk", "usage": None}
    for piece in re.findall(r"\s*\S{1,5}", answer):
        yield {**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    yield {**head, "choices": [], "usage": usage}
