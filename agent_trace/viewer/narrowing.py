"""Filters of pages that sum up: those parts of the query that their figures can be narrowed by."""

from collections.abc import Mapping
from typing import Final

from agent_trace.store.filter import Filter
from agent_trace.viewer.filtering import PARTS, Part, asked, filter_of
from agent_trace.viewer.page import BadQuestion

BY_NAME: Final[Mapping[str, Part]] = {part.name: part for part in PARTS}


def narrowed(query: Mapping[str, str], names: tuple[str, ...]) -> tuple[Filter, dict[str, str]]:
    """The Filter that these parts of a query ask for, and they as typed. Raises BadQuestion."""
    typed = {name: text for name, text in asked(query).items() if name in names}
    return filter_of(typed), typed


def chosen(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Which of the choices a query asks for; the first one where it says nothing. Raises BadQuestion."""
    said = query.get(name, "").strip().lower() or choices[0]
    if said not in choices:
        raise BadQuestion(f"{name}={said!r} is not known; say {', '.join(choices)}")
    return said
