"""What pages are too small for: a recorded text as it is, a whole trace as JSON, the lines of a large tree.

A text is found by the id of its observation and its place in the record. No part of a URL becomes a path.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson
from starlette.responses import Response

from agent_trace.errors import NotFound
from agent_trace.observation import Observation
from agent_trace.store import Filter, Store
from agent_trace.viewer import searching
from agent_trace.viewer.answers import etag_of
from agent_trace.viewer.page import Question
from agent_trace.viewer.pages import trace
from agent_trace.viewer.pointers import value_at
from agent_trace.viewer.showing import pretty


def text(question: Question) -> Response:
    """The value at `at` in the record of an observation: a text as it was recorded, anything else as JSON."""
    observation = question.store.observation(question.path["id"])
    pointed = question.query.get("at", "")
    try:
        found = value_at(_record(question.store, observation), pointed)
    except LookupError as error:
        raise NotFound(f"observation {observation.id}: {error.args[0]}") from None
    return _plain(found if isinstance(found, str) else pretty(found))


def whole(question: Question) -> Response:
    """A trace with all its observations and scores, as JSON to read."""
    outline = question.store.outline(question.path["trace_id"])
    where = Filter(trace_id=outline.trace_id)
    read = question.store.observations(where, newest_first=False, refresh=False)
    content = {
        "trace": outline.row,
        "observations": [each.to_record() for each in read],
        "scores": question.store.scores(outline.trace_id),
    }
    return _plain(pretty(content))


def rows(question: Question) -> Response:
    """Every line of a tree, and as `html` what of its page changes while it runs, for the script."""
    said = trace.live(question.store, question.path["trace_id"])
    body = orjson.dumps(said)
    return Response(body, 200, {"ETag": etag_of(body)}, "application/json")


def found(question: Question) -> Response:
    """The ids of the observations of a trace in which `q` stands, in the order of the tree, for the script.

    `more`: these are the first of them.
    """
    finds = searching.find(question.store, question.path["trace_id"], searching.sought(question.query))
    return Response(orjson.dumps({"found": finds.ids, "more": finds.more}), media_type="application/json")


ROUTES: Final[tuple[tuple[str, Callable[[Question], Response]], ...]] = (
    ("/observations/{id}/text", text),
    ("/traces/{trace_id}/text", whole),
    ("/traces/{trace_id}/rows", rows),
    ("/traces/{trace_id}/found", found),
)
"""What is answered beside the pages."""


def _record(store: Store, observation: Observation) -> dict[str, Any]:
    return {
        **observation.to_record(),
        "amendments": store.amendments(observation.id),
    }


def _plain(said: str) -> Response:
    # Said to be text, and browsers are told (nosniff) to believe it: whatever stands in it is not run.
    return Response(said.encode("utf-8", "backslashreplace"), media_type="text/plain; charset=utf-8")
