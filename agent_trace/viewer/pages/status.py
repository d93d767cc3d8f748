"""Status: whether recording is on, where every record went, what to put right, and the settings with their origin."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from agent_trace import settings
from agent_trace.instrumentation.instrumentors import install_command
from agent_trace.recording.journal.control import read_flag
from agent_trace.reporting import accounts, settings_told
from agent_trace.reporting.accounts import Account
from agent_trace.reporting.condition import Condition, condition
from agent_trace.viewer.page import Content, Page, Question


def content(question: Question) -> Content:
    """What `agent-trace status` and `agent-trace settings` say, of the store that this page is on."""
    found = settings.load()
    store = question.store
    return _told(found, condition(found, store.directory, lambda _: nullcontext(store)))


def before_store(directory: Path) -> Content:
    """The same of a directory in which nothing was recorded yet."""
    found = settings.load()
    return _told(found, condition(found, directory))


def _told(found: settings.Settings, stands: Condition) -> Content:
    lacking = [each.name for each in stands.providers if not each.version]
    return {
        "condition": stands,
        "flag": read_flag(Path(stands.directory)) is not False,
        "enabled": found.enabled,
        "enabled_by": found.origin("enabled"),
        "accounts": [_account(each) for each in _accounts(stands)],
        "settings": [
            {**row, "shown": settings_told.shown(row["name"], row["value"])}
            for row in settings_told.rows(found)
        ],
        "install": install_command(lacking) if lacking else None,
    }


def _accounts(stands: Condition) -> list[Account]:
    own = [] if stands.ledger is None else [accounts.of_store(stands.ledger)]
    return [*own, *(accounts.of_delivery(each) for each in stands.deliveries)]


def _account(account: Account) -> dict[str, Any]:
    """`parts` and `missing` add up to `recorded`."""
    return {
        "whose": account.whose,
        "recorded": account.recorded,
        "parts": account.told,
        "missing": account.missing,
    }


PAGE = Page("status", "/status", "status.html", content, title="Status", before_store=before_store)
