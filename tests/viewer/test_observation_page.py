"""The page of one observation over HTTP: what it says of everything that can be recorded."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.asked import asked
from tests.support.hostile_calls import EVERYTHING, WORDS
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation

MS = 1_000_000
MARKUP = ("<script>", "<img", "<svg onload", 'href="javascript')
WHOLE = generation(
    id="1",
    name="ask",
    start_ns=START_NS,
    end_ns=START_NS + 1200 * MS,
    first_token_ns=START_NS + 300 * MS,
    model_parameters={"temperature": 0.2},
    finish_reason="stop",
    agent_id="trader",
    agent_name="Trader",
    tenant_id="acme",
    user_id="ann",
    session_id="morning",
    environment="production",
    release="1.4",
    tags=["paper"],
    metadata={"round": 3},
    signal={"action": "BUY", "confidence": 0.82, "symbol": "AAPL", "reasoning": "up", "venue": "NASDAQ"},
    error={"type": "ValueError", "message": "no power", "stack": "Traceback\n  in order", "context": {"attempt": 2},
           "earlier": [{"type": "Timeout", "message": "too slow"}]},
    level="ERROR",
    redactions=[{"rule": "openai", "path": "input.messages[0].content"}] * 2,
    truncated=[{"path": "input.messages[1]", "kept": 10, "of": 5000, "unit": "characters"}],
    entry_point="desk.agents:Trader.ask",
    process={"pid": 4711, "host": "here", "service": "desk"},
    input={"messages": [{"role": "user", "content": "key [redacted:openai]"}], "temperature": 0.2},
    output={"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "function": {"name": "get_price", "arguments": '{"symbol": "AAPL"}'}}]}}]},
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    store = tmp_path_factory.mktemp("observation") / "store"
    added = record("amendment", id="1", metadata={"fill": "231.40"}, tags=["filled"])
    write_segment(store, [WHOLE, added, record(id="2", type="tool", input={"a": 1}, output=[1, 2])])
    with asked(store) as client:
        yield client


def page(client: TestClient, id: str = "1", **query: str) -> str:
    answer = client.get(f"/observations/{id:0>16}", params=query)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


@pytest.mark.parametrize(
    "said",
    ["ask", "1.2 s", "first token after", "300 ms", "gpt-4o", "$0.0035", "temperature", "stop", "trader", "acme", "ann",
     "morning", "production", "1.4", "paper", "filled", '"round": 3', "BUY", "0.82", "AAPL", "NASDAQ", "ValueError", "no power",
     "in order", "attempt", "Timeout", "too slow", "openai", "input.messages[0].content", "input.messages[1]", "5000",
     "desk.agents:Trader.ask", "4711", "get_price", "calls", '"fill": "231.40"', "metadata, tags"],
)  # fmt: skip
def test_everything_that_was_recorded_is_said(client: TestClient, said: str) -> None:
    assert said in page(client)


def test_tokens_and_cost_are_told_by_class(client: TestClient) -> None:
    shown = page(client)
    for row in (("input", "1,000", "$0.0025"), ("output", "100", "$0.0010"), ("total", "1,100", "$0.0035")):
        assert (
            f'<th scope="row">{row[0]}</th><td class="number">{row[1]}</td><td class="number">{row[2]}</td>'
            in shown
        )


def test_the_arguments_of_a_call_are_json_to_read_and_raw_is_what_was_recorded(client: TestClient) -> None:
    assert '{\n  "symbol": "AAPL"\n}' in page(client)
    raw = page(client, raw="1")
    assert '"arguments": "{\\"symbol\\": \\"AAPL\\"}"' in raw and '<p class="role">' not in raw


def test_redactions_are_marked_in_the_text(client: TestClient) -> None:
    assert '<mark class="redacted">[redacted:openai]</mark>' in page(client)


def test_what_is_looked_for_is_marked_in_the_text(client: TestClient) -> None:
    assert '<mark class="hit">231.40</mark>' in page(client, q="231.40")


def test_what_is_no_chat_is_json(client: TestClient) -> None:
    shown = page(client, "2")
    assert '"a": 1' in shown and ">Chat</a>" not in shown


def test_what_was_added_later_can_be_read_as_it_was_written(client: TestClient) -> None:
    added = client.get(f"/observations/{1:016x}/text", params={"at": "/amendments/0"}).json()
    assert added["kind"] == "amendment" and added["metadata"] == {"fill": "231.40"}


def test_the_json_is_the_record(client: TestClient) -> None:
    content = client.get(f"/observations/{1:016x}.json").json()
    assert content["observation"]["finish_reason"] == "stop"
    assert content["observation"]["metadata"] == {"round": 3, "fill": "231.40"}


@pytest.mark.parametrize("word", [*WORDS, "everything"])
def test_nothing_recorded_becomes_markup_a_link_or_a_command(word: str, tmp_path: Path) -> None:
    text = WORDS.get(word, EVERYTHING).encode("utf-8", "backslashreplace").decode()
    write_segment(tmp_path, [_saying(text)])
    with asked(tmp_path) as client:
        for path in (f"/observations/{1:016x}", f"/traces/{1:032x}", f"/traces/{1:032x}?view=transcript", f"/traces/{1:032x}?view=json"):  # fmt: skip
            shown = client.get(path).text
            for forbidden in (*MARKUP, "\u202e", "\u200b", "\x1b", "\x00"):
                assert forbidden not in shown, (path, forbidden)
            sought = client.get(path, params={"q": text[:100]})
            assert sought.status_code == 200 and not [each for each in MARKUP if each in sought.text]


def _saying(text: str) -> dict[str, Any]:
    """An observation with everything that can be said about it being this text."""
    given: dict[str, Any] = dict.fromkeys(
        ("name", "model", "agent_id", "agent_name", "agent_type", "tenant_id", "user_id", "session_id", "environment",
         "release", "finish_reason", "entry_point", "status_message"), text)  # fmt: skip
    call = {"id": text, "function": {"name": text, "arguments": text}}
    message = {
        "role": text,
        "name": text,
        "content": [text, {"type": text, text: text}],
        "tool_calls": [call],
    }
    return record(
        id="1",
        type="generation",
        usage={"input": 1000, "output": 100, text: 5},
        **given,
        tags=[text],
        metadata={text: text},
        signal={"action": text, "confidence": text, "symbol": text, "reasoning": text, text: text},
        error={"type": text, "message": text, "stack": text, "context": {text: text}},
        redactions=[{"rule": text, "path": text}],
        truncated=[{"path": text, "kept": text, "of": text, "unit": text}],
        process={"pid": text, "host": text, "service": text},
        input={"messages": [message, {"role": "tool", "tool_call_id": text, "content": text}], text: text},
        output=text,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": {"input": "many"}, "cost": {"total": 1}},
        {"error": {}, "signal": {}, "metadata": {"a": None}},
        {"error": {"earlier": 7}, "signal": {"action": None, "confidence": [1]}},
        {"redactions": [{}], "truncated": [{}]},
        {"process": {}, "tags": [], "first_token_ns": 5},
        {
            "input": {"messages": [{"role": "user", "content": {"a": 1}}]},
            "output": {"choices": [{"message": None}]},
        },
        {"cost": {"total": 0.5, "currency": "EUR", "source": "me"}, "usage": None},
        {"cost": {"input": 0.1, "total": 0.5, "currency": "USD"}, "usage": {"input": 3, "output": 1}},
    ],
)
def test_odd_records_have_a_page(fields: dict[str, Any], tmp_path: Path) -> None:
    write_segment(tmp_path, [generation(id="1") | fields])
    with asked(tmp_path) as client:
        for path in (
            f"/observations/{1:016x}",
            f"/observations/{1:016x}?raw=1",
            f"/traces/{1:032x}?view=transcript",
        ):
            assert client.get(path).status_code == 200
