"""A trading signal as an agent states it: the action in its own words, the confidence as given, its scale recognised.

How a number is read, `x` being the confidence:

- `0 <= x <= 1` is on `0-1`. That includes 1 and 0, whole or not: an agent that means one percent of certainty is
  rarer than one that is sure.
- `1 < x <= 100` is on `0-100`.
- `-1 <= x < 0` is on `-1-1`, where the sign is a direction: the percentage is that of its size, as it is for the
  positive half, which cannot be told from `0-1`.
- `"85%"` is on `0-100`, `"8/10"` on `0-10`, `"0.85"` is read as the number it spells.
- Other words ("high") are on `words` and have no percentage: any number would be made up.
- All else (752, NaN, a truth value, an object) is `nonsense`: kept, flagged, without a percentage.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final

import orjson

from agent_trace.recording.capturing.attributes import type_name
from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.guard import guarded
from agent_trace.recording.process import redact_text
from agent_trace.recording.reading.parts import text_of

_LIMITS: Final = Limits(max_bytes=2_048, max_nodes=64, max_depth=4)
_TAG_CHARS: Final = 200
_NUMBER: Final = r"[-+]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][-+]?\d{1,3})?"
_SPELLED: Final = re.compile(rf"\s*({_NUMBER})\s*(%|percent)?\s*", re.ASCII)
_RATIO: Final = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*/\s*(\d{1,6})\s*", re.ASCII)
_OWN_NAMES: Final = frozenset(
    {"action", "confidence", "confidence_scale", "confidence_percent", "reasoning", "symbol"}
)

Scale = tuple[str, int | None]
"""Name of a scale, and the percentage that the confidence is on it; `None` where there is none."""


def read_signal(
    action: object,
    confidence: object = None,
    reasoning: object = None,
    symbol: object = None,
    extra: Mapping[str, object] | None = None,
) -> tuple[dict[str, object], list[str]]:
    """The signal, and the tags to find it by: `signal:BUY`, `confidence:85`. Never raises.

    Action, symbol and confidence are plain JSON values; `reasoning` and what is in `extra` are passed on as given,
    to be captured. What is `None` is left out. An `extra` under a name of ours keeps it with `_given` behind.
    """
    signal: dict[str, object] = {}
    tags: list[str] = []
    stated = _stated(action)
    if stated is not None:
        signal["action"] = stated
        tags += _tag(stated)
    if confidence is not None:
        given = _stated(confidence)
        scale, percent = _scale_of(given)
        signal |= {"confidence": given, "confidence_scale": scale}
        if percent is not None:
            signal["confidence_percent"] = percent
            tags.append(f"confidence:{percent}")
    others = {"reasoning": reasoning, "symbol": _stated(symbol)}
    signal |= {name: value for name, value in others.items() if value is not None}
    with guarded("reading a signal"):
        for name, value in (extra or {}).items():
            signal[f"{name}_given" if name in _OWN_NAMES else name] = value
    return signal, tags


def _stated(value: object) -> object:
    """What was given as a JSON value: text trimmed, enum members by value or name, numbers as they are."""
    if value is None:
        return None
    with guarded("reading a signal"):
        if type_name(type(value)) == "decimal.Decimal" and isfinite(value):  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        named = text_of(value)
        if named is not None:
            return named.strip() or None
    # Objects, numpy scalars, NaN, overlong texts: in the form that captured values have.
    stated: object = orjson.loads(capture(value, _LIMITS, "signal", redact_text)[0])
    return stated.strip() or None if isinstance(stated, str) else stated


def _tag(stated: object) -> list[str]:
    text = stated if isinstance(stated, str) else orjson.dumps(stated).decode()
    words = text.split()
    action = " ".join(words)
    if len(action) > _TAG_CHARS:  # cut anywhere it might end in half a secret, which no rule knows any more
        action = words[0] if len(words[0]) <= _TAG_CHARS else ""
    return [f"signal:{action}"] if action else []


def _scale_of(given: object) -> Scale:
    if type(given) is int or type(given) is float:
        return _number_scale(given)
    if type(given) is not str:
        return "nonsense", None
    ratio = _RATIO.fullmatch(given)
    if ratio is not None:
        return _ratio_scale(float(ratio[1]), int(ratio[2]))
    spelled = _SPELLED.fullmatch(given)
    if spelled is None:
        return _words_scale(given)
    number = float(spelled[1])
    return _percent_scale(number) if spelled[2] else _number_scale(number)


def _number_scale(number: float) -> Scale:
    if 0 <= number <= 1:
        return "0-1", round(number * 100)
    if 1 < number <= 100:
        return "0-100", round(number)
    if -1 <= number < 0:
        return "-1-1", round(-number * 100)
    return "nonsense", None


def _percent_scale(number: float) -> Scale:
    return ("0-100", round(number)) if 0 <= number <= 100 else ("nonsense", None)


def _ratio_scale(part: float, whole: int) -> Scale:
    if whole == 0 or part > whole:
        return "nonsense", None
    return f"0-{whole}", round(100 * part / whole)


_NOT_A_WORD: Final = frozenset({"nan", "infinity", "-infinity", "inf", "-inf"})


def _words_scale(given: str) -> Scale:
    is_word = given.lower() not in _NOT_A_WORD and not given.startswith("<") and any(map(str.isalpha, given))
    return ("words" if is_word else "nonsense"), None
