"""What a call cost: disjoint token counts times the rates of its model on its day, in exact decimals.

Rates come from the table that `genai-prices` ships; it is never refreshed over the network. Its own
calculator takes counts that include one another (input includes what was cached); ours are disjoint, so
that each count is multiplied by the most special rate that the model has for it. The sums are the same.
The project's own prices (setting `prices`) go before those of the table.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from agent_trace.costs.models import Rates, inputs_of, priced_model, rate_at
from agent_trace.costs.models import price_source as table_source
from agent_trace.costs.overrides import overrides

EXACT: Final = Context(prec=60)
"""The program's own decimal context may round to six digits; money is worked out in this one."""

add, divide, multiply = EXACT.add, EXACT.divide, EXACT.multiply
ZERO: Final = Decimal(0)
PICO: Final = Decimal(10**12)
MOST_PICO: Final = 1 << 56
A_MILLION: Final = Decimal(1_000_000)
A_THOUSAND: Final = Decimal(1_000)


class Cost(NamedTuple):
    """What one call cost. `parts` by class of usage add up to `total` where the source tells parts."""

    total: Decimal
    parts: Mapping[str, Decimal]
    currency: str
    source: str
    """Where the rates come from, such as `genai-prices 0.2.3`, or `provider`."""

    def to_record(self) -> dict[str, Any]:
        """The `cost` of a record: parts, total, currency, source."""
        return {**self.parts, "total": self.total, "currency": self.currency, "source": self.source}


def price(
    model: str | None, usage: Mapping[str, int] | None, at_ns: int, provider: str | None = None
) -> Cost | None:
    """US dollars for `usage` (disjoint token counts) of `model` at a time; None when nobody knows the price.

    A class of tokens that the model has no rate for leaves the whole call unpriced: a sum without it would
    look like an answer.
    """
    if not model or not usage:
        return None
    own = overrides().rates(model, at_ns)
    if own is not None:
        return _multiply(own.rates, usage, own.source)
    found = priced_model(model, provider)
    rates = None if found is None else found.rates(at_ns)
    return _multiply(rates, usage, table_source()) if rates else None


def price_pico(model: str, usage: Mapping[str, int], at_ns: int) -> int | None:
    """The total of `price` as whole 10**-12 dollars, rounded; in plain integers wherever they are exact."""
    own = overrides().rates(model, at_ns)
    if own is not None:
        rates = own.rates
    else:
        found = priced_model(model, None)
        if found is None:
            return None
        rates = found.rates(at_ns)
    total_pico, tier = 0, rates.tier(usage)
    for each, count in usage.items():
        a_token = rates.pico_a_token(each, tier)
        if a_token is None:
            cost = _multiply(rates, usage, "") if rates else None
            return None if cost is None else pico(cost.total)
        total_pico += a_token * count
    return total_pico if usage else None


def pico(amount: Decimal) -> int:
    """An amount as whole 10**-12 of its unit; at most 72,057 of it, so that sums stay within 63 bits."""
    return min(int(multiply(amount, PICO).to_integral_value()), MOST_PICO)


def price_source() -> str:
    """What figures of money rest on: the price table with its version, and which prices of your own are in force."""
    digest = overrides().digest
    return f"{table_source()} + your own ({digest})" if digest else table_source()


def _multiply(rates: Rates, usage: Mapping[str, int], source: str) -> Cost | None:
    inputs = inputs_of(usage)
    parts: dict[str, Decimal] = {}
    total = ZERO
    for each, count in usage.items():
        if count <= 0:
            continue
        rate = rates.of(each, inputs)
        if rate is None:
            return None
        parts[each] = amount = divide(multiply(rate, Decimal(count)), A_MILLION)
        total = add(total, amount)
    if rates.request is not None:
        parts["request"] = amount = divide(rate_at(rates.request, inputs), A_THOUSAND)
        total = add(total, amount)
    return Cost(total, parts, "USD", source)


def recorded_cost(cost: object) -> Cost | None:
    """The cost that the provider itself returned, as a record holds it; None when it tells no total."""
    if not isinstance(cost, Mapping):
        return None
    amounts = {key: _decimal(value) for key, value in cost.items() if key not in ("currency", "source")}
    total = amounts.pop("total", None)
    if total is None:
        return None
    return Cost(
        total=total,
        parts={str(key): value for key, value in amounts.items() if value is not None},
        currency=str(cost.get("currency") or "USD"),
        source=str(cost.get("source") or "provider"),
    )


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        # The text of a float is the number that the provider sent; its binary value is not.
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
