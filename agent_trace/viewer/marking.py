"""Foreign text for a page, with what is looked for and what was redacted marked in it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup, escape

from agent_trace.display.visible import visible

_REDACTED: Final = r"\[redacted:[^\]\s]{1,80}\]"


def told(text: object, sought: str = "") -> Markup:
    """The text with its lines, whatever is hidden or steers in it spelt out; redactions and `sought` in <mark>."""
    shown = visible(text, keep="\n\t")
    wanted = re.escape(visible(sought.strip(), keep="\n\t"))
    pattern = re.compile(f"({_REDACTED})|({wanted})" if wanted else f"({_REDACTED})", re.IGNORECASE)
    pieces: list[Markup] = []
    last = 0
    for found in pattern.finditer(shown):
        kind = "redacted" if found[1] else "hit"
        pieces += [
            escape(shown[last : found.start()]),
            Markup('<mark class="{}">{}</mark>').format(kind, found[0]),
        ]
        last = found.end()
    return Markup("").join([*pieces, escape(shown[last:])])


def without(pairs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The pairs but for those with these names and those that say nothing."""
    return {name: value for name, value in pairs.items() if name not in names and value not in (None, "")}
