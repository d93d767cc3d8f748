"""`list`, `show` and `search`: what a reader is told, and what programs are given."""

import json
from pathlib import Path

import pytest

from agent_trace.display.visible import is_hidden
from agent_trace.observation import RECORD_KEYS
from tests.support.cli import ANSWER, CUT_OFF, DESK, HOSTILE, at, desk_records, desk_store, run_cli
from tests.support.segments import record, write_segment


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    return str(desk_store(tmp_path_factory.mktemp("desk")))


def ids_listed(store: str, *arguments: str) -> list[str]:
    result = run_cli("list", "--store", store, "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return [row["trace_id"] for row in json.loads(result.stdout)]


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_list_tells_at_a_glance_what_ran_failed_cost_and_was_decided(store):
    line = line_of(run_cli("list", "--store", store).stdout, DESK)
    for part in (
        "error",
        "trading desk",
        "1.2 s",
        "$0.0123",
        "BUY",
        "analyst",
        "1.3 k",
        "demo-desk",
        "gpt-4o-mini",
    ):
        assert part in line


def test_list_has_whole_ids_when_a_program_reads_it(store):
    text = run_cli("list", "--store", store).stdout
    assert DESK in text and HOSTILE in text and CUT_OFF in text


def test_list_shows_unknown_price_as_unknown(store):
    line = line_of(run_cli("list", "--store", store).stdout, HOSTILE)
    assert "  ?  " in line and "$0" not in line


def test_list_shows_what_was_cut_off_as_interrupted(store):
    assert line_of(run_cli("list", "--store", store).stdout, CUT_OFF).startswith("interrupted")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [CUT_OFF, HOSTILE, DESK]),
        (("--agent", "analyst"), [DESK]),
        (("--tenant", "demo-desk"), [DESK]),
        (("--session", "run-1"), [DESK]),
        (("--user", "nobody"), []),
        (("--type", "generation"), [HOSTILE, DESK]),
        (("--level", "error"), [DESK]),
        (("--name", "cut off"), [CUT_OFF]),
        (("--model", "gpt-4o-mini"), [DESK]),
        (("--tag", "signal:BUY"), [DESK]),
        (("--signal", "buy"), [DESK]),
        (("--since", "2025-11-22T08:26:42Z"), [CUT_OFF, HOSTILE]),
        (("--until", "2025-11-22T08:26:42Z"), [DESK]),
        (("--min-cost", "$0.01"), [DESK]),
        (("--min-duration", "500ms"), [DESK]),
        (("--limit", "1"), [CUT_OFF]),
        (("--before", "eeee"), [DESK]),
    ],
)
def test_list_narrows_down_by_every_filter(store, arguments, expected):
    assert ids_listed(store, *arguments) == expected


def test_list_says_that_nothing_fits_on_stderr(store):
    result = run_cli("list", "--store", store, "--agent", "nobody")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no trace fits" in result.stderr


def test_list_names_the_next_page(store):
    assert f"--before {HOSTILE[:8]}" in run_cli("list", "--store", store, "--limit", "2").stderr


def test_show_draws_the_tree_with_what_happened_in_it(store):
    lines = run_cli("show", "3f9a", "--store", store).stdout.splitlines()
    assert lines[0] == "trading desk  error  1.2 s  $0.0123"
    tree = [line.rstrip() for line in lines[lines.index("") + 1 :]]
    names = [line[:13].rstrip() for line in tree[1:4]]
    assert names == ["trading desk", "└─ analyst", "   ├─ chat"]
    assert tree[4].strip(" │") == "✗ openai.InternalServerError: 503 - busy  attempt=1"
    assert "1.2 k → 48  $0.0123" in tree[5]
    assert [line.strip() for line in tree[6:]] == [
        "→ BUY 0.82 AAPL  Up 8 % in 20 days.",
        "▸ redacted openai_key ×1 in input.messages[1].content",
        "▸ input.messages[0] cut: 1.0 MiB of 10 MiB kept",
    ]


def test_show_has_scores_below_what_they_judge_and_those_of_the_trace_above_all(tmp_path: Path):
    said = {"name": "helpful", "value": 0.75, "data_type": "NUMERIC", "comment": "says\x1b[31m why"}
    scores = [
        record("score", trace_id=DESK, id=ANSWER, at_ns=2, score=said),
        record("score", trace_id=DESK, id=ANSWER, at_ns=3, score={"name": "cites", "value": True}),
        {**record("score", trace_id=DESK, at_ns=1, score={"name": "tone", "value": "calm"}), "id": None},
    ]
    write_segment(tmp_path, [*desk_records(), *scores])
    text = run_cli("show", "3f9a", "--store", str(tmp_path)).stdout
    lines = [line.strip() for line in text.splitlines()]
    assert "score tone calm" in lines[: lines.index("")]
    at = lines.index("→ BUY 0.82 AAPL  Up 8 % in 20 days.")
    assert lines[at - 2 : at] == [r"★ helpful 0.75  says\x1b[31m why", "★ cites true"]
    found = json.loads(run_cli("show", "3f9a", "--json", "--store", str(tmp_path)).stdout)
    assert [each["value"] for each in found["scores"]] == ["calm", 0.75, True]


def test_show_full_has_inputs_outputs_and_stack_traces(store):
    text = run_cli("show", DESK, "--full", "--store", store).stdout
    for part in ("user: Look at AAPL.", "BUY, momentum is strong", 'File "desk.py", line 7', "signal:BUY"):
        assert part in text


def test_show_json_has_the_summary_and_whole_records(store):
    found = json.loads(run_cli("show", "3f9a", "--json", "--store", store).stdout)
    assert found["trace"]["cost"] == 0.0123
    assert [each["name"] for each in found["observations"]] == ["trading desk", "analyst", "chat", "chat"]
    assert all(tuple(each) == RECORD_KEYS for each in found["observations"])


def test_show_last_is_the_newest(store):
    assert CUT_OFF in run_cli("show", "last", "--store", store).stdout


def test_show_takes_the_id_of_an_observation_too(store):
    assert DESK in run_cli("show", ANSWER, "--store", store).stdout


@pytest.mark.parametrize(
    "command", [("list",), ("show", "eeee"), ("show", "eeee", "--full"), ("search", "markup")]
)
def test_nothing_that_a_model_wrote_steers_the_terminal(store, command):
    text = run_cli(*command, "--store", store).stdout
    assert "[red]markup[/red]" in text
    assert "\\x1b[31m" in text and "\\u202e" in text and "\\u200b" in text
    assert not any(is_hidden(character) for character in text if character != "\n")


def test_search_finds_words_and_says_where(store):
    line = run_cli("search", "momentum", "strong", "--store", store).stdout.splitlines()[1]
    assert DESK in line and "output" in line and "BUY, momentum is strong" in line


def test_search_json_has_the_observation(store):
    (match,) = json.loads(run_cli("search", "momentum", "--json", "--store", store).stdout)
    assert match["observation"]["id"] == ANSWER
    start, end = match["marks"][0]
    assert match["snippet"][start:end] == "momentum"


def test_search_that_finds_nothing_says_what_to_try(store):
    result = run_cli("search", "xylophone", "--store", store)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "add *" in result.stderr


def test_a_trace_nested_ten_thousand_deep_is_shown(tmp_path: Path):
    chain = [
        record(
            trace_id="9", id=f"{n:x}", parent_id=f"{n - 1:x}" if n > 1 else None, name=f"n{n}", start_ns=at(n)
        )
        for n in range(1, 10_001)
    ]
    write_segment(tmp_path, chain)
    text = run_cli("show", "last", "--store", str(tmp_path)).stdout
    assert "⋯[9999] n10000" in text
    assert max(map(len, text.splitlines())) < 400
