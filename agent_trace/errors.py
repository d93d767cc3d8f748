"""Every exception that agent_trace raises on purpose, and nothing else.

AgentTraceError
├── SettingError        a setting, rule or argument has a value that cannot be used
├── BudgetExceeded      a model was not asked, since a budget is spent that says on_exceeded = "raise"
└── StoreError          the recorded observations cannot be read as asked
    ├── StoreMissing    nothing was recorded in that directory yet
    ├── StoreTooNew     the store was written by a newer version of agent_trace
    ├── SegmentDamaged  the head of a journal segment cannot be read
    ├── NotFound        no trace or observation has that id
    └── AmbiguousId     an id prefix fits more than one

None of them is ever raised into a traced call, but for BudgetExceeded, which somebody asked for: recording keeps its
failures to itself.
"""

from typing import Final


class AgentTraceError(Exception):
    """Base of all. Its text says what happened, with which value, and what to do."""


class SettingError(AgentTraceError, ValueError):
    """A setting, a redaction rule or an argument has a value that cannot be used."""


class BudgetExceeded(AgentTraceError):
    """A model was not asked: the budget of its tenant, agent or model is spent, and says to raise."""

    status_code: Final = 402
    """Of HTTP, payment required: what goes by it, as LiteLLM's router does, leaves off trying again."""


class StoreError(AgentTraceError):
    """The recorded observations cannot be read as asked."""


class StoreMissing(StoreError):
    """Nothing was recorded in the directory that was named."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of agent_trace than this one."""


class SegmentDamaged(StoreError):
    """The head of a journal segment cannot be read; its records may still be."""


class NotFound(StoreError, LookupError):
    """No trace or observation has the id that was given."""


class AmbiguousId(StoreError, LookupError):
    """An id prefix fits more than one trace or observation."""
