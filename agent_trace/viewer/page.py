"""What a page is: a path, a template, and the content that both its HTML and its JSON are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_trace.store import Store

Content = dict[str, Any]
"""What a page says, in plain values: text, numbers, times in nanoseconds, `Decimal` for money, dataclasses, lists."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: the store, the names in the path, and what stands after the `?` of the URL."""

    store: Store
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `path` may hold names in braces; `.json` behind it gives the same content as JSON.

    `content` raises NotFound for what is not there and `BadQuestion` for what cannot be asked. It runs on a thread
    of its own, as does its template.
    """

    name: str
    path: str
    template: str
    content: Callable[[Question], Content]
    title: str = ""
    """In the navigation; empty for pages that are reached from another one."""
    json_path: str = ""
    """Where the JSON is when it is not at `path` + `.json`."""
    before_store: Callable[[Path], Content] | None = None
    """What it says of a directory in which nothing was recorded yet; without it, such a page says how to begin."""
    charts: bool = False
    """Whether it may draw one, the `chart` of its content: with one, a script may set styles, which no other page allows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page's content: what `base.html` knows besides `page`, `pages` and `query`."""

    directory: str
    path: str
    """That was asked for, without the query."""
    json_url: str
    """The same content as JSON."""
    switch_token: str
    """To be sent by forms that change something, as `token`."""
    recording: bool
    """Whether recording into this store is switched on."""


class BadQuestion(Exception):
    """The URL asks something that cannot be asked; the message names the part, its value and what would do."""
