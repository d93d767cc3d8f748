"""The page on redaction names every rule, as the rule describes itself."""

from agent_trace.recording.redaction.redactor import DEFAULT_RULES
from tests.support.pages import DOCS, table


def test_every_rule_stands_in_the_page_and_no_other() -> None:
    assert table(DOCS / "redaction.md", "rule") == [[f"`{rule.name}`", rule.covers] for rule in DEFAULT_RULES]
