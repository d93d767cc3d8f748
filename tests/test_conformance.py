"""What a decorated callable keeps of the one it decorates: every promise that the program behaves as before."""

import asyncio
import contextvars
import copy
import functools
import gc
import inspect
import pickle
import sys
import threading
import types
import warnings
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.testing import Recorded, recorded


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@observe_llm
def module_level(question: str, *, style: str = "plain") -> str:
    """Answers."""
    return f"{question}!{style}"


@observe_llm
async def module_level_async(question: str) -> str:
    return question + "!"


class Desk:
    rate = 2

    @observe_llm
    def decide(self, symbol: str) -> tuple["Desk", str]:
        return self, symbol

    @observe_llm
    @classmethod
    def outer_class(cls, x: int) -> tuple[type, int]:
        return cls, x

    @classmethod
    @observe_llm
    def inner_class(cls, x: int) -> tuple[type, int]:
        return cls, x

    @observe_llm
    @staticmethod
    def outer_static(x: int) -> int:
        return x

    @staticmethod
    @observe_llm
    def inner_static(x: int) -> int:
        return x

    @observe_llm
    @property
    def outer_property(self) -> int:
        return self.rate

    @property
    @observe_llm
    def inner_property(self) -> int:
        return self.rate

    @outer_property.setter
    def outer_property(self, value: int) -> None:
        self.rate = value

    @observe_llm
    @cached_property
    def cached(self) -> list[int]:
        return [1]

    @observe_llm
    def stream(self, n: int) -> Iterator[int]:
        yield from range(n)


@observe_llm
class Analyst:
    """Looks."""

    def __init__(self, name: str) -> None:
        self.name = name

    def look(self, symbol: str) -> str:
        return self.name + symbol

    def _private(self) -> str:
        return "private"

    @staticmethod
    def fixed() -> int:
        return 7

    @classmethod
    def make(cls) -> "Analyst":
        return cls("made")


# Identity and nature


def test_signature_name_and_docs_stay(observations: Recorded) -> None:
    assert str(inspect.signature(module_level)) == "(question: str, *, style: str = 'plain') -> str"
    assert module_level.__name__ == "module_level"
    assert module_level.__qualname__ == "module_level"
    assert module_level.__doc__ == "Answers."
    assert module_level.__module__ == __name__
    assert module_level.__annotations__["question"] in (str, "str")


def test_it_is_a_function_to_inspect() -> None:
    assert inspect.isfunction(module_level)
    assert inspect.isroutine(module_level)
    assert callable(module_level)


def test_nature_is_kept_for_each_kind() -> None:
    @observe_llm
    def generator() -> Iterator[int]:
        yield 1

    @observe_llm
    async def async_generator() -> AsyncIterator[int]:
        yield 1

    assert inspect.iscoroutinefunction(module_level_async)
    assert not inspect.iscoroutinefunction(module_level)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)
    assert inspect.isgenerator(generator())
    made = async_generator()
    assert inspect.isasyncgen(made)


def test_attributes_set_on_it_are_the_functions() -> None:
    def plain() -> None: ...

    decorated = observe_llm(plain)
    decorated.retries = 3  # type: ignore[attr-defined]
    assert plain.retries == 3  # type: ignore[attr-defined]
    assert decorated.__wrapped__ is plain  # type: ignore[attr-defined]


def test_functools_wraps_over_it_works(observations: Recorded) -> None:
    @functools.wraps(module_level)
    def outer(*args: str) -> str:
        return module_level(*args)

    assert outer("a") == "a!plain"
    assert outer.__name__ == "module_level"


def test_it_prints_as_the_function_it_is() -> None:
    assert repr(module_level) == repr(module_level.__wrapped__)  # type: ignore[attr-defined]
    desk = Desk()
    assert repr(desk.decide).startswith("<bound method Desk.decide of <")


def test_our_wrappers_are_not_in_the_recorded_stack(observations: Recorded) -> None:
    @observe_llm
    def inner() -> None:
        raise LookupError("deep")

    @observe_llm
    def outer() -> None:
        try:
            inner()
        except LookupError as error:
            raise ValueError("outer") from error

    with pytest.raises(ValueError):
        outer()
    error = observations.one(outer.__qualname__.rpartition("<locals>.")[2]).error
    assert error is not None
    assert "in inner" in error["stack"] and "LookupError: deep" in error["stack"]
    assert "recording/calls.py" not in error["stack"]


def test_the_same_object_is_returned(observations: Recorded) -> None:
    answer = object()
    assert observe_llm(lambda: answer)() is answer


def test_arguments_arrive_as_the_same_objects(observations: Recorded) -> None:
    seen = []
    messages: list[dict[str, str]] = [{"role": "user"}]
    observe_llm(lambda *args, **kwargs: seen.extend([args[0], kwargs["langfuse_prompt"], kwargs["self"]]))(
        messages, langfuse_prompt=messages, self=messages
    )
    assert all(each is messages for each in seen) and len(seen) == 3


def test_no_keyword_of_the_caller_is_swallowed(observations: Recorded) -> None:
    @observe_llm
    def takes_anything(**kwargs: object) -> dict[str, object]:
        return kwargs

    given = {"name": 1, "metadata": 2, "session_id": 3, "trace_id": 4, "instance": 5, "wrapped": 6, "args": 7}
    assert takes_anything(**given) == given


def test_wrong_arguments_raise_the_same_type_error_at_the_call(observations: Recorded) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'question'"):
        module_level()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'question'"):
        module_level_async()  # type: ignore[call-arg]


def test_the_same_exception_object_reaches_the_caller(observations: Recorded) -> None:
    error = ValueError("no")

    @observe_llm
    def fails() -> None:
        raise error

    with pytest.raises(ValueError) as caught:
        fails()
    assert caught.value is error
    assert error.__cause__ is None and error.__context__ is None
    assert observations.one().level == "ERROR"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_base_exceptions_pass_and_are_recorded(observations: Recorded, kind: type[BaseException]) -> None:
    @observe_llm
    def stops() -> None:
        raise kind

    with pytest.raises(kind):
        stops()
    found = observations.one()
    assert found.error is not None and found.error["type"].endswith(kind.__name__)
    assert found.level in ("ERROR", "WARNING")


def test_recursion_in_the_program_raises_recursion_error(observations: Recorded) -> None:
    @observe_llm(capture_input=False)
    def endless(n: int) -> int:
        return endless(n + 1)

    with pytest.raises(RecursionError):
        endless(0)
    assert trace.get_current_span() is trace.INVALID_SPAN


# Descriptors


def test_methods_bind(observations: Recorded) -> None:
    desk = Desk()
    assert desk.decide("AAPL") == (desk, "AAPL")
    assert Desk.decide(desk, "MSFT") == (desk, "MSFT")
    assert [each.input for each in observations] == [{"symbol": "AAPL"}, {"symbol": "MSFT"}]


@pytest.mark.parametrize("name", ["outer_class", "inner_class"])
def test_class_methods_work_in_either_order(observations: Recorded, name: str) -> None:
    assert getattr(Desk, name)(1) == (Desk, 1)
    assert getattr(Desk(), name)(1) == (Desk, 1)

    class Sub(Desk): ...

    assert getattr(Sub, name)(1) == (Sub, 1)
    assert {str(each.input) for each in observations} == {"{'x': 1}"}


@pytest.mark.parametrize("name", ["outer_static", "inner_static"])
def test_static_methods_work_in_either_order(observations: Recorded, name: str) -> None:
    assert getattr(Desk, name)(1) == 1
    assert getattr(Desk(), name)(1) == 1
    assert {str(each.input) for each in observations} == {"{'x': 1}"}


def test_properties_work_in_either_order(observations: Recorded) -> None:
    desk = Desk()
    assert desk.outer_property == desk.inner_property == 2
    desk.outer_property = 5
    assert desk.outer_property == 5
    assert isinstance(Desk.__dict__["outer_property"], property)
    assert len(observations) == 3


def test_a_cached_property_is_computed_once(observations: Recorded) -> None:
    desk = Desk()
    assert desk.cached is desk.cached
    assert len(observations) == 1


def test_self_is_never_captured(observations: Recorded) -> None:
    Desk().decide("AAPL")
    assert observations.one().input == {"symbol": "AAPL"}


def test_self_is_not_captured_below_properties_and_other_decorators(observations: Recorded) -> None:
    def retried(function):  # type: ignore[no-untyped-def]
        @functools.wraps(function)
        def again(*args, **kwargs):  # type: ignore[no-untyped-def]
            return function(*args, **kwargs)

        return again

    class Client:
        def __init__(self) -> None:
            self.api_key = "not to be seen"

        @retried
        @observe_llm
        def ask(self, question: str) -> str:
            return question

        @classmethod
        @retried
        @observe_llm
        def make(cls, question: str) -> str:
            return question

        @staticmethod
        @observe_llm
        def compare(one: "Client", question: str) -> str:
            return question

    client = Client()
    assert (client.ask("a"), client.make("b"), Client.compare(client, "c")) == ("a", "b", "c")
    desk = Desk()
    assert (desk.inner_property, desk.outer_property, desk.cached) == (2, 2, [1])
    inputs = [each.input for each in observations]
    assert inputs[:2] == [{"question": "a"}, {"question": "b"}]
    assert set(inputs[2]) == {"one", "question"}
    assert inputs[3:] == [{}, {}, {}]


def test_an_argument_called_self_is_captured(observations: Recorded) -> None:
    @observe_llm
    def odd(self: int, other: int) -> int:
        return self + other

    assert odd(1, 2) == 3
    assert observations.one().input == {"self": 1, "other": 2}


def test_super_calls_work(observations: Recorded) -> None:
    class Sub(Desk):
        @observe_llm
        def decide(self, symbol: str) -> tuple[Desk, str]:
            return super().decide(symbol.lower())

    assert Sub().decide("AAPL")[1] == "aapl"
    assert len(observations) == 2


def test_a_method_can_be_replaced_on_an_instance(observations: Recorded) -> None:
    desk = Desk()
    desk.decide = lambda symbol: (desk, "patched")  # type: ignore[method-assign]
    assert desk.decide("x")[1] == "patched"


def test_abstract_methods_stay_abstract() -> None:
    import abc

    class Base(abc.ABC):
        @observe_llm
        @abc.abstractmethod
        def generate(self) -> str: ...

    assert Base.__abstractmethods__ == {"generate"}
    with pytest.raises(TypeError):
        Base()  # type: ignore[abstract]


# Classes


def test_a_decorated_class_stays_the_class(observations: Recorded) -> None:
    assert isinstance(Analyst, type)
    assert isinstance(Analyst("a"), Analyst)
    assert issubclass(type("Sub", (Analyst,), {}), Analyst)
    assert Analyst.__name__ == "Analyst" and Analyst.__doc__ == "Looks."


def test_public_methods_of_a_decorated_class_are_observed(observations: Recorded) -> None:
    analyst = Analyst("a")
    assert (analyst.look("b"), analyst._private(), Analyst.fixed(), Analyst.make().name) == (
        "ab",
        "private",
        7,
        "made",
    )
    assert [each.name for each in observations] == ["Analyst.look", "Analyst.fixed", "Analyst.make"]


def test_methods_of_a_class_decorated_with_a_name_go_by_it(observations: Recorded) -> None:
    @observe_llm(name="desk")
    class Desk:
        def buy(self) -> str:
            return "bought"

        def sell(self) -> str:
            return "sold"

    assert (Desk().buy(), Desk().sell()) == ("bought", "sold")
    assert [each.name for each in observations] == ["desk.buy", "desk.sell"]


def test_a_name_that_is_no_text_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="name=5"):
        observe_llm(name=5)(len)  # type: ignore[arg-type]


def test_wrong_events_and_links_of_the_span_do_not_raise(observations: Recorded) -> None:
    @observe_llm
    def ask() -> str:
        span: Any = trace.get_current_span()
        span.add_event("x", 5)
        span.add_link(None)
        return "answer"

    assert ask() == "answer"
    assert observations.one().output == "answer"


def test_instances_of_a_decorated_class_pickle(observations: Recorded) -> None:
    assert pickle.loads(pickle.dumps(Analyst("a"))).name == "a"


# Callables


def test_a_partial_is_observed_under_its_functions_name(observations: Recorded) -> None:
    assert observe_llm(partial(pow, 2))(5) == 32
    assert observations.one().name == "pow"
    assert observations.one().input == {"base": 2, "exp": 5}


def test_a_callable_object_is_observed(observations: Recorded) -> None:
    class Model:
        temperature = 0.5

        def __call__(self, prompt: str) -> str:
            return prompt.upper()

    model = observe_llm(Model())
    assert model("a") == "A"
    assert model.temperature == 0.5
    assert isinstance(model, Model)
    assert observations.one().input == {"prompt": "a"}


async def _answer(prompt: str) -> str:
    return prompt


def test_an_async_callable_object_is_awaited(observations: Recorded) -> None:
    class Model:
        async def __call__(self, prompt: str) -> str:
            return await _answer(prompt)

    assert asyncio.run(observe_llm(Model())("a")) == "a"
    assert observations.one().output == "a"


def test_a_builtin_is_observed(observations: Recorded) -> None:
    assert observe_llm(len)([1, 2]) == 2
    assert observations.one().name == "len"


def test_a_lambda_is_observed(observations: Recorded) -> None:
    assert observe_llm(lambda x: x)(3) == 3
    assert observations.one().name == "<lambda>"


def test_decorating_twice_observes_once(observations: Recorded) -> None:
    assert observe_llm(observe_llm(lambda: 1))() == 1
    assert len(observations) == 1


def test_what_cannot_be_called_is_refused_with_its_value() -> None:
    with pytest.raises(TypeError, match="not 3"):
        observe_llm(3)


# Pickle and copy


def test_a_decorated_function_pickles_by_its_name(observations: Recorded) -> None:
    assert pickle.loads(pickle.dumps(module_level)) is module_level


def test_a_bound_method_pickles(observations: Recorded) -> None:
    restored = pickle.loads(pickle.dumps(Desk().decide))
    assert restored("AAPL")[1] == "AAPL"


def test_a_decorated_partial_pickles_and_is_observed_again(observations: Recorded) -> None:
    restored = pickle.loads(pickle.dumps(observe_llm(partial(pow, 2), name="power")))
    assert restored(3) == 8
    assert observations.one().name == "power"


def test_a_local_function_is_refused_by_pickle_as_before() -> None:
    def local() -> None: ...

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(observe_llm(local))


def test_copies_are_the_function_itself() -> None:
    assert copy.copy(module_level) is module_level
    assert copy.deepcopy(module_level) is module_level
    assert copy.deepcopy([module_level])[0] is module_level


def test_static_and_unbound_methods_pickle(observations: Recorded) -> None:
    for method in (Desk.outer_static, Desk.inner_static, Desk().outer_static):
        assert pickle.loads(pickle.dumps(method))(3) == 3
    assert pickle.loads(pickle.dumps(Desk.decide))(Desk(), "a")[1] == "a"


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.handlers = {"x": self.on}

    @observe_llm
    def on(self, what: str) -> None:
        self.heard.append(what)


def test_a_copied_object_has_its_own_bound_methods(observations: Recorded) -> None:
    original = Listener()
    copied = copy.deepcopy(original)
    copied.handlers["x"]("hello")
    assert (original.heard, copied.heard) == ([], ["hello"])


def test_a_weak_method_finds_its_method(observations: Recorded) -> None:
    listener = Listener()
    reference = weakref.WeakMethod(listener.on)
    method = reference()
    assert method is not None
    method("x")
    assert listener.heard == ["x"]
    assert len(observations) == 1


def test_implicit_class_methods_and_method_descriptors_work(observations: Recorded) -> None:
    class Base:
        names: list[str] = []  # noqa: RUF012

        @observe_llm
        def __init_subclass__(cls, **kwargs: object) -> None:
            cls.names.append(cls.__name__)

        @observe_llm
        def __class_getitem__(cls, item: str) -> str:
            return item

        def power(self, base: int, exponent: int) -> int:
            return base**exponent

        square = observe_llm(functools.partialmethod(power, exponent=2))

        @observe_llm
        @functools.singledispatchmethod
        def show(self, value: object) -> str:
            return "object"

        @show.register
        def _(self, value: int) -> str:
            return "int"

    class Sub(Base): ...

    assert Base.names == ["Sub"]
    assert Base["x"] == "x"  # type: ignore[misc]
    assert Base().square(3) == 9
    assert (Base().show("a"), Base().show(1)) == ("object", "int")


def test_a_generator_based_coroutine_can_be_awaited(observations: Recorded) -> None:
    @observe_llm
    @types.coroutine
    def old():  # type: ignore[no-untyped-def]
        yield
        return 5

    async def go() -> object:
        return await old()

    assert asyncio.run(go()) == 5
    assert observations.one().output == 5


# Generators


def test_send_throw_and_return_pass_through(observations: Recorded) -> None:
    @observe_llm
    def talk() -> Iterator[str]:
        received = []
        try:
            while True:
                received.append((yield f"got {len(received)}"))
        except LookupError:
            yield "thrown"
        return received

    generator = talk()
    assert next(generator) == "got 0"
    assert generator.send("a") == "got 1"  # type: ignore[attr-defined]
    assert generator.throw(LookupError()) == "thrown"  # type: ignore[attr-defined]
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == ["a"]
    assert observations.one().output == {"yielded": "got 0got 1thrown", "returned": ["a"]}


def test_yield_from_a_decorated_generator_gives_its_return_value(observations: Recorded) -> None:
    @observe_llm
    def inner() -> Iterator[int]:
        yield 1
        return 2

    def outer() -> Iterator[int]:
        yield (yield from inner())  # type: ignore[misc]

    assert list(outer()) == [1, 2]


def test_closing_a_generator_runs_its_finally_and_keeps_what_was_yielded(observations: Recorded) -> None:
    done = []

    @observe_llm
    def stream() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            done.append(True)

    generator = stream()
    next(generator)
    generator.close()  # type: ignore[attr-defined]
    found = observations.one()
    assert done == [True]
    assert (found.level, found.output) == ("DEFAULT", "a")
    assert found.status_message == "closed by its reader after 1 item"


def test_a_generator_that_ignores_close_raises_as_before(observations: Recorded) -> None:
    @observe_llm
    def stubborn() -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()  # type: ignore[attr-defined]
    with contextlib_suppress():
        list(generator)


def contextlib_suppress() -> object:
    import contextlib

    return contextlib.suppress(BaseException)


def test_an_abandoned_generator_is_finished_when_collected(observations: Recorded) -> None:
    generator = Desk().stream(5)
    next(generator)
    del generator
    gc.collect()
    assert observations.one().output == [0]


def test_a_generator_that_never_started_leaves_nothing(observations: Recorded) -> None:
    generator = Desk().stream(5)
    del generator
    gc.collect()
    assert len(observations.records) == 0


def test_an_exception_thrown_in_comes_out_as_the_same_object(observations: Recorded) -> None:
    error = ValueError("thrown in")
    generator = Desk().stream(5)
    next(generator)
    with pytest.raises(ValueError) as caught:
        generator.throw(error)  # type: ignore[attr-defined]
    assert caught.value is error
    assert observations.one().level == "ERROR"


def test_a_suspended_generator_does_not_leak_its_span(observations: Recorded) -> None:
    generator = Desk().stream(3)
    before = otel_context.get_current()
    next(generator)
    assert otel_context.get_current() is before
    assert trace.get_current_span() is trace.INVALID_SPAN
    module_level("outside")
    assert len({each["trace_id"] for each in observations.records}) == 2


def test_inside_a_generators_step_its_span_is_current(observations: Recorded) -> None:
    @observe_llm
    def stream() -> Iterator[str]:
        yield module_level("inside")

    list(stream())
    inner, outer = observations
    assert inner.parent_id == outer.id


def test_two_interleaved_generators_keep_apart(observations: Recorded) -> None:
    @observe_llm
    def stream(name: str) -> Iterator[str]:
        yield module_level(name)
        yield module_level(name)

    for _ in zip(stream("a"), stream("b"), strict=True):
        pass
    parents = {each.input["question"]: each.parent_id for each in observations if each.name == "module_level"}
    assert len(set(parents.values())) == 2


# Async generators


def test_asend_athrow_and_aclose_pass_through(observations: Recorded) -> None:
    async def go() -> list[object]:
        log: list[object] = []

        @observe_llm
        async def talk():  # type: ignore[no-untyped-def]
            try:
                received = yield "first"
                log.append(received)
                yield "second"
            except LookupError:
                yield "thrown"
            finally:
                await asyncio.sleep(0)
                log.append("closed")

        generator = talk()
        log.append(await generator.asend(None))
        log.append(await generator.asend("sent"))
        log.append(await generator.athrow(LookupError()))
        await generator.aclose()
        return log

    assert asyncio.run(go()) == ["first", "sent", "second", "thrown", "closed"]
    assert observations.one().output == "firstsecondthrown"


def test_an_abandoned_async_generator_is_finished_by_the_loop(observations: Recorded) -> None:
    async def go() -> None:
        @observe_llm
        async def stream() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(0)

        async for _ in stream():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(go())
    assert observations.one().output == [1]


def test_a_suspended_async_generator_does_not_leak_its_span(observations: Recorded) -> None:
    async def go() -> None:
        @observe_llm
        async def stream() -> AsyncIterator[int]:
            yield 1
            await asyncio.sleep(0)
            yield 2

        async for _ in stream():
            assert trace.get_current_span() is trace.INVALID_SPAN

    asyncio.run(go())
    assert observations.one().output == [1, 2]


def test_generators_left_open_at_the_end_of_the_loop_are_closed_quietly(
    observations: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    @observe_llm
    async def stream() -> AsyncIterator[int]:
        try:
            for n in range(3):
                yield n
        finally:
            await asyncio.sleep(0)

    left_open = []

    async def go() -> None:
        for _ in range(6):
            generator = stream()
            left_open.append(generator)
            await anext(generator)

    asyncio.run(go())
    assert caplog.records == []
    assert [(each.level, each.output) for each in observations] == [("DEFAULT", [0])] * 6


def test_a_scope_entered_in_a_generator_holds_until_it_is_left(observations: Recorded) -> None:
    @observe_llm
    def stream() -> Iterator[int]:
        with ObservabilityContext.scope(tenant_id="acme"):
            module_level("first")
            yield 1
            module_level("second")
            yield 2
        module_level("after")

    for _ in stream():
        module_level("outside")
    tenants = {each.input["question"]: each.tenant_id for each in observations if each.name == "module_level"}
    assert tenants == {"first": "acme", "second": "acme", "after": None, "outside": None}


def test_a_suspended_generator_holds_nothing_that_went_through_it(observations: Recorded) -> None:
    class Item: ...

    class Thrown(Exception): ...

    @observe_llm
    def stream() -> Iterator[object]:
        while True:
            try:
                yield Item()
            except Thrown:
                pass

    generator = stream()
    gone = weakref.ref(next(generator))
    assert gone() is None
    error = Thrown()
    thrown = weakref.ref(error)
    generator.throw(error)  # type: ignore[attr-defined]
    error.__traceback__ = None
    del error
    assert thrown() is None


# Coroutines and tasks


def test_an_unawaited_coroutine_warns_once_and_leaves_nothing(observations: Recorded) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module_level_async("never")
        gc.collect()
    assert [str(each.message) for each in caught] == ["coroutine 'module_level_async' was never awaited"]
    assert observations.records == []


def test_input_is_taken_when_the_call_is_made(observations: Recorded) -> None:
    @observe_llm
    async def ask(messages: list[str]) -> int:
        return len(messages)

    async def go() -> int:
        messages = ["first"]
        pending = ask(messages)
        messages.append("later")
        return await pending

    assert asyncio.run(go()) == 2
    assert observations.one().input == {"messages": ["first"]}


def test_timeouts_cancel_a_decorated_coroutine(observations: Recorded) -> None:
    @observe_llm
    async def slow() -> None:
        await asyncio.sleep(10)

    async def go() -> None:
        async with asyncio.timeout(0.01):
            await slow()

    with pytest.raises(TimeoutError):
        asyncio.run(go())
    found = observations.one()
    assert found.level == "WARNING" and found.error is not None
    assert found.error["type"] == "asyncio.exceptions.CancelledError"


def test_a_cancelled_task_is_cancelled(observations: Recorded) -> None:
    @observe_llm
    async def slow() -> None:
        await asyncio.sleep(10)

    async def go() -> bool:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(go())


def test_a_task_group_sees_the_failure(observations: Recorded) -> None:
    @observe_llm
    async def fails() -> None:
        raise ValueError("inside")

    async def go() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(go())
    assert isinstance(caught.value.exceptions[0], ValueError)


def test_sibling_tasks_are_siblings(observations: Recorded) -> None:
    @observe_llm
    async def leaf(n: int) -> int:
        await asyncio.sleep(0.001 * n)
        return n

    @observe_llm
    async def fan_out() -> list[int]:
        return await asyncio.gather(*(leaf(n) for n in range(5)))

    assert asyncio.run(fan_out()) == [0, 1, 2, 3, 4]
    *leaves, root = observations
    assert {each.parent_id for each in leaves} == {root.id}


def test_the_callers_context_variables_are_seen_and_set(observations: Recorded) -> None:
    variable = contextvars.ContextVar("variable", default=0)

    @observe_llm
    def sets() -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    async def go() -> int:
        @observe_llm
        async def sets_async() -> None:
            variable.set(variable.get() + 1)

        await sets_async()
        return variable.get()

    variable.set(10)
    assert sets() == 11 and variable.get() == 11
    assert asyncio.run(go()) == 12


def test_the_span_is_gone_after_the_call(observations: Recorded) -> None:
    before = otel_context.get_current()
    module_level("a")
    with pytest.raises(ZeroDivisionError):
        observe_llm(lambda: 1 / 0)()
    assert otel_context.get_current() is before


# Threads


def test_a_thread_pool_continues_the_trace(observations: Recorded) -> None:
    @observe_llm
    def root() -> list[str]:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(module_level, "abcd"))
        thread = threading.Thread(target=module_level, args=("e",))
        thread.start()
        thread.join()
        return answers

    assert root() == [f"{each}!plain" for each in "abcd"]
    *inner, outer = observations
    assert len(inner) == 5
    assert {each.parent_id for each in inner} == {outer.id}


# Hostile arguments


class Hostile:
    def __repr__(self) -> str:
        raise ValueError("no repr")

    def __eq__(self, other: object) -> bool:
        raise ValueError("no eq")

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no attributes")

    def __bool__(self) -> bool:
        raise ValueError("no bool")

    def __len__(self) -> int:
        raise ValueError("no len")

    def __iter__(self) -> Iterator[object]:
        raise ValueError("no iteration")


def test_a_hostile_argument_and_result_pass(observations: Recorded) -> None:
    hostile = Hostile()
    assert observe_llm(lambda x: x)(hostile) is hostile
    assert "Hostile" in str(observations.one().input)


def test_a_circular_argument_passes(observations: Recorded) -> None:
    circle: list[object] = []
    circle.append(circle)
    assert observe_llm(lambda x: x)(circle) is circle
    assert len(observations) == 1


def test_a_one_shot_iterator_is_not_consumed(observations: Recorded) -> None:
    numbers = iter([1, 2, 3])
    assert observe_llm(lambda it: it)(numbers) is numbers
    assert list(numbers) == [1, 2, 3]


def test_a_generator_out_of_a_plain_function_is_handed_on(observations: Recorded) -> None:
    made = (n for n in range(3))

    @observe_llm
    def plain() -> Iterator[int]:
        return made

    assert plain() is made
    assert list(made) == [0, 1, 2]


def test_an_exception_with_a_broken_str_passes(observations: Recorded) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    @observe_llm
    def fails() -> None:
        raise Broken

    with pytest.raises(Broken):
        fails()
    assert observations.one().level == "ERROR"


def test_a_module_as_an_argument_passes(observations: Recorded) -> None:
    assert observe_llm(lambda m: m)(sys) is sys
    assert len(observations.lines[-1]) < 100_000


class Quits:
    def __repr__(self) -> str:
        raise asyncio.CancelledError


def test_a_repr_that_cancels_does_not_cancel_the_call(observations: Recorded) -> None:
    assert observe_llm(lambda x: 1)(Quits()) == 1
    assert len(observations) == 1


def test_a_finished_span_lets_go_of_what_it_held(observations: Recorded) -> None:
    kept = []

    @observe_llm
    def call(prompt: str) -> None:
        kept.append(otel_context.get_current())

    call("x" * 100_000)
    (span,) = {id(each): each for each in kept[0].values() if hasattr(each, "let_go")}.values()
    assert span.input is None


# Switched off


def test_switched_off_nothing_is_recorded_and_everything_works() -> None:
    with recorded(enabled=True) as observations:
        from agent_trace.recording.process import current

        current().disable()
        assert module_level("a") == "a!plain"
        assert asyncio.run(module_level_async("b")) == "b!"
        assert list(Desk().stream(2)) == [0, 1]
        assert Desk().decide("x")[1] == "x"
        current().enable()
        module_level("c")
    assert len(observations) == 1


def test_a_plain_function_that_hands_on_a_coroutine_is_observed_to_its_end(observations: Recorded) -> None:
    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    @observe_llm
    @logged
    async def ask(question: str) -> str:
        await asyncio.sleep(0)
        return module_level(question)

    async def program() -> str:
        pending = ask("up")
        assert inspect.iscoroutine(pending)
        assert trace.get_current_span() is trace.INVALID_SPAN
        return await pending

    assert asyncio.run(program()) == "up!plain"
    inner, outer = observations
    assert (inner.parent_id, outer.output) == (outer.id, "up!plain")


def test_such_a_coroutine_that_nobody_awaits_warns_once_and_ends(observations: Recorded) -> None:
    @observe_llm
    def ask(question: str) -> Any:
        return undecorated(question)

    async def undecorated(question: str) -> str:
        return question

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask("up")
        gc.collect()
    assert [str(each.message).rpartition(".")[2] for each in caught] == ["undecorated' was never awaited"]
    caught.clear()  # a warning holds the coroutine that it is about
    assert observations.one().output is None
