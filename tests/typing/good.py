"""Checked by mypy --strict: a decorated callable has the type of the one it decorates."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, ParamSpec, TypeVar, assert_type

from agent_trace import LangFuseTracker, ObservabilityContext, observe_llm

P = ParamSpec("P")
R = TypeVar("R")


@observe_llm
def bare(prompt: str, *, temperature: float = 0.5) -> int:
    return len(prompt)


@observe_llm(name="called", as_type="agent")
async def called(prompt: str) -> list[str]:
    return [prompt]


@observe_llm()
def items(n: int) -> Iterator[int]:
    yield n


@observe_llm
async def items_async(n: int) -> AsyncIterator[int]:
    yield n


@observe_llm
class Analyst:
    def look(self, symbol: str) -> float:
        return 1.0


class Desk:
    @observe_llm
    def decide(self, symbol: str) -> str:
        return symbol

    @observe_llm
    @classmethod
    def make(cls) -> "Desk":
        return cls()

    @staticmethod
    @observe_llm
    def rate(x: int) -> int:
        return x

    @property
    @observe_llm
    def name(self) -> str:
        return "desk"


def timed(function: Callable[P, R]) -> Callable[P, R]:
    return function


@timed
@observe_llm
def below_another(prompt: str) -> int:
    return 1


assert_type(bare("a", temperature=0.1), int)
assert_type(items(1), Iterator[int])
assert_type(items_async(1), AsyncIterator[int])
assert_type(Analyst().look("a"), float)
assert_type(Desk().decide("a"), str)
assert_type(Desk.make(), Desk)
assert_type(Desk.rate(1), int)
assert_type(Desk().name, str)
assert_type(below_another("a"), int)


async def awaiting() -> None:
    assert_type(await called("a"), list[str])


coroutine_function: Callable[[str], Coroutine[Any, Any, list[str]]] = called
assert_type(LangFuseTracker().enabled, bool)
assert_type(LangFuseTracker().flush(timeout_s=1.0), bool)

with ObservabilityContext.scope(tenant_id="acme"):
    ObservabilityContext.add_trading_signal("BUY", 0.5, "because", symbol="AAPL", horizon="1d")
