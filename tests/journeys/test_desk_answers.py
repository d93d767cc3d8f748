"""The demo's local model: its answers follow from the prices in the prompt, and from nothing else."""

import json
import math
from datetime import date
from typing import Any

import openai
import pytest

from examples.trading_desk.judgement import answer_to
from examples.trading_desk.prices import load_market, momentum, volatility
from examples.trading_desk.server import BUSY_REQUEST, CUT_OFF_REQUEST, LocalModelServer


def prompt(closes: list[float], role: str = "market analyst") -> str:
    rows = "\n".join(f"2013-01-{day:02} 10.00 {close:.2f}" for day, close in enumerate(closes, start=1))
    return f"date FLAT ACME\n{rows}\nYou are the {role}. Look at ACME.\n"


def answer(closes: list[float], role: str = "market analyst") -> dict[str, Any]:
    return dict(json.loads(answer_to(prompt(closes, role))))


def drift(a_day: float) -> list[float]:
    """Thirty closes that drift and wobble a little."""
    return [100 * (1 + a_day) ** day * (1 + 0.004 * math.sin(day * 2.1)) for day in range(30)]


@pytest.mark.parametrize(("a_day", "action"), [(0.01, "BUY"), (-0.01, "SELL"), (0.0, "HOLD")])
def test_the_analyst_follows_the_trend_in_the_prompt(a_day: float, action: str) -> None:
    assert answer(drift(a_day))["action"] == action


def test_the_risk_agent_allows_less_of_what_moves_more() -> None:
    calm = [100 + (day % 2) for day in range(30)]
    wild = [100 + 10 * (day % 2) for day in range(30)]
    assert answer(wild, "risk agent")["max_weight"] < answer(calm, "risk agent")["max_weight"]


def test_a_question_from_elsewhere_gets_a_sentence_and_no_decision() -> None:
    assert not answer_to("What is the capital of France?").startswith("{")


def test_momentum_and_volatility_of_real_prices() -> None:
    apple = load_market(until=date(2013, 1, 25)).closes["AAPL"]
    assert apple[-1] == 439.88
    assert momentum(apple) == pytest.approx(439.88 / 513.0 - 1, abs=0.001)
    assert 0.5 < volatility(apple) < 0.6


def test_a_day_before_the_first_price_is_named() -> None:
    with pytest.raises(ValueError, match="2011-01-01"):
        load_market(until=date(2011, 1, 1))


def test_the_server_is_busy_once_and_cut_off_once_however_it_is_asked() -> None:
    seen = []
    with (
        LocalModelServer() as server,
        openai.OpenAI(api_key="x", base_url=server.base_url, max_retries=0) as client,
    ):
        for number in range(1, CUT_OFF_REQUEST + 1):
            try:
                reply = client.chat.completions.create(
                    model="any", messages=[{"role": "user", "content": prompt(drift(0.01))}]
                )
                seen.append((number, reply.choices[0].finish_reason))
            except openai.InternalServerError as error:
                seen.append((number, str(error.status_code)))
    unusual = [each for each in seen if each[1] != "stop"]
    assert unusual == [(BUSY_REQUEST, "503"), (CUT_OFF_REQUEST, "length")]
