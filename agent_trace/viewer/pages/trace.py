"""One trace: its tree beside its waterfall, its conversation, or its JSON; and one observation of it beside that."""

import time
from collections.abc import Mapping
from typing import Any, Final

from agent_trace.display.waterfall import Axis
from agent_trace.store import Filter, Store
from agent_trace.store.overviews import Entry, Outline
from agent_trace.viewer import searching, transcript
from agent_trace.viewer.critical_path import critical_path
from agent_trace.viewer.elsewhere import langfuse_url
from agent_trace.viewer.folds import Folds, with_ancestors
from agent_trace.viewer.page import BadQuestion, Content, Page, Question
from agent_trace.viewer.pages import observation
from agent_trace.viewer.showing import pretty
from agent_trace.viewer.templating import render
from agent_trace.viewer.tree_lines import line

LINES: Final = 150
"""So many lines of a tree come with the page; the script asks for the others, and without it they are further pages."""
TURNS: Final = 100
"""So many generations of a conversation are on one page."""
TURN_CHARACTERS: Final = 12_000
JSON_CHARACTERS: Final = 80_000


def content(question: Question) -> Content:
    """The trace, and what one way of looking at it shows. `view`: tree, transcript or json.

    `scores`: of the trace itself, and of all observations in it.
    """
    store, query = question.store, question.query
    outline = store.outline(question.path["trace_id"])
    previous, following = store.neighbours(outline.trace_id)
    view = query.get("view") or "tree"
    if view not in _VIEWS:
        raise BadQuestion(f"view={view!r} is not known; say {', '.join(_VIEWS)}")
    opened = query.get("observation")
    return {
        "trace": outline.row,
        "at_ns": time.time_ns(),
        "view": view,
        "scores": store.scores(outline.trace_id),
        "opened": observation.content_of(store, opened, query) if opened else None,
        "previous": previous,
        "following": following,
        "langfuse_url": langfuse_url(store.directory, outline.row),
        **_VIEWS[view](store, outline, query),
    }


def live(store: Store, trace_id: str) -> Content:
    """`rows`: the cells of every line of the tree, shown or not; `html`: what stands around them by now."""
    outline = store.outline(trace_id)
    axis, path = axis_of(outline), critical_path(outline.entries, _last_ns(outline))
    around = {
        "trace": outline.row,
        "at_ns": axis.last_ns,
        "scores": store.scores(outline.trace_id),
        "ticks": axis.ticks(),
    }
    return {
        "trace_id": outline.trace_id,
        "rows": [line(entry, axis, path).cells() for entry in outline.entries],
        "html": render("trace_live.html", **around),
    }


def axis_of(outline: Outline) -> Axis:
    """The time axis of a trace; that of one that runs ends now."""
    return Axis(outline.row.start_ns, _last_ns(outline))


def _last_ns(outline: Outline) -> int:
    row = outline.row
    if row.status == "running":
        return max(time.time_ns(), row.end_ns or row.start_ns)
    starts = max((entry.start_ns for entry in outline.entries), default=row.start_ns)
    return max(starts, row.end_ns or row.start_ns)


def _tree(store: Store, outline: Outline, query: Mapping[str, str]) -> Content:
    """The lines that this page of the tree lists, and every entry as the store has it.

    `found`: ids of the observations in which `q` stands, in the order of the tree; None when nothing is looked for.
    `more_found`: these are the first of them.
    """
    sought = searching.sought(query)
    finds = searching.find(store, outline.trace_id, sought) if sought else None
    found = None if finds is None else finds.ids
    folds = Folds.read(query.get("closed", ""))
    axis, path = axis_of(outline), critical_path(outline.entries, _last_ns(outline))
    listed = _listed(outline.entries, folds, found)
    first = number(query, "from")
    shown = [outline.entries[place] for place in listed[first : first + LINES]]
    return {
        "axis": axis,
        "ticks": axis.ticks(),
        "lines": [line(entry, axis, path) for entry in shown],
        "listed": len(listed),
        "first": first,
        "next_from": first + LINES if len(listed) > first + LINES else None,
        "folds": {entry.id: str(folds.toggled(entry.id)) for entry in shown if entry.has_children},
        "closed": [entry.id for entry in shown if found is None and folds.closes(entry)],
        "found": found,
        "more_found": finds is not None and finds.more,
        "critical_path": [each.id for each in outline.entries if each.id in path],
        "entries": outline.entries,
    }


def _listed(entries: list[Entry], folds: Folds, found: list[str] | None) -> list[int]:
    return list(folds.listed(entries) if found is None else with_ancestors(entries, frozenset(found)))


def _transcript(store: Store, outline: Outline, query: Mapping[str, str]) -> Content:
    """What the innermost generations were told and answered, by start."""
    first = number(query, "from")
    generations = [entry.id for entry in outline.entries if entry.type == "generation"]
    wanted = transcript.innermost(generations, {entry.id: entry.parent_id for entry in outline.entries})
    last = first + TURNS
    where = Filter(trace_id=outline.trace_id, type="generation")
    read = store.observations(where, newest_first=False, refresh=False)
    told = transcript.turns((each for each in read if each.id in wanted), TURN_CHARACTERS)
    turns = [turn for place, turn in zip(range(last), told, strict=False) if place >= first]
    return {"turns": turns, "generations": len(wanted), "next_from": last if len(wanted) > last else None}


def _json(store: Store, outline: Outline, query: Mapping[str, str]) -> Content:
    """The trace as it was recorded: so many of its observations as there is room for, and the same as text.

    `url`: where the whole of it is.
    """
    read, room = [], JSON_CHARACTERS
    for each in store.observations(Filter(trace_id=outline.trace_id), newest_first=False, refresh=False):
        read.append(each)
        room -= len(pretty(each.to_record()))
        if room < 0:
            break
    text = pretty({"trace": outline.row, "observations": [each.to_record() for each in read]})
    return {
        "observations": read,
        "text": text[:JSON_CHARACTERS],
        "is_cut": room < 0,
        "url": f"/traces/{outline.trace_id}/text",
    }


def number(query: Mapping[str, str], name: str) -> int:
    """A whole number of the query, 0 when it is not there. Raises BadQuestion."""
    given = query.get(name, "")
    if given and not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise BadQuestion(f"{name}={given!r} is no number of a line; say 0 or more")
    return int(given or 0)


_VIEWS: Final[dict[str, Any]] = {"tree": _tree, "transcript": _transcript, "json": _json}

PAGE: Final = Page("trace", "/traces/{trace_id}", "trace.html", content)
