"""Every page there is, in the order of the navigation."""

from typing import Final

from agent_trace.viewer.page import Page
from agent_trace.viewer.pages import agents, costs, observation, sessions, signals, status, trace, traces

PAGES: Final[tuple[Page, ...]] = (
    traces.PAGE,
    sessions.PAGE,
    agents.PAGE,
    costs.PAGE,
    signals.PAGE,
    status.PAGE,
    trace.PAGE,
    observation.PAGE,
)
