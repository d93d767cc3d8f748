"""Promises of ledgers told as accounts, and of the words for actions, settings and shares."""

from decimal import Decimal

import pytest

from agent_trace.delivery.standing.ledger import ConsumerLedger
from agent_trace.display.actions import direction
from agent_trace.reporting import accounts, settings_told, sums
from agent_trace.settings import load
from agent_trace.store.answers import CostRow, Ledger


def test_the_parts_of_a_store_add_up_and_what_was_lost_comes_with_what_to_do() -> None:
    ledger = Ledger(recorded=110, indexed=100, pending=1, torn=2, damaged=3, evicted=1, lost={"disk_full": 3})
    account = accounts.of_store(ledger)
    assert sum(part.count for part in account.told) == account.recorded
    assert account.missing == 0
    assert account.told[-1].name == "lost: disk_full"
    assert "Free some space" in account.told[-1].fix


def test_records_that_no_part_accounts_for_are_told() -> None:
    ledger = ConsumerLedger(
        "langfuse", recorded=10, delivered=6, pending=1, dead_lettered=0, evicted=0, torn=0, damaged=0
    )
    account = accounts.of_delivery(ledger)
    assert (account.whose, account.missing) == ("langfuse", 3)
    assert [part.name for part in account.told] == ["delivered", "pending", "dead-lettered"]


@pytest.mark.parametrize(
    ("action", "points"),
    [("buy ", "buy"), ("CLOSE_ALL", "sell"), ("Wait", "hold"), ("DONT BUY", "other"), ("", "other")],
)
def test_actions_point_somewhere_in_any_case(action: str, points: str) -> None:
    assert direction(action) == points


def test_secrets_and_passwords_in_addresses_are_hidden_and_unset_ones_are_not() -> None:
    found = load({"secret_key": "sk-lf-very-secret", "base_url": "https://me:very-secret@langfuse.example"})
    rows = {row["name"]: row["value"] for row in settings_told.rows(found)}
    assert (rows["secret_key"], rows["base_url"]) == ("(hidden)", "https://(hidden)@langfuse.example")
    assert rows["otlp_headers"] is None


def test_unknown_has_no_share() -> None:
    assert sums.percent(Decimal(1), Decimal(3)) == "33.3 %"
    assert sums.percent(None, Decimal(3)) == sums.percent(Decimal(0), Decimal(0)) == "—"
    row = CostRow("a", None, {"input": 5, "cache_read": 7, "output": 1, "reasoning": 2}, calls=1, unpriced=1)
    assert sums.token_sums(row) == (5, 7, 3)
    assert sums.total_of([row, row]).total is None
