"""What the agents ask for: the shape of each answer, checked by pydantic before anyone acts on it."""

from typing import Literal

from pydantic import BaseModel

Action = Literal["BUY", "SELL", "HOLD"]


class View(BaseModel):
    """The market analyst's: where the price is going, confidence from 0 to 1."""

    action: Action
    confidence: float
    reasoning: str


class Limit(BaseModel):
    """The risk agent's: how much of the book the position may take, as a fraction."""

    verdict: Literal["approve", "reduce", "veto"]
    max_weight: float
    reasoning: str


class Decision(BaseModel):
    """The execution agent's: what to do, with which fraction of the book."""

    action: Action
    weight: float
    confidence: float
    reasoning: str
