"""The default redaction rules, in the order in which they are applied and documented."""

from agent_trace.recording.redaction.rule import Found, Rule, Span, Verdict
from agent_trace.recording.redaction.rules_credentials import CREDENTIAL_RULES
from agent_trace.recording.redaction.rules_names import NAME_RULES
from agent_trace.recording.redaction.rules_providers import PROVIDER_RULES
from agent_trace.recording.redaction.rules_wallets import WALLET_RULES

__all__ = ["DEFAULT_RULES", "Found", "Rule", "Span", "Verdict"]

# Names first: what stands under `authorization` is hidden whole, before a narrower rule looks inside.
DEFAULT_RULES: tuple[Rule, ...] = (*NAME_RULES, *CREDENTIAL_RULES, *PROVIDER_RULES, *WALLET_RULES)
