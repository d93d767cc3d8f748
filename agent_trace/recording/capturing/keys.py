"""Keys of a dict as JSON needs them: texts, no two alike."""

from agent_trace.recording.capturing.attributes import type_name
from agent_trace.recording.capturing.forms import bounded_repr, form, marker_for
from agent_trace.recording.capturing.numbers import integer_text
from agent_trace.recording.guard import guarded


def distinct_name(key: object, taken: set[str]) -> str:
    """The name for a key beside those already taken, to which it is added: `1`, and `1 (str)` for its twin."""
    name = _key_text(key)
    if name in taken:
        name = f"{name} ({type_name(type(key))})"
    base, count = name, 1
    while name in taken:
        count += 1
        name = f"{base} #{count}"
    taken.add(name)
    return name


def _key_text(key: object) -> str:
    """Text as it is, numbers and the like as text, other objects by their `repr`; a marker when that fails."""
    if type(key) is str:
        return key
    with guarded("a key of a captured dict"):
        if type(key) is int:
            return integer_text(key)
        shape = key if key is None or type(key) is bool else form(key, 1)
        if shape is None or type(shape) in (str, int, float, bool):
            return str(shape)
        return bounded_repr(key) or marker_for(key, "object")
    return marker_for(key, "not captured")
