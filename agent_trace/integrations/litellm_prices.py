"""What LiteLLM says that a call costs: asked of it where it has not said so yet, and believed where it can be."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from math import isfinite
from typing import Any

from agent_trace.integrations import litellm_google as google
from agent_trace.integrations import litellm_messages as messages
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.parts import parts_of

Details = Mapping[str, Any]


def with_cost(logging: Any, details: Details, answer: Any) -> dict[str, Any]:
    """What is known of a call, and the cost of its answer in whatever form that is."""
    cost = attempt("asking LiteLLM for a cost", _cost_of, logging, answer, details.get("model"))
    return {**details, "response_cost": cost}


def _cost_of(logging: Any, answer: Any, model: Any) -> Any:
    """None is "unknown". LiteLLM finds no tokens in a form that it doesn't know, and says 0 then."""
    if google.is_generated(answer):
        answer = google.priced_form(answer, model, logging)
    elif isinstance(answer, dict):
        answer = messages.priced_form(answer, model)
    return None if answer is None else cost_of_response(logging, answer)


def cost_of_response(logging: Any, response: Any) -> Any:
    """What LiteLLM says that it costs. The method has lost its underscore at some time."""
    calculate = getattr(logging, "_response_cost_calculator", None) or logging.response_cost_calculator
    return calculate(result=response)


def believed(details: Details, usage: Mapping[str, int] | None) -> dict[str, Any] | None:
    """LiteLLM's own price of the call, as a record has it; None where its 0 says that it does not know."""
    amount = details.get("response_cost")
    if not isinstance(amount, int | float) or not isfinite(amount) or amount < 0:
        return None
    if amount == 0 and not _is_free(details, usage):
        return None
    # It multiplies in binary: 0.000225 comes as 0.00022500000000000002.
    return {"total": float(f"{amount:.12g}"), "currency": "USD", "source": "litellm"}


def _is_free(details: Details, usage: Mapping[str, int] | None) -> bool:
    """Whether LiteLLM's 0 is a price. It says so of a model that it has no price of, too, and where it finds no tokens."""
    if _has_own_prices(details):
        return True
    known = _known_model(details)
    # A router's own, with a name; made by a second one, with a 0 for what is not known as well.
    if "id" in known and not known.get("mode"):
        return False
    prices = [price for name, price in known.items() if "cost" in name and isinstance(price, int | float)]
    return bool(prices) and not (any(prices) and any((usage or {}).values()))


def _known_model(details: Details) -> Mapping[str, Any]:
    """What LiteLLM has in its list of the model. Its routers put their models in."""
    model, known = details.get("model"), import_module("litellm").model_cost
    found = known.get(f"{details.get('custom_llm_provider')}/{model}") or known.get(model)
    if found is None:  # under another name, which only callbacks are told
        told = parts_of(details.get("standard_logging_object"))
        found = parts_of(told.get("model_map_information")).get("model_map_value")
    return parts_of(found)


def _has_own_prices(details: Details) -> bool:
    """Whether the program has said what this call costs, for example nothing."""
    logging: Any = import_module("litellm.litellm_core_utils.litellm_logging")
    ask = getattr(logging, "use_custom_pricing_for_model", None)
    return ask is not None and bool(attempt("asking LiteLLM for a cost", ask, details.get("litellm_params")))
