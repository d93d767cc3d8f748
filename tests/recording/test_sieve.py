"""The sieve lets nothing pass that the gate would fire on, and nearly everything else."""

import re
import string
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent_trace import observe_llm
from agent_trace.recording.compiled import hot_path
from agent_trace.recording.process import current
from agent_trace.recording.redaction import gate, matching, user_rules
from agent_trace.recording.redaction.names import NameRules
from agent_trace.recording.redaction.redactor import DEFAULT_RULES, Redactor
from agent_trace.recording.redaction.rule import Rule, Sign
from agent_trace.recording.redaction.signs import signs_of
from agent_trace.testing import recorded
from tests.support.planted import HARMLESS, PLANTED

SIGNS = signs_of(DEFAULT_RULES)
assert SIGNS is not None
SIEVE = hot_path.Sieve(SIGNS)
MANY = settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))


def made_with_its_patterns() -> tuple[gate.Gate, list[str]]:
    asked: list[str] = []

    def set_of(patterns: Sequence[str]) -> matching.SetMatch:
        asked.extend(patterns)
        return matching.set_of(patterns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "set_of", set_of)
        return gate.Gate(DEFAULT_RULES, NameRules(DEFAULT_RULES)), asked


GATE, PATTERNS = made_with_its_patterns()


def check(text: bytes) -> bool:
    """Whether the gate fires; the sieve must have held the text back then."""
    fires = GATE.match(text) is not None
    assert SIEVE.holds_back(text) or not fires, text
    return fires


# Whatever fits a pattern of the gate


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_what_a_pattern_of_the_gate_finds_is_held_back(pattern: str) -> None:
    found = st.from_regex(re.compile(pattern.encode("latin-1")))
    fired = []

    @settings(MANY, max_examples=100)
    @given(found, st.binary(max_size=3), st.binary(max_size=3))
    def look(text: bytes, before: bytes, after: bytes) -> None:
        fired.append(check(text) + check(before + text + after))

    look()
    assert sum(fired) > len(fired) / 10


@pytest.mark.parametrize("rule", DEFAULT_RULES, ids=lambda rule: rule.name)
def test_examples_of_every_rule_are_held_back(rule: Rule) -> None:
    assert [check(orjson.dumps({"input": value})) for value in rule.examples] == [True] * len(rule.examples)
    for value in rule.counterexamples:
        check(orjson.dumps({"input": value}))


@pytest.mark.parametrize("name", PLANTED)
def test_planted_secrets_are_held_back(name: str) -> None:
    text = PLANTED[name].text
    for placed in (text, {text: 1}, [text], orjson.dumps([text]).decode(), {"a": {"b": f"x\n{text}\n"}}):
        assert check(orjson.dumps({"input": placed}))


# Whatever is like it

ALPHANUMERIC = string.ascii_letters + string.digits
words = st.text(string.ascii_lowercase, min_size=1, max_size=11)
separators = st.sampled_from(
    [" ", ", ", "\\n", "\n", " 1. ", "\\n2) ", '","', "', '", '\\",\\"', "|", "\t", '":"1","', " 10: "]
)
lengths = st.sampled_from([9, 10, 11, 23, 24, 31, 32, 35, 36, 43, 44, 49, 50, 51, 64])
runs = st.tuples(
    st.sampled_from([ALPHANUMERIC, ALPHANUMERIC + "_-", string.digits, "0123456789abcdef"]), lengths
).flatmap(lambda of: st.text(of[0], min_size=of[1], max_size=of[1]))


@st.composite
def phrases(draw: st.DrawFn) -> str:
    word, between = st.text(string.ascii_letters, min_size=3, max_size=8), draw(separators)
    parts = [draw(word) + draw(st.just(between) | separators) for _ in range(draw(st.integers(9, 14)))]
    return "".join(parts)


@st.composite
def arrays(draw: st.DrawFn) -> str:
    space = draw(st.sampled_from(["", " ", "\\n", "\n\t"]))
    numbers = draw(st.lists(st.integers(0, 999), min_size=22, max_size=27))
    return f"[{space}" + f",{space}".join(map(str, numbers)) + "]"


tokens = st.builds("{}:{}".format, st.from_regex(r"\A[0-9]{7,11}\Z"), runs) | st.builds(
    "{}{}.{}.".format, st.sampled_from("MNOP"), runs, st.text(ALPHANUMERIC, min_size=5, max_size=7)
)
urls = st.builds(
    "{}{}{}{}{}".format,
    words,
    st.sampled_from(["://", ":\\/\\/", ":\\\\/\\\\/", ":/\\/"]),
    st.text("ab:@/?", max_size=6),
    words,
    st.sampled_from(["@", "@b", ":", "/", '"@']),
)
signs = st.sampled_from([sign.text for sign in SIGNS if sign.text]).flatmap(
    lambda text: st.sampled_from([text, text.upper(), text.title()])
)
ESCAPES = r"\n \\n \u00e9 %3D %3A %20 [0;31m value= text plain new base64 b64 hex confirmation -- => := =="
PLACES = [" is ", " was ", "Bearer ", "basic ", '": ', '": "', '" ,', '","', '"}', '"]']
around = (
    st.sampled_from(" \t\n\f,;|\\\"'`:.)(#][-_=>%*/@{}<0129nrtbfmxé\x00\x1b")
    | st.sampled_from(ESCAPES.split())
    | st.sampled_from(PLACES)
)
likely = st.lists(
    signs | around | around | around | runs | words | phrases() | arrays() | tokens | urls, max_size=7
)


@MANY
@given(likely.map("".join))
@example("access token" + " is x").via("stated in a sentence")
@example("accesstoken is x").via("in one word, which no rule has as an ending")
@example('x "seed": 0123456789abcdef')
@example("seed%3A5")
def test_texts_of_likely_parts_are_held_back_where_the_gate_fires(text: str) -> None:
    check(text.encode())


@MANY
@given(st.lists(st.sampled_from([*HARMLESS.values()]) | signs | around, max_size=5))
def test_texts_that_are_nearly_harmless_are_held_back_where_the_gate_fires(parts: list[object]) -> None:
    check("".join(map(str, parts)).encode())


# Whatever is harmless

PROSE = (
    "We weigh momentum against volatility before each decision. AAPL closed at 187.44 after 186.20 and 183.91, on a "
    "volume of 51.2M; a drawdown over 3% means that we cut. The key risk is turnkey debt: see the token economics, "
    "the seedling funds and their keywords."
)


@pytest.mark.parametrize(
    "value",
    [
        PROSE,
        {"max_tokens": 512, "prompt_tokens": 12, "seed": 42, "temperature": 0.2, "keywords": ["a", "b"]},
        {"id": "550e8400-e29b-41d4-a716-446655440000", "at": "2026-03-01T10:30:55.123456+00:00"},
        {"url": "https://example.com:8080/v1/chat/completions?limit=5", "also": "http://localhost:11434/api"},
        {"closes": [187.44, 186.2, 183.91] * 30, "volume": [51_200_000] * 30},
        {"address": "0x52908400098527886E0F7030069857D2E4169EE7"},
        {
            "path": "agent_trace/recording/redaction/rules_credentials.py",
            "host": "eu-west-1.compute.internal",
        },
        "| a | b |\n|-----|-----|\n| 1 | 2 |\n" + " " * 200 + "-" * 80,
        ["risk-adjusted-returns-of-the-desk", "disk_usage", "Keyword: basis", "Author: Ann", "the pass rate"],
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_harmless_passes(value: object) -> None:
    text = orjson.dumps({"input": value})
    assert GATE.match(text) is None
    assert not SIEVE.holds_back(text)


def test_time_grows_with_the_text_and_no_faster() -> None:
    for part in ("key", "a://b", "key  ", 'key"', "pass\\\\", "--a-", "an ", "word ", "1,", "x.", "://u:"):
        assert SIEVE.holds_back((part * (300_000 // len(part))).encode()) in (True, False)


# In its place


def test_every_default_rule_has_signs() -> None:
    assert [rule.name for rule in DEFAULT_RULES if not signs_of([rule])] == []


def test_a_start_gives_the_signs_that_it_may_begin_with() -> None:
    def starts(pattern: str) -> list[str]:
        return [sign.text for sign in signs_of([Rule("r", "", "", (), (), starts=pattern)]) or ()]

    assert starts(r"sk-|hv[sr]\.") == ["sk-", "hvs.", "hvr."]
    assert starts("[sr]k_(?:live|test)_|A[K-M]A") == ["sk_", "rk_", "AKA", "ALA", "AMA"]
    assert starts("shp[a-z]{2}_") == ["shp"]
    assert len(starts("gl[a-z]{2,5}-")) == 26


@pytest.mark.parametrize("sign", ["ab", "x" * 25, "-abc", "0abc"])
def test_a_text_that_cannot_be_a_sign_is_refused(sign: str) -> None:
    with pytest.raises(ValueError, match="cannot be a sign"):
        hot_path.Sieve([Sign(sign)])


def test_more_signs_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 255"):
        hot_path.Sieve([Sign(f"sign{number}") for number in range(256)])


@observe_llm
def ask(prompt: object) -> object:
    return "HOLD"


OURS = Rule("ours", "a rule without signs", "abracadabra", (), ())


def test_a_rule_that_has_no_signs_puts_every_text_to_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_rules, "DEFAULT_RULES", (*DEFAULT_RULES, OURS))
    assert signs_of(user_rules.DEFAULT_RULES) is None
    with recorded() as sink:
        for _ in range(3):
            ask("abracadabra")
    assert sink.lines and not [line for line in sink.lines if b"abracadabra" in line]


def test_the_sieve_is_not_asked_for_another_redactor_than_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded() as sink:
        ask("a first call compiles the gate")
        monkeypatch.setattr(user_rules, "DEFAULT_RULES", (*DEFAULT_RULES, OURS))
        redactor = Redactor()
        redactor.redact_text("compiles the gate")
        steps = current().steps
        assert steps is not None
        steps.recorder.redactor = redactor
        ask("abracadabra")
    assert sink.lines and not [line for line in sink.lines if b"abracadabra" in line]


@pytest.mark.parametrize("rule", DEFAULT_RULES, ids=lambda rule: rule.name)
def test_examples_of_every_rule_are_hidden_in_calls(rule: Rule) -> None:
    with recorded() as sink:
        ask("a first call compiles the gate")
        for value in rule.examples:
            sink.lines.clear()
            ask(value)
            (line,) = [each for each in sink.lines if b'"kind":"observation"' in each]
            assert b"[redacted:" in line
