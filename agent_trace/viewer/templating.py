"""Content into HTML: the templates, and the words in which they tell figures, times and foreign text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent_trace.display import figures
from agent_trace.display.actions import direction
from agent_trace.display.visible import one_line, visible
from agent_trace.viewer.filtering import PARTS
from agent_trace.viewer.marking import told, without

_TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The templates' environment: everything that is put into a page is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        duration=figures.duration,
        count=figures.count,
        size=figures.size,
        moment=figures.moment,
        full_moment=figures.full_moment,
        money=figures.money,
        plural=figures.plural,
        visible=_visible,
        one_line=one_line,
        when=when,
        counted=counted,
        direction=_direction,
        told=told,
        confidence=figures.number,
        without=without,
    )
    made.globals.update(link=link, filter_parts=PARTS)
    return made


def render(template: str, **content: Any) -> str:
    """One page as HTML."""
    return environment().get_template(template).render(**content)


def when(nanoseconds: int) -> Markup:
    """A point in time in the server's zone, which the script rewrites where the browser's is another."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        figures.local(nanoseconds).isoformat(timespec="milliseconds"),
        figures.full_moment(nanoseconds),
        figures.moment(nanoseconds),
    )


def link(path: str, query: Mapping[str, str] | None = None, /, **changes: object) -> str:
    """A URL of ours: the query with some of it changed; None or "" takes a part away."""
    asked = {
        **(query or {}),
        **{name: "" if value is None else str(value) for name, value in changes.items()},
    }
    kept = {name: value for name, value in asked.items() if value != ""}
    return f"{path}?{urlencode(kept)}" if kept else path


def counted(names: Iterable[str]) -> list[tuple[str, int]]:
    """Each name once and how often it is there, in the order in which they first appear."""
    return list(Counter(names).items())


def _direction(action: object) -> str:
    """The class of a signal's badge: `buy`, `sell`, `hold` or `other`."""
    return direction(str(action))


def _visible(text: object) -> str:
    """Foreign text with its lines, and whatever is hidden or steers in it spelt out."""
    return visible(text, keep="\n\t")
