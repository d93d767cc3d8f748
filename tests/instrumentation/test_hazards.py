"""Attaching to code of every odd kind that was met: it behaves as without us, and each call is one observation."""

import abc
import asyncio
import copy
import dataclasses
import enum
import inspect
import pickle
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Protocol

import pydantic
import pytest

from agent_trace import ObservabilityContext, instrument, observe_llm
from agent_trace.instrumentation import problems
from agent_trace.testing import Recorded, recorded
from tests.support.attaching import left_as_it_was, names, observed


class Response:
    """Trading code decides on its text."""

    def __init__(self, text: str, error: str | None = None) -> None:
        self.text = text
        self.error = error

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Response({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and vars(other) == vars(self)


class Provider:
    model_type: ClassVar[str] = "base"

    def __init__(self, model_name: str = "small", api_key: str = "sk-ant-api03-not-to-be-seen") -> None:
        self.model_name = model_name
        self.api_key = api_key

    def generate(self, prompt: str) -> Any:
        raise NotImplementedError

    def __call__(self, prompt: str) -> Any:
        return self.generate(prompt)


class OpenAIProvider(Provider):
    model_type = "openai"

    def generate(self, prompt: str) -> Response:
        return Response(f"BUY {prompt}")


class ClaudeProvider(Provider):
    def generate(self, prompt: str) -> Response:
        return Response(f"SELL {prompt}")


# 1. Overrides that call no `super()`


def test_every_override_in_a_subclass_is_observed() -> None:
    sink = observed(
        lambda: [str(kind().generate("x")) for kind in (OpenAIProvider, ClaudeProvider)], Provider.generate
    )
    assert names(sink) == ["OpenAIProvider.generate", "ClaudeProvider.generate"]
    assert [each.model for each in sink] == ["small", "small"]
    assert [each.metadata["model_type"] for each in sink] == ["openai", "base"]


# 2. One call, one observation; a model that calls another gives two


class Retrying:
    def generate(self, prompt: str) -> Any:
        for _ in range(2):
            try:
                super().generate(prompt)  # type: ignore[misc]
            except ValueError:
                continue
        return super().generate(prompt)  # type: ignore[misc]


class Layered(Retrying, OpenAIProvider):
    def generate(self, prompt: str) -> Any:
        return super().generate(prompt)


class Router(Provider):
    def generate(self, prompt: str) -> Any:
        return OpenAIProvider().generate(prompt)


def test_a_call_through_call_super_and_a_retrying_mixin_is_one() -> None:
    assert names(observed(lambda: Layered()("x"), Provider)) == ["Layered.__call__"]
    assert names(observed(lambda: Layered().generate("x"), Provider)) == ["Layered.generate"]


def test_a_model_that_calls_another_gives_two_nested() -> None:
    inner, outer = observed(lambda: Router().generate("x"), Provider)
    assert (inner.name, outer.name) == ("OpenAIProvider.generate", "Router.generate")
    assert inner.parent_id == outer.id


# 3. Classes that are defined later


def test_a_class_defined_in_a_function_later_is_observed_and_its_own_hook_runs() -> None:
    heard: list[str] = []

    class Base:
        def __init_subclass__(cls, label: str = "", **others: Any) -> None:
            super().__init_subclass__(**others)
            heard.append(f"{cls.__name__} {label}")

        def ask(self) -> int:
            return 0

    def late() -> int:
        class Late(Base, label="l"):
            def __init_subclass__(cls, **others: Any) -> None:
                heard.append("quiet")  # no super(): later ones are found all the same

            def ask(self) -> int:
                return 1

        class Later(Late):
            def ask(self) -> int:
                return 2

        return Late().ask() + Later().ask()

    sink = observed(late, Base)
    assert names(sink) == ["Late.ask", "Later.ask"]
    assert heard == ["Late l", "quiet"] * 3


# 4. Template methods


class Template:
    def invoke(self, prompt: str) -> str:
        return f"<{self._call(prompt)}>"

    def _call(self, prompt: str) -> str:
        raise NotImplementedError


class Filled(Template):
    def _call(self, prompt: str) -> str:
        return prompt


def test_a_template_method_is_observed_where_it_stands() -> None:
    sink = observed(lambda: Filled().invoke("x"), Template)
    assert sink.one().name == "Filled.invoke"
    assert sink.one().entry_point == f"{__name__}:Template.invoke"


# 5. `__new__` returns an object of another class


class Unrelated:
    def generate(self, prompt: str) -> str:
        return "unrelated"


class Door:
    def __new__(cls, *given: Any) -> Any:
        return Unrelated() if given else super().__new__(cls)

    def generate(self, prompt: str) -> str:
        return "door"


def test_what_new_returns_is_observed_by_its_own_class() -> None:
    with left_as_it_was(Door, Unrelated):
        sink = observed(lambda: [Door().generate("x"), Door("other").generate("y")], Door.generate)
    assert names(sink) == ["Door.generate", "Unrelated.generate"]


# 6. pydantic, dataclasses, slots


class Settings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
    model_name: str = "gpt"
    temperature: float = 0.5

    def generate(self, prompt: str) -> str:
        return f"{self.model_name}: {prompt}"


def test_a_pydantic_model_has_its_fields_and_no_others() -> None:
    def program() -> Any:
        class Special(Settings):
            top: int = 1

            def generate(self, prompt: str) -> str:
                return super().generate(prompt) + "!"

        special = Special(model_name="o")
        with pytest.raises(pydantic.ValidationError):
            special.top = 3
        again = Special.model_validate(special.model_dump())
        schema = Special.model_json_schema()["properties"].keys()
        return special.generate("x"), special.model_dump(), again == special, repr(special), list(schema)

    one = observed(program, Settings).one()
    assert (one.model, one.model_parameters) == ("o", {"temperature": 0.5})


@dataclasses.dataclass
class Plain:
    model: str = "m"

    def ask(self, prompt: str) -> str:
        return self.model + prompt


def test_a_dataclass_compares_copies_and_may_have_slots() -> None:
    def program() -> Any:
        @dataclasses.dataclass(slots=True)
        class Slotted(Plain):
            size: int = 3

            def ask(self, prompt: str) -> str:
                return f"{self.model}{prompt}{self.size}"

        slotted = Slotted("s")
        assert copy.deepcopy(slotted) == slotted
        assert not hasattr(slotted, "other")
        return slotted.ask("x"), dataclasses.asdict(slotted), repr(slotted).rpartition(".")[2]

    with left_as_it_was(Plain):
        assert names(observed(program, Plain)) == ["Slotted.ask"]


def test_a_class_that_dataclass_made_anew_gets_back_its_own_functions() -> None:
    handle = instrument(Plain)

    @dataclasses.dataclass(slots=True)
    class Slotted(Plain):
        def __new__(cls, *given: Any) -> Any:
            return super().__new__(cls)

        def __init_subclass__(cls) -> None: ...

        def ask(self, prompt: str) -> str:
            return "own"

    handle.undo()
    for name in ("ask", "__new__", "__init_subclass__"):
        member = vars(Slotted)[name]
        assert getattr(member, "__func__", member).__module__ == __name__
        assert not hasattr(getattr(member, "__func__", member), "__wrapped__")


# 7. ABCs, signatures, pickling


class Abstract(abc.ABC):
    @abc.abstractmethod
    def generate(self, prompt: str, *, limit: int = 3) -> str:
        """Says something."""

    @classmethod
    def ask(cls, prompt: str) -> str:
        """Asks."""
        return cls.__name__ + prompt

    @staticmethod
    def predict(prompt: str) -> str:
        return prompt


class Concrete(Abstract):
    def generate(self, prompt: str, *, limit: int = 3) -> str:
        """Says more."""
        return super().generate(prompt) or prompt * limit

    async def agenerate(self, prompt: str) -> str:
        return prompt

    def stream(self, n: int) -> Iterator[int]:
        yield from range(n)


def answer(prompt: str) -> str:
    return prompt


async def answer_later(prompt: str) -> str:
    return prompt


def identity(kind: type) -> list[Any]:
    members = ("generate", "ask", "predict", "agenerate", "stream")
    found = [getattr(kind, name) for name in members if hasattr(kind, name)]
    return [
        inspect.isabstract(kind),
        kind.__abstractmethods__,  # type: ignore[attr-defined]
        [(each.__name__, each.__qualname__, each.__doc__, each.__module__) for each in found],
        [str(inspect.signature(each)) for each in found],
        [(inspect.iscoroutinefunction(each), inspect.isgeneratorfunction(each)) for each in found],
        [(inspect.isfunction(each), inspect.ismethod(each)) for each in found],
        [type(vars(kind)[each.__name__]).__name__ for each in found if each.__name__ == "generate"],
        dir(kind),
        [each.__defaults__ for each in found],
        inspect.getsource(kind.generate),  # type: ignore[attr-defined]
    ]


def test_abstractness_signatures_names_and_natures_stay() -> None:
    before = [identity(kind) for kind in (Abstract, Concrete)]
    abstract = vars(Abstract)["generate"]
    with instrument(Abstract):
        assert vars(Abstract)["generate"] is abstract
        assert [identity(kind) for kind in (Abstract, Concrete)] == before
        with pytest.raises(TypeError, match="abstract"):
            Abstract()  # type: ignore[abstract]

        class Unfinished(Abstract):
            pass

        assert inspect.isabstract(Unfinished)


def test_the_signature_of_an_object_that_is_called_stays() -> None:
    class Called:
        def __call__(self, prompt: str, *, limit: int = 3) -> str:
            return prompt * limit

    before = inspect.signature(Called()), inspect.signature(Called)
    with instrument(Called), recorded() as sink:
        assert (inspect.signature(Called()), inspect.signature(Called)) == before
        assert Called()("x", limit=2) == "xx"
    assert sink.one().input == {"prompt": "x", "limit": 2}


def test_methods_pickle_and_copy_to_the_same_bytes() -> None:
    concrete = Concrete()
    things = [Concrete.generate, Concrete.ask, concrete.generate, concrete, {"call": concrete.generate}]
    before = [pickle.dumps(each) for each in things]
    functions = [pickle.dumps(each) for each in (answer, answer_later)]
    with instrument(answer, answer_later):
        assert [pickle.dumps(each) for each in (answer, answer_later)] == functions
        assert copy.deepcopy(answer) is answer
        assert copy.deepcopy(answer_later) is answer_later
    with instrument(Abstract), recorded() as sink:
        now = [Concrete.generate, Concrete.ask, concrete.generate, concrete, {"call": concrete.generate}]
        assert [pickle.dumps(each) for each in now] == before
        loaded = pickle.loads(pickle.dumps(concrete.stream))
        assert list(loaded(2)) == [0, 1]
        assert pickle.loads(pickle.dumps(Concrete.agenerate)) == Concrete.agenerate
        assert copy.deepcopy(now[2])("x", limit=1) == "x"
        for name in ("generate", "stream", "agenerate"):
            assert weakref.WeakMethod(getattr(concrete, name))() == getattr(concrete, name)
    assert names(sink) == ["Concrete.stream", "Concrete.generate"]


# 9. See test_pending.py: a package attribute that shadows its module.
# 8. See test_factories.py.

# 10. No common base


class Speaks(Protocol):
    def speak(self) -> str: ...


class Duck:
    def speak(self) -> str:
        return "quack"


class Crow:
    def speak(self) -> str:
        return "caw"


def test_duck_types_are_named_one_by_one_and_a_protocol_attaches_nothing_more() -> None:
    with left_as_it_was(Speaks, Duck, Crow):
        sink = observed(lambda: [each.speak() for each in (Duck(), Crow())], Duck.speak, Crow.speak)
    assert names(sink) == ["Duck.speak", "Crow.speak"]


# 11. The return type is decided at run time


class Streams:
    def __init__(self) -> None:
        self.made = (letter for letter in "abc")

    def chat(self, stream: bool) -> Any:
        return self.made if stream else "whole"

    def invoke(self) -> Any:
        return self.made, {"usage": 3}

    def stream(self, n: int) -> Iterator[str]:
        for index in range(n):
            yield str(index)

    def generate(self, n: int) -> Any:
        return self.stream(n)

    async def astream(self, n: int) -> AsyncIterator[str]:
        for index in range(n):
            yield str(index)

    async def agenerate(self, n: int) -> Any:
        return self.astream(n)

    async def acomplete(self, n: int) -> str:
        await asyncio.sleep(0)
        return "".join([item async for item in self.astream(n)])

    def complete(self, n: int) -> Any:
        return self.acomplete(n)


def test_a_stream_comes_back_as_the_same_object_unread() -> None:
    streams = Streams()
    with instrument(Streams), recorded() as sink:
        assert streams.chat(stream=True) is streams.made
        assert streams.invoke()[0] is streams.made
        assert streams.chat(stream=False) == "whole"
        assert list(streams.made) == ["a", "b", "c"]
    assert len(sink) == 3


def test_a_stream_that_one_method_hands_on_from_another_is_one_observation_with_its_text() -> None:
    one = observed(lambda: list(Streams().generate(3)), Streams).one()
    assert (one.name, one.input, one.output) == ("Streams.generate", {"n": 3}, "012")
    assert one.first_token_ns is not None


def test_the_same_for_an_async_one_and_for_a_plain_method_that_hands_on_a_coroutine() -> None:
    async def program() -> Any:
        streamed = [item async for item in await Streams().agenerate(2)]
        return streamed, await Streams().complete(3)

    first, second = observed(lambda: asyncio.run(program()), Streams)
    assert (first.name, first.output) == ("Streams.agenerate", "01")
    assert (second.name, second.output) == ("Streams.complete", "012")


def test_a_handed_on_stream_that_nobody_reads_still_ends() -> None:
    with instrument(Streams), recorded() as sink:
        Streams().generate(3)
    assert names(sink) == ["Streams.generate"]


def test_consuming_ones_own_stream_is_a_part_of_the_call() -> None:
    class Joined(Streams):
        def chat(self, stream: bool) -> str:
            return "".join(self.stream(2))

    assert names(observed(lambda: Joined().chat(stream=False), Streams)) == ["Joined.chat"]


# 12. `hasattr` decides


def test_no_attribute_appears_that_was_not_there() -> None:
    def program() -> Any:
        kinds = (Provider, OpenAIProvider, Layered)
        tried = ("generate_stream", "stream", "agenerate", "generate", "__init_subclass__", "__wrapped__")
        return [[hasattr(kind(), name) for name in tried] for kind in kinds], [
            "generate" in vars(kind) for kind in (*kinds, type("Empty", (OpenAIProvider,), {}))
        ]

    observed(program, Provider, f"{__name__}:Provider.generate*")


# 13. Errors as values


class Failing:
    def ask(self, how: str) -> Any:
        if how == "503":
            raise ConnectionError("503 Service Unavailable")
        return {
            "none": None,
            "dict": {"text": "", "error": {"message": "quota exceeded", "code": 429}},
            "object": Response("", error="bad key"),
            "exception": TimeoutError("slow"),
            "fine": {"text": "x", "error": None},
            "empty": Response("", error=""),
        }[how]


def test_errors_that_are_values_raise_the_level_and_stay_as_they_are() -> None:
    failing = Failing()
    with instrument(Failing), recorded() as sink:
        for how in ("none", "dict", "object", "exception", "fine", "empty"):
            failing.ask(how)
        with pytest.raises(ConnectionError, match="503"):
            failing.ask("503")
    assert [(each.level, each.status_message) for each in sink] == [
        ("WARNING", "returned None"),
        ("ERROR", "quota exceeded"),
        ("ERROR", "bad key"),
        ("ERROR", "TimeoutError: slow"),
        ("DEFAULT", None),
        ("DEFAULT", None),
        ("ERROR", "ConnectionError: 503 Service Unavailable"),
    ]


def test_the_very_objects_come_back() -> None:
    given, raised = Response("kept"), KeyError("kept")

    class Giving:
        def ask(self, fail: bool) -> Any:
            if fail:
                raise raised
            return given

    with instrument(Giving), recorded():
        assert Giving().ask(False) is given
        with pytest.raises(KeyError) as caught:
            Giving().ask(True)
    assert caught.value is raised


# 14. One call, five requests, or none; constructors that ping


class Pinging(OpenAIProvider):
    def __init__(self) -> None:
        super().__init__()
        self.generate("ping")


class Cached(OpenAIProvider):
    answers: ClassVar[dict[str, Any]] = {}

    def generate(self, prompt: str) -> Any:
        if prompt not in self.answers:
            self.answers[prompt] = [super(Cached, self).generate(prompt) for _ in range(5)][-1]
        return self.answers[prompt]


def test_what_a_constructor_asks_and_what_a_cache_answers_are_calls_too() -> None:
    Cached.answers.clear()
    assert names(observed(lambda: Pinging().generate("x"), Provider)) == ["Pinging.generate"] * 2
    Cached.answers.clear()
    with instrument(Provider), recorded() as sink:
        Cached().generate("x")
        Cached().generate("x")
    assert names(sink) == ["Cached.generate"] * 2


# 15. Model level and client level


class Client:
    def create(self, prompt: str) -> dict[str, Any]:
        return {"text": prompt, "usage": {"prompt_tokens": 7, "completion_tokens": 2}}


class OverClient(Provider):
    def generate(self, prompt: str) -> dict[str, Any]:
        return Client().create(prompt)


def test_tokens_of_model_and_client_count_once() -> None:
    inner, outer = observed(lambda: OverClient().generate("x"), Provider, Client.create)
    assert (inner.name, inner.usage) == ("Client.create", {"input": 7, "output": 2})
    assert (outer.name, outer.usage) == ("OverClient.generate", None)
    assert outer.reported_usage == {"input": 7, "output": 2}


# 16. The signal is parsed after the call


def test_a_signal_that_is_parsed_after_the_call_reaches_its_observation() -> None:
    with instrument(Provider), recorded() as sink:
        answer = OpenAIProvider().generate("AAPL")
        ObservabilityContext.add_trading_signal(str(answer).split()[0], 752, "momentum")
    amendment = sink.records[-1]
    assert (amendment["kind"], amendment["id"]) == ("amendment", sink.one().id)
    assert amendment["signal"]["action"] == "BUY"


# 17. Secrets are attributes of self


class Holding:
    model_name: str
    api_key: str
    wallet: str

    def __init__(self) -> None:
        self.model_name = "m"
        self.api_key = "sk-ant-api03-" + "x" * 40
        self.wallet = "0x" + "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"

    def ask(self, prompt: str) -> str:
        return prompt

    def run(self, prompt: str) -> str:
        return prompt


def test_no_secret_of_the_object_is_recorded() -> None:
    with instrument(Holding.ask), instrument(Holding.run, as_type="agent"), recorded() as sink:
        Holding().ask("x")
        Holding().run("x")
    written = b"".join(sink.lines)
    assert b"sk-ant" not in written
    assert b"4f3edf98" not in written
    assert len(sink) == 2


# 18. Bare except around constructors


def test_a_failure_of_ours_in_a_constructor_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> Any:
        raise ZeroDivisionError

    def make_client() -> Any:
        try:
            return Duck()
        except:  # noqa: E722 - what is met in the field
            return None

    monkeypatch.setitem(globals(), "make_client", make_client)
    monkeypatch.setattr("agent_trace.instrumentation.attachments.Attachment._add_made", broken)
    with instrument(make_client):
        assert isinstance(globals()["make_client"](), Duck)
    assert any("ZeroDivisionError" in message for message in problems())


# 19. Plain thread pools


class Desk:
    def run(self, symbols: list[str]) -> list[str]:
        with ThreadPoolExecutor(2) as pool:
            return [str(answer) for answer in pool.map(OpenAIProvider().generate, symbols)]


class CarryingDesk:
    def run(self, symbols: list[str]) -> list[str]:
        import contextvars

        with ThreadPoolExecutor(2) as pool:
            jobs = [
                pool.submit(contextvars.copy_context().run, OpenAIProvider().generate, symbol)
                for symbol in symbols
            ]
            return [str(job.result()) for job in jobs]


@pytest.mark.parametrize("desk", [Desk, CarryingDesk])
def test_calls_in_a_thread_pool_are_below_their_agent(desk: type) -> None:
    sink = observed(lambda: desk().run(["a", "b", "c"]), Provider, f"{__name__}:{desk.__name__}.run=agent")
    (agent,) = [each for each in sink if each.type == "agent"]
    models = [each for each in sink if each.type == "generation"]
    assert [each.parent_id for each in models] == [agent.id] * 3
    assert {each.agent_name for each in models} == {desk.__name__}


# And what else was found on the way


def test_a_decorated_method_is_left_to_its_decorator() -> None:
    class Mine:
        @observe_llm(name="mine")
        def ask(self) -> int:
            return 1

    with instrument(Mine), recorded() as sink:
        Mine().ask()
    assert names(sink) == ["mine"]


def test_a_class_that_is_decorated_after_it_was_attached_is_observed_once() -> None:
    with instrument(Provider), recorded() as sink:

        @observe_llm
        class Late(Provider):
            def generate(self, prompt: str) -> str:
                return prompt

            async def ask(self, prompt: str) -> str:
                return prompt

        Late().generate("x")
        asyncio.run(Late().ask("x"))
    assert [name.rpartition(">.")[2] for name in names(sink)] == ["Late.generate", "Late.ask"]


def test_concurrent_calls_of_one_object_are_each_an_observation() -> None:
    class Model:
        async def ask(self, n: int) -> int:
            await asyncio.sleep(0.001)
            return n

    async def program() -> list[int]:
        model = Model()
        return await asyncio.gather(*(model.ask(n) for n in range(5)))

    sink = observed(lambda: asyncio.run(program()), Model)
    assert len(sink) == 5
    assert {each.parent_id for each in sink} == {None}


def test_members_that_are_no_methods_are_left_alone() -> None:
    class Mood(enum.Enum):
        CALM = 1

        def ask(self) -> str:
            return self.name

    class Odd:
        run = 3
        chat = property(lambda self: "property")
        invoke = Response

        def ask(self) -> str:
            return "method"

    with left_as_it_was(Mood, Odd):
        sink = observed(
            lambda: [Odd().run, Odd().chat, Odd().ask(), Odd.invoke("x"), Mood.CALM.ask()], Odd, Mood
        )
    assert names(sink) == ["Odd.ask", "Mood.ask"]


def test_nothing_is_left_of_it_when_it_is_switched_off(observations_off: Recorded) -> None:
    with instrument(Provider):
        assert str(OpenAIProvider()("x")) == "BUY x"
    assert observations_off.lines == []


@pytest.fixture
def observations_off() -> Iterator[Recorded]:
    from agent_trace.recording import process

    with recorded() as sink:
        process.current().disable()
        yield sink
