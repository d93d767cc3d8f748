"""What users switch off, add, and decide with a function of their own."""

import logging
import os
import threading

import orjson
import pytest

from agent_trace.errors import SettingError
from agent_trace.recording import guard
from agent_trace.recording.redaction.redactor import Redactor, Rule
from agent_trace.recording.redaction.user_rules import raw_pattern
from tests.support.planted import PLANTED


def redacted(redactor: Redactor, **fields: object) -> dict[str, object]:
    line = orjson.dumps({"v": 1, "id": "0123456789abcdef", **fields}) + b"\n"
    once = redactor.redact_line(line)
    result: dict[str, object] = orjson.loads(once)
    return result


def test_rule_switched_off_hides_nothing_and_the_others_go_on() -> None:
    redactor = Redactor(off=("openai",))
    result = redacted(redactor, input=PLANTED["openai"].text, output=PLANTED["github"].text)
    assert result["input"] == PLANTED["openai"].text
    assert result["output"] == "[redacted:github]"


def test_unknown_rule_to_switch_off_is_named_with_the_nearest() -> None:
    with pytest.raises(SettingError, match=r"'open-ai'.*did you mean 'openai'"):
        Redactor(off=("open-ai",))


def test_rule_of_the_user_hides_what_it_matches() -> None:
    redactor = Redactor(extra={"account": r"ACME-[0-9]{6}"})
    assert redacted(redactor, input={"x": ["ACME-123456 and ACME-1"]})["input"] == {
        "x": ["[redacted:account] and ACME-1"]
    }


def test_group_secret_limits_what_a_user_rule_hides() -> None:
    redactor = Redactor(extra={"desk": r"desk no\. (?P<secret>\d+)"})
    assert redacted(redactor, input="desk no. 4711 called")["input"] == "desk no. [redacted:desk] called"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^ACME.+$", "ACME\tone"),
        (r'key "[^"]+"', 'the key "abc" is'),
        (r"a\sb", "a\nb"),
        (r"\bID[0-9]+\b", "line\nID77"),
        (r"C:\\keys\\\w+", r"C:\keys\mine"),
        ("größe-[0-9]+", "die größe-42"),
        (r"[^a-z]{4}", "abc\n\n\n\nabc"),
    ],
)
def test_rule_of_the_user_finds_in_the_record_what_it_finds_in_the_text(pattern: str, text: str) -> None:
    result = redacted(Redactor(extra={"mine": pattern}), input={"a": [text]})
    assert {"rule": "mine", "path": "input.a[0]"} in result["redactions"]  # type: ignore[operator]


def test_plain_pattern_is_asked_of_the_raw_line() -> None:
    assert raw_pattern(r"\bACME-[0-9A-F]{6}\b") == r"(?:)ACME-[0-9A-F]{6}(?:)"
    assert [
        raw_pattern(pattern) for pattern in ("a.b", "^a", "[^a]", r"\W", "[A-z]", r"a\"b", r"\b{2}a")
    ] == [None] * 7


@pytest.mark.parametrize("pattern", ["ACME-(?=x)", r"(a)\1", "[unclosed", "a*", ""])
def test_bad_pattern_is_refused_when_the_program_starts(pattern: str) -> None:
    with pytest.raises(SettingError, match="'mine'"):
        Redactor(extra={"mine": pattern})


def test_message_about_a_bad_pattern_tells_what_re2_cannot_do() -> None:
    with pytest.raises(SettingError, match=r"ACME-\(\?=x\).*\(\?=.*no look-ahead"):
        Redactor(extra={"mine": "ACME-(?=x)"})


@pytest.mark.parametrize("name", ["openai", "two words", ""])
def test_name_that_is_taken_or_cannot_stand_in_a_mark_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="name"):
        Redactor(extra={name: "ACME"})


def test_rules_can_be_given_as_rules() -> None:
    redactor = Redactor(extra=[Rule("acme", "ACME accounts", "ACME-[0-9]+", ("ACME-1",), ("ACME",))])
    assert redacted(redactor, name="ACME-12")["name"] == "[redacted:acme]"


def test_callable_sees_every_field_and_its_answer_is_written() -> None:
    seen: dict[str, object] = {}

    def custom(field: str, value: object) -> object:
        seen[field] = value
        return "hidden" if field == "input" else value

    result = redacted(Redactor(custom=custom), input={"a": 1}, output="b", usage={"input": 3})
    assert seen == {"input": {"a": 1}, "output": "b"}
    assert (result["input"], result["output"]) == ("hidden", "b")
    assert result["redactions"] == [{"rule": "custom", "path": "input"}]


def test_what_a_callable_returns_is_searched_in_its_turn() -> None:
    result = redacted(Redactor(custom=lambda _, value: [value, PLANTED["github"].text]), input="x")
    assert PLANTED["github"].secrets[0] not in str(result)


def test_callable_that_raises_drops_the_field_and_not_the_observation(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def custom(field: str, value: object) -> object:
        if field == "input":
            raise RuntimeError("no")
        return value

    before = guard.failures.get("running the redact callable", 0)
    with caplog.at_level(logging.DEBUG, logger="agent_trace"):
        result = redacted(Redactor(custom=custom), input="secret plan", output="fine")
    assert result["input"] == "[redacted:custom-failed]" and result["output"] == "fine"
    assert result["redactions"] == [{"rule": "custom-failed", "path": "input"}]
    assert guard.failures["running the redact callable"] == before + 1


def test_callable_that_returns_what_json_cannot_hold_drops_the_field() -> None:
    assert (
        redacted(Redactor(custom=lambda _, value: object()), input="x")["input"] == "[redacted:custom-failed]"
    )


def test_callable_that_changes_nothing_leaves_the_line_as_it_is() -> None:
    line = b'{"v":1,"input":{"a":[1,2.5,null]}}\n'
    assert Redactor(custom=lambda _, value: value).redact_line(line) is line


def test_threads_share_one_redactor() -> None:
    redactor = Redactor()
    line = orjson.dumps({"v": 1, "input": PLANTED["github"].text}) + b"\n"
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(redactor.redact_line(line))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and len(set(results)) == 1 and b"[redacted:github]" in results[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_of_a_program_with_threads_redacts() -> None:
    redactor = Redactor()
    line = orjson.dumps({"v": 1, "input": PLANTED["github"].text}) + b"\n"
    stop = threading.Event()
    worker = threading.Thread(target=lambda: [redactor.redact_line(line) for _ in iter(stop.is_set, True)])
    worker.start()
    try:
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if b"[redacted:github]" in redactor.redact_line(line) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        worker.join()
