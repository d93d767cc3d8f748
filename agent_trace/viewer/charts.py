"""What charts have in common: figures in Plotly's JSON as plain dictionaries, and how they get into a page.

Colours are named and not given: the page's script looks them up in the stylesheet, once for light and once for dark.
"""

from dataclasses import dataclass
from html import escape
from typing import Any, Final

import orjson
from markupsafe import Markup

from agent_trace.display.visible import one_line

Figure = dict[str, Any]
"""`{"data": […], "layout": {…}}`. `meta.colour` of a series names a colour; `meta.since_epoch` says that its `x` are
milliseconds since the epoch, to be told in the reader's zone."""

COLOURS: Final = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "series-7")
REST: Final = "series-rest"
_LONGEST_NAME: Final = 28


@dataclass(frozen=True, slots=True)
class Sign:
    """What something is drawn as. `colour` is a name of the stylesheet; `form` one of Plotly's symbols, or `bar`."""

    name: str
    colour: str
    form: str = "bar"


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, and what it shows in words."""

    label: str
    """For who cannot see it; the numbers stand in a table of the same page."""
    figure: Figure
    legend: list[Sign]

    def embedded(self) -> Markup:
        """The figure as the text of a `<script type="application/json">`, which nothing in it can end."""
        # Inside of JSON's strings only: nowhere else does JSON have these three.
        text = orjson.dumps(self.figure).decode()
        return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def short(text: object, longest: int = _LONGEST_NAME) -> str:
    """Foreign text in a length that fits beside a chart."""
    line = one_line(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def plain(text: object, longest: int = _LONGEST_NAME) -> str:
    """The same for a figure: with nothing in it that Plotly takes for markup."""
    return escape(short(text, longest), quote=False)
