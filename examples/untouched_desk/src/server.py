"""A local server in the place of eight providers, each in its own protocol, built on the trading desk's.

What it answers follows from the question alone, and not from the order in which questions come: once it is too
busy, once it declines to answer, and once it breaks; which questions these are is fixed.
"""

import json
import time
from typing import Any

from trading_desk.judgement import read_closes
from trading_desk.prices import TRADING_DAYS_A_YEAR, momentum, volatility
from trading_desk.server import TOKEN, Handler, LocalModelServer, chunks, whole

from src import config

THINKING_S = 0.03
BUSY = ("groq", "GOOG")
DECLINED = ("gemini", "AAPL")
BROKEN = ("ollama", "MSFT")
STUBBORNNESS = {"deepseek": 0.6, "groq": 1.0, "ollama": 1.3, "openrouter": 0.8, "claude": 1.1}
"""Below so many standard deviations a trend is none, by provider; 0.75 for the others."""


class ProvidersServer(LocalModelServer):
    """`with ProvidersServer() as server:`, then `server.url`; `asked` names the provider of each question."""

    request_queue_size = 128  # everybody asks at once, and who finds the queue full waits for a second

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = ProvidersHandler
        self.busy_seen: set[str] = set()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def usage(self, prompt: str, answer: str) -> dict[str, Any]:
        """Token counts without any of a cache, which would depend on who came first."""
        going_in, coming_out = len(TOKEN.findall(prompt)), len(TOKEN.findall(answer))
        return {
            "prompt_tokens": going_in,
            "completion_tokens": coming_out,
            "total_tokens": going_in + coming_out,
        }


class ProvidersHandler(Handler):
    """One connection; the first part of the path is the provider."""

    server: ProvidersServer

    def do_GET(self) -> None:
        self.send_json(200, {"models": [{"name": config.MODELS["ollama"]}]})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        provider = self.path.split("/")[1]
        prompt = text_of(request)
        case = (provider, symbol_in(prompt))
        self.server.asked.append(provider)
        time.sleep(THINKING_S)
        if case == BUSY and prompt not in self.server.busy_seen:
            self.server.busy_seen.add(prompt)
            self.refuse(503, "overloaded", "over capacity, try again later")
        elif case == BROKEN:
            self.refuse(500, "crashed", "the model runner has terminated")
        else:
            self.reply(provider, request, prompt, "" if case == DECLINED else answer_to(provider, prompt))

    def reply(self, provider: str, request: dict[str, Any], prompt: str, answer: str) -> None:
        """The answer as this provider would give it."""
        usage = self.server.usage(prompt, answer)
        head = {"id": f"{provider}-1", "created": int(time.time()), "model": request.get("model", "")}
        if request.get("stream"):
            self.stream(chunks(head, answer, "stop", usage))
        elif provider in FORMS:
            self.send_json(200, FORMS[provider](head["model"], answer, usage))
        else:
            self.send_json(200, whole(head, answer, "stop", usage))


def anthropic_form(model: str, answer: str, usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": answer}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]},
    }


def gemini_form(model: str, answer: str, usage: dict[str, int]) -> dict[str, Any]:
    if not answer:
        return {"promptFeedback": {"blockReason": "SAFETY"}}
    content = {"role": "model", "parts": [{"text": answer}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": usage["prompt_tokens"],
            "candidatesTokenCount": usage["completion_tokens"],
        },
    }


def ollama_form(model: str, answer: str, usage: dict[str, int]) -> dict[str, Any]:
    counted = {"prompt_eval_count": usage["prompt_tokens"], "eval_count": usage["completion_tokens"]}
    return {"model": model, "message": {"role": "assistant", "content": answer}, "done": True, **counted}


FORMS = {"claude": anthropic_form, "gemini": gemini_form, "ollama": ollama_form}


def text_of(request: dict[str, Any]) -> str:
    """The system text and the question, whichever protocol they came in."""
    if "contents" in request:
        parts = [request["systemInstruction"], *request["contents"]]
        return "\n".join(part["parts"][0]["text"] for part in parts)
    texts = [message["content"] for message in request["messages"]]
    return "\n".join([request["system"], *texts] if "system" in request else texts)


def symbol_in(prompt: str) -> str:
    """The stock that is asked about, if any."""
    return prompt.rpartition("Look at ")[2].partition(".")[0] if "Look at " in prompt else ""


def answer_to(provider: str, prompt: str) -> str:
    """What a model of this provider says: it reckons with the closes in the prompt and with nothing else."""
    closes = read_closes(prompt)
    if closes is None:
        bought = prompt.count(": BUY")
        return f"A day with {bought} purchases, and prices that will be others tomorrow."
    change = momentum(closes)
    sigma = abs(change) / (volatility(closes) * (20 / TRADING_DAYS_A_YEAR) ** 0.5)
    moved = f"{'Up' if change > 0 else 'Down'} {abs(change):.1%} in 20 days, {sigma:.1f} sigma."
    if sigma < STUBBORNNESS.get(provider, 0.75):
        return f"NOTHING\n{moved} That is no trend.\nConfidence: {100 - round(40 * sigma)}%"
    action = "BUY" if change > 0 else "SELL"
    return f"{action}\n{moved} That is a trend.\nConfidence: {min(50 + round(25 * sigma), 95)}%"
