"""Whatever the structure, a secret does not survive and everything else does."""

import json

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_trace.recording.redaction.redactor import STRUCTURAL, Redactor
from agent_trace.recording.redaction.rules import DEFAULT_RULES
from agent_trace.recording.redaction.search import TextSearch
from agent_trace.recording.redaction.user_rules import UserRules
from tests.support.planted import HARMLESS, PLANTED

REDACTOR = Redactor()
QUICK = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(codec="utf-8", exclude_characters="[]"), max_size=30)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
structures = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
edges = st.sampled_from(
    ["", " ", "\n", "\t", '"', "'", "(", "{", ":", ",", "é", "鍵", "\x1b[31m", "\\n", "=", "\x00"]
)
planted = st.sampled_from(sorted(PLANTED)).map(PLANTED.__getitem__)
fields = st.sampled_from(
    ["input", "output", "metadata", "status_message", "tags", "error", "name", "signal", "session_id"]
)


@st.composite
def buried(draw: st.DrawFn, secret: str) -> object:
    value: object = draw(edges) + secret + draw(edges)
    for _ in range(draw(st.integers(0, 4))):
        way = draw(st.integers(0, 4))
        if way == 0:
            value = [*draw(st.lists(scalars, max_size=2)), value, *draw(st.lists(scalars, max_size=2))]
        elif way == 1:
            value = {**draw(st.dictionaries(texts, scalars, max_size=2)), draw(texts): value}
        elif way == 2:
            value = json.dumps(value, ensure_ascii=draw(st.booleans()))
        elif way == 3:
            value = {json.dumps(value): draw(scalars)}
        else:
            value = {"input": value, "other": draw(structures)}
    return value


@QUICK
@given(st.data(), planted, fields, structures)
def test_secret_put_anywhere_never_survives(
    data: st.DataObject, secret: object, field: str, rest: object
) -> None:
    record = {
        "v": 1,
        "trace_id": "ab" * 16,
        "id": "cd" * 8,
        "start_ns": 17,
        "cost": {"total": 0.1},
        "metadata": rest,
    }
    record[field] = data.draw(buried(secret.text))  # type: ignore[attr-defined]
    line = orjson.dumps(record) + b"\n"
    once = REDACTOR.redact_line(line)
    result = orjson.loads(once)
    leaves = json.dumps(result, ensure_ascii=False)
    assert not [part for part in secret.secrets if part in leaves]  # type: ignore[attr-defined]
    assert {key: result[key] for key in record if key in STRUCTURAL} == {
        key: value for key, value in record.items() if key in STRUCTURAL
    }
    assert {note["rule"] for note in result["redactions"]} <= {rule.name for rule in DEFAULT_RULES}
    assert REDACTOR.redact_line(once) is once


@QUICK
@given(
    st.lists(st.sampled_from(sorted(HARMLESS)), min_size=1, max_size=5),
    st.sampled_from(["list", "dict", "json"]),
)
def test_look_alikes_survive_together(names: list[str], way: str) -> None:
    values = [HARMLESS[name] for name in names]
    held: object = {
        "list": values,
        "dict": dict(enumerate(values)),
        "json": [json.dumps(value) for value in values],
    }[way]
    line = orjson.dumps({"v": 1, "input": held}, option=orjson.OPT_NON_STR_KEYS) + b"\n"
    assert REDACTOR.redact_line(line) is line


@QUICK
@given(structures)
def test_any_record_comes_out_as_the_same_json_or_with_marks(value: object) -> None:
    line = orjson.dumps({"v": 1, "id": "ef" * 8, "input": value, "output": value}) + b"\n"
    once = REDACTOR.redact_line(line)
    assert once is line or b"[redacted:" in once
    assert orjson.loads(once)["id"] == "ef" * 8


@QUICK
@given(st.data(), planted)
def test_gate_fires_on_every_raw_line_whose_texts_hold_a_secret(data: st.DataObject, secret: object) -> None:
    search = _SEARCH
    value = data.draw(buried(secret.text))  # type: ignore[attr-defined]
    fired = search.gate.match(orjson.dumps({"input": value}))
    assert fired is not None and not search.gate.dismisses(fired, orjson.dumps({"input": value}))


_SEARCH = TextSearch(DEFAULT_RULES, UserRules(()))
