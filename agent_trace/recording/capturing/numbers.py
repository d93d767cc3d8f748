"""Numbers that JSON or orjson has no form for, and the others."""

from typing import Final

import orjson

_DECIMAL_INT_BITS: Final = 2048
"""616 digits: below any limit that sys.set_int_max_str_digits accepts, beyond which `str` raises."""


def integer_json(number: int) -> bytes:
    """A JSON number up to 64 bits; wider ones (amounts in wei) as a text of all their digits."""
    if -(2**63) <= number < 2**64:
        return orjson.dumps(number)
    return orjson.dumps(integer_text(number))


def integer_text(number: int) -> str:
    """Decimal digits, or only the size of an integer so wide that `str` would take long or raise."""
    bits = number.bit_length()
    return str(number) if bits <= _DECIMAL_INT_BITS else f"<int of {bits:,} bits>"


def float_json(number: float) -> bytes:
    """A JSON number, or a text for NaN and the infinities: `null` would say that there was none."""
    if number - number == 0.0:
        return orjson.dumps(number)
    return orjson.dumps("NaN" if number != number else "Infinity" if number > 0 else "-Infinity")
