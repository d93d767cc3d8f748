"""Instrumentors of provider clients: switched on when the client is imported, taken back, and never in the program's way."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from wrapt import wrap_function_wrapper

from agent_trace import instrument, instrument_providers, uninstrument
from agent_trace.instrumentation import instrumentors
from agent_trace.instrumentation.providers import Provider, providers
from agent_trace.otel import TracerProvider
from agent_trace.testing import recorded

PROGRAM = """
import sys
from agent_trace import instrument_providers
handle = instrument_providers({names})
print(sorted({{"openai", "anthropic", "litellm", "langchain_core", "pydantic", "agno"}} & set(sys.modules)))
"""


class Base:
    def ask(self) -> str:
        return "HOLD"


class Client(Base):
    def tell(self) -> str:
        return "BUY"


class ClientInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """As those of OpenInference are: leaves behind on a class what it inherits."""

    fails = False
    needs: tuple[str, ...] = ()

    def instrumentation_dependencies(self) -> tuple[str, ...]:
        return self.needs

    def _instrument(self, **kwargs: Any) -> None:
        tracer = kwargs["tracer_provider"].get_tracer("desk")
        self.asked, self.told = Client.ask, Client.tell

        def observed(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            with tracer.start_as_current_span("ask"):
                return wrapped(*args, **kwargs)

        wrap_function_wrapper(Client, "ask", observed)
        wrap_function_wrapper(Client, "tell", observed)
        if self.fails:
            raise ValueError("the client is too new")

    def _uninstrument(self, **kwargs: Any) -> None:
        Client.ask, Client.tell = self.asked, self.told  # type: ignore[method-assign]


class Found:
    """An entry point as a distribution declares it."""

    name = "desk_client"
    dist = None

    def load(self) -> Any:
        return ClientInstrumentor


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An instrumentor whose client is the module of that name, which is not imported yet."""
    name = "desk_client"
    monkeypatch.setattr(instrumentors, "entry_points", lambda group: [Found()])
    monkeypatch.setitem(instrumentors._ALSO_CHANGED, "desk-client", (__name__,))
    from agent_trace.instrumentation import providers as module

    module._switches.pop("desk-client", None)
    monkeypatch.setattr(ClientInstrumentor, "fails", False)
    monkeypatch.setattr(ClientInstrumentor, "needs", ())
    yield name
    uninstrument()
    module._switches.pop("desk-client", None)
    sys.modules.pop(name, None)


def import_client(name: str) -> None:
    import wrapt

    module = sys.modules[name] = ModuleType(name)
    wrapt.notify_module_loaded(module)


def state() -> str:
    return next(each.state for each in providers() if each.name == "desk-client")


def run(names: str, rest: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(names=names) + rest],
        capture_output=True,
        text=True,
        cwd=directory,
    )


def test_no_client_is_imported_for_its_instrumentor(tmp_path: Path) -> None:
    rest = """
import openai
print(handle.attached[0].state, type(openai.OpenAI.request).__name__)
handle.undo()
print(type(openai.OpenAI.request).__name__)
print("anthropic" in sys.modules)
"""
    done = run("'openai', 'anthropic', 'litellm', 'langchain', 'agno'", rest, tmp_path)
    shown = "[]\nattached BoundFunctionWrapper\nfunction\nFalse\n"
    assert (
        done.stdout.replace("FunctionWrapper", "BoundFunctionWrapper").replace("BoundBound", "Bound"),
        done.stderr,
    ) == (
        shown,
        "",
    )


def test_without_names_all_that_are_installed_are_attached() -> None:
    with instrument_providers() as handle:
        named = {each.entry_point for each in handle.attached}
        assert {f"provider {each.name}" for each in providers() if each.version} == named
        assert "provider openai" in named


def test_unknown_and_missing_ones_are_one_warning_each_with_what_to_do(tmp_path: Path) -> None:
    done = run("'antropic', 'groq', 'antropic'", "", tmp_path)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "'antropic'" in lines[0] and "Did you mean anthropic" in lines[0]
    assert lines[1].endswith("pip install openinference-instrumentation-groq")


def test_it_waits_for_the_client_and_leaves_everything_as_it_was(desk: str) -> None:
    before = [list(vars(kind).items()) for kind in (Base, Client)]
    with instrument_providers(desk):
        assert state() == "waiting"
        import_client(desk)
        assert state() == "attached"
        with recorded() as sink:
            assert (Client().ask(), Client().tell()) == ("HOLD", "BUY")
        assert [each.metadata["otel.scope.name"] for each in sink] == ["desk", "desk"]
    assert [list(vars(kind).items()) for kind in (Base, Client)] == before
    assert state() == "installed"


def test_taken_back_before_the_client_is_imported_it_is_never_attached(desk: str) -> None:
    instrument_providers(desk).undo()
    import_client(desk)
    assert state() == "installed" and "ask" not in vars(Client)


def test_two_who_want_it_have_it_once_and_the_last_takes_it_back(desk: str) -> None:
    import_client(desk)
    first, second = instrument_providers(desk), instrument_providers("desk-client")
    first.undo()
    first.undo()
    with recorded() as sink:
        Client().ask()
    assert len(sink) == 1
    second.undo()
    with recorded() as sink:
        Client().ask()
    assert len(sink) == 0


def test_uninstrument_without_a_handle_takes_it_back_too(desk: str) -> None:
    import_client(desk)
    instrument_providers(desk)
    uninstrument()
    assert state() == "installed" and "ask" not in vars(Client)


def test_an_instrumentor_that_fails_halfway_is_undone_and_counted(
    desk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientInstrumentor, "fails", True)
    import_client(desk)
    before = dict(vars(Client))
    with instrument_providers(desk) as handle:
        assert [each.state for each in handle.attached] == ["failed"]
        assert dict(vars(Client)) == before


def test_a_client_of_a_version_that_is_not_supported_is_one_warning(
    desk: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ClientInstrumentor, "needs", ("openai >= 999",))
    import_client(desk)
    with instrument_providers(desk):
        assert state() == "failed" and "ask" not in vars(Client)
    assert capfd.readouterr().err.count("openai >= 999") == 1


def test_what_the_program_has_switched_on_itself_is_left_as_it_is(desk: str) -> None:
    import_client(desk)
    own = ClientInstrumentor()
    own.instrument(tracer_provider=TracerProvider())
    try:
        with instrument_providers(desk):
            assert state() == "program"
        with recorded() as sink:
            Client().ask()
        assert len(sink) == 1
    finally:
        own.uninstrument()
        del Client.ask


@pytest.mark.parametrize("first", ["entry point", "provider"])
def test_attached_in_both_ways_and_undone_in_turn_nothing_stays(desk: str, first: str) -> None:
    before = [list(vars(kind).items()) for kind in (Base, Client)]
    import_client(desk)
    ways: list[Any] = [lambda: instrument(Client.ask, Base.ask), lambda: instrument_providers(desk)]
    handles = [way() for way in (ways if first == "entry point" else reversed(ways))]
    for handle in reversed(handles):
        handle.undo()
    assert [list(vars(kind).items()) for kind in (Base, Client)] == before


def test_clients_without_an_instrumentor_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrumentors, "entry_points", lambda group: [])
    assert Provider("openai", "not installed", "openai", None) in providers()


def test_the_extras_name_instrumentors_that_are_found() -> None:
    found = instrumentors.installed()
    assert {"openai", "anthropic", "litellm"} <= set(found)
    assert {each.module for each in found.values()} >= {"openai", "langchain_core"}
