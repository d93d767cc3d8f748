"""Entry points: what they name, and what is said of one that cannot be used. Nothing of it raises."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_trace import instrument, uninstrument
from agent_trace.instrumentation import attached, instrument_from_settings, problems
from agent_trace.instrumentation.entry_points import EntryPointError, parse
from agent_trace.instrumentation.problem_counts import forget
from agent_trace.settings import load
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was, names


class Client:
    class Chat:
        def create(self, prompt: str) -> str:
            return prompt

    def __init__(self) -> None:
        self.chat = Client.Chat()
        self.own = lambda: "set on the object"

    def ask(self, prompt: str) -> str:
        return prompt

    def ask_twice(self, prompt: str) -> str:
        return prompt * 2

    def close(self) -> None: ...


client = Client()


def ask(prompt: str) -> str:
    return prompt


def ask_more(prompt: str) -> str:
    return prompt


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    forget()
    yield
    uninstrument()


def run(entry: Any, **options: Any) -> list[str]:
    with left_as_it_was(Client, Client.Chat), instrument(entry, **options), recorded() as sink:
        client.ask("x")
        client.ask_twice("x")
        client.chat.create("x")
        client.close()
        ask("x")
        ask_more("x")
    return names(sink)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("Client.ask", ["Client.ask"]),
        ("Client.ask*", ["Client.ask", "Client.ask_twice"]),
        ("Client", ["Client.ask"]),
        ("Client.*", ["Client.ask", "Client.ask_twice", "Client.close"]),
        ("Client.Chat.create", ["Chat.create"]),
        ("client.ask", ["Client.ask"]),
        ("client.chat.create", ["Chat.create"]),
        ("client", ["Client.ask"]),
        ("ask", ["ask"]),
        ("ask*", ["ask", "ask_more"]),
    ],
)
def test_an_entry_point_names_methods_functions_objects_or_patterns(entry: str, expected: list[str]) -> None:
    assert run(f"{__name__}:{entry}") == expected
    assert problems() == {}


def test_the_objects_themselves_may_be_handed_in() -> None:
    assert run(Client) == run(client) == run(Client.ask) == run(client.ask) == ["Client.ask"]
    assert run(ask) == ["ask"]


def test_name_type_and_capture_are_as_asked_for() -> None:
    with instrument(f"{__name__}:ask=tool", name="asked", capture="input"), recorded() as sink:
        ask("x")
    one = sink.one()
    assert (one.name, one.type, one.input, one.output) == ("asked", "tool", {"prompt": "x"}, None)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f"{__name__}:Clint.ask", "there is no 'Clint' in " + __name__ + ". Did you mean Client, client?"),
        (
            f"{__name__}:Client.aks",
            "there is no 'aks' in " + __name__ + ".Client. Did you mean ask?",
        ),
        (f"{__name__}:client.own", "'own' is set on the object itself"),
        (f"{__name__}:nothing_like*", "there is no 'nothing_like*'"),
        (f"{__name__}:Client.ask=generatoin", "'generatoin' is no type. Did you mean generation"),
        (f"{__name__}.Client.ask", f"write package.module:Class.method. Did you mean {__name__}:Client.ask?"),
        ("desk models", "'desk models' is no entry point"),
        ("", "'' is no entry point"),
        ("jsn.decoder:JSONDecoder", "there is no 'jsn' in the modules that can be imported. Did you mean"),
        ("wsgiref.handlr:Base.run", "there is no 'handlr' in wsgiref. Did you mean handlers"),
        ("builtins:dict.get", "is written in C"),
    ],
)
def test_one_that_cannot_be_used_is_one_notice_with_the_nearest_names(
    entry: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENT_TRACE_QUIET", raising=False)
    for _ in range(2):
        instrument(entry)
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("agent_trace:") == 1
    assert [count for message, count in problems().items() if said in message] == [2]


@pytest.mark.parametrize("odd", [None, 3, sys, object()])
def test_objects_that_are_no_entry_points_are_problems_too(odd: Any) -> None:
    instrument(odd)
    assert len(problems()) == 1


def test_wrong_options_are_said_and_the_rest_goes_on() -> None:
    with instrument(ask, as_type="model", capture="everything"), recorded() as sink:  # type: ignore[arg-type]
        ask("x")
    assert sink.one().type == "generation"
    assert len(problems()) == 2


def test_a_text_is_taken_apart() -> None:
    entry = parse(" a.b:C.d*=tool ")
    assert (entry.module, entry.path, entry.as_type) == ("a.b", ("C", "d*"), "tool")
    for wrong in ("a:b:c", ":x", "a:", "a b:c", "a:b.*.c", "a:1.b", "a:b=", "a..b:c"):
        with pytest.raises(EntryPointError):
            parse(wrong)


def test_the_setting_names_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.agent_trace]\ninstrument = ["{__name__}:ask", "{__name__}:Client.ask=tool"]\n',
        encoding="utf-8",
    )
    monkeypatch.delenv("AGENT_TRACE_INSTRUMENT", raising=False)
    with instrument_from_settings(load(cwd=tmp_path)) as handle, recorded() as sink:
        ask("x")
        client.ask("x")
    assert [(each.name, each.type) for each in sink] == [("ask", "generation"), ("Client.ask", "tool")]
    monkeypatch.setenv("AGENT_TRACE_INSTRUMENT", f"{__name__}:ask_more")
    assert load(cwd=tmp_path).instrument == (f"{__name__}:ask_more",)
    assert handle.attached[0].state == "undone"


def test_what_is_attached_is_listed() -> None:
    with instrument(f"{__name__}:Client.ask", "not.imported.here:X", f"{__name__}:none"):
        assert [(each.entry_point, each.state, each.places) for each in attached()] == [
            (f"{__name__}:Client.ask", "attached", (f"{__name__}.Client.ask",)),
            ("not.imported.here:X", "waiting", ()),
            (f"{__name__}:none", "missing", ()),
        ]
    assert attached() == []
