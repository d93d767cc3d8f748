"""What the local model answers: it reads the closes out of the prompt and reckons with nothing else."""

import json
import re
from collections.abc import Callable
from typing import Any

from .prices import TRADING_DAYS_A_YEAR, momentum, volatility

STRONG = 0.75
"""Momentum below this many standard deviations of its own 20 days counts as noise."""
ORDINARY_LOSS = 0.0025
MAX_WEIGHT = 0.20


def answer_to(prompt: str) -> str:
    """The JSON text a sober analyst would answer; a polite sentence when the prompt is not from this desk."""
    closes = read_closes(prompt)
    role = re.search(r"You are the (market analyst|risk agent|execution agent)", prompt)
    if closes is None or role is None:
        return "I only know the trading desk's questions."
    return json.dumps(ROLES[role[1]](prompt, closes))


def read_closes(prompt: str) -> list[float] | None:
    """The column of the symbol asked about, from the table of closes in the prompt."""
    header = re.search(r"^date (.+)$", prompt, re.MULTILINE)
    asked = re.search(r"Look at (\S+)\.", prompt)
    if header is None or asked is None or asked[1] not in header[1].split():
        return None
    column = header[1].split().index(asked[1])
    rows = re.findall(r"^\d{4}-\d\d-\d\d (.+)$", prompt, re.MULTILINE)
    return [float(row.split()[column]) for row in rows]


def analyst(prompt: str, closes: list[float]) -> dict[str, Any]:
    change = momentum(closes)
    strength = change / (volatility(closes) * (20 / TRADING_DAYS_A_YEAR) ** 0.5)
    moved = f"{'Up' if change > 0 else 'Down'} {abs(change):.1%} in 20 days"
    if abs(strength) < STRONG:
        confidence = 1 - abs(strength) / (2 * STRONG)
        return view("HOLD", confidence, f"{moved}, only {abs(strength):.1f} sigma: no trend.")
    confidence = min(0.5 + abs(strength) / 4, 0.95)
    action = "BUY" if change > 0 else "SELL"
    return view(action, confidence, f"{moved}, {abs(strength):.1f} sigma: a trend.")


def view(action: str, confidence: float, reasoning: str) -> dict[str, Any]:
    return {"action": action, "confidence": round(confidence, 2), "reasoning": reasoning}


def risk(prompt: str, closes: list[float]) -> dict[str, Any]:
    a_year = volatility(closes)
    a_day = a_year / TRADING_DAYS_A_YEAR**0.5
    weight = round(min(ORDINARY_LOSS / a_day, MAX_WEIGHT), 3)
    verdict = "reduce" if a_year > 0.35 else "approve"
    reasoning = f"Volatility {a_year:.0%} a year: {a_day:.1%} on an ordinary day."
    return {"verdict": verdict, "max_weight": weight, "reasoning": reasoning}


def execution(prompt: str, closes: list[float]) -> dict[str, Any]:
    seen = said_by("market analyst", prompt)
    limit = said_by("risk agent", prompt)
    if seen["action"] == "HOLD" or limit["verdict"] == "veto":
        return decision("HOLD", 0.0, seen["confidence"], "Nothing to gain that is worth the risk today.")
    weight = round(limit["max_weight"] * seen["confidence"], 3)
    reasoning = f"{seen['confidence']:.0%} of what risk allows: {weight:.1%} of the book."
    return decision(seen["action"], weight, seen["confidence"], reasoning)


def said_by(agent: str, prompt: str) -> dict[str, Any]:
    said = re.search(rf"^The {agent} says: (.+)$", prompt, re.MULTILINE)
    return dict(json.loads(said[1])) if said else {"action": "HOLD", "verdict": "veto", "confidence": 0.0}


def decision(action: str, weight: float, confidence: float, reasoning: str) -> dict[str, Any]:
    return {"action": action, "weight": weight, "confidence": confidence, "reasoning": reasoning}


ROLES: dict[str, Callable[[str, list[float]], dict[str, Any]]] = {
    "market analyst": analyst,
    "risk agent": risk,
    "execution agent": execution,
}
