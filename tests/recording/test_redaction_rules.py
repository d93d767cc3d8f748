"""Every default rule hides its examples, leaves its counterexamples, and does both on its own."""

import functools

import orjson
import pytest

from agent_trace.recording.redaction.redactor import DEFAULT_RULES, Redactor
from agent_trace.recording.redaction.rule import Rule
from tests.support.planted import HARMLESS, PLANTED

NAMES = [rule.name for rule in DEFAULT_RULES]
EVERY_RULE = Redactor()


def line_of(value: object) -> bytes:
    return orjson.dumps({"v": 1, "kind": "observation", "id": "0123456789abcdef", "input": value}) + b"\n"


@functools.cache
def only(name: str) -> Redactor:
    return Redactor(off=[other for other in NAMES if other != name])


def pairs(kind: str) -> list[object]:
    found = [(rule, value) for rule in DEFAULT_RULES for value in getattr(rule, kind)]
    return [pytest.param(rule, value, id=f"{rule.name}-{at}") for at, (rule, value) in enumerate(found)]


@pytest.mark.parametrize("rule", DEFAULT_RULES, ids=NAMES)
def test_rule_says_what_it_covers_and_has_examples_both_ways(rule: Rule) -> None:
    assert rule.covers and rule.examples and rule.counterexamples
    assert bool(rule.pattern) != bool(rule.names)


def test_rule_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("rule", "value"), pairs("examples"))
def test_example_is_hidden_by_its_rule_alone(rule: Rule, value: object) -> None:
    redacted = orjson.loads(only(rule.name).redact_line(line_of(value)))
    assert {note["rule"] for note in redacted["redactions"]} == {rule.name}
    assert f"[redacted:{rule.name}]" in orjson.dumps(redacted["input"]).decode()


@pytest.mark.parametrize(("rule", "value"), pairs("examples"))
def test_example_is_hidden_beside_all_other_rules(rule: Rule, value: object) -> None:
    line = line_of(value)
    assert EVERY_RULE.redact_line(line) is not line


@pytest.mark.parametrize(("rule", "value"), pairs("counterexamples"))
def test_counterexample_is_left_alone(rule: Rule, value: object) -> None:
    line = line_of(value)
    assert only(rule.name).redact_line(line) is line


@pytest.mark.parametrize("name", NAMES)
def test_every_default_rule_has_a_planted_secret(name: str) -> None:
    planted = PLANTED[name]
    redacted = only(name).redact_line(line_of(planted.text)).decode()
    assert f"[redacted:{name}]" in redacted
    assert all(secret not in redacted for secret in planted.secrets)


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_look_alike_stays(name: str) -> None:
    line = line_of({"messages": [HARMLESS[name]]})
    assert EVERY_RULE.redact_line(line) is line
