"""What these tests switch on in LiteLLM is off again after each of them, for the tests of other files too."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import pytest

from agent_trace import instrument_litellm, uninstrument_litellm
from agent_trace.recording import guard
from agent_trace.testing import Recorded, recorded
from tests.support.llm_server import LlmServer, llm_server

_CALLBACKS: Final = (
    *("callbacks", "input_callback", "success_callback", "failure_callback", "service_callback"),
    *("_async_input_callback", "_async_success_callback", "_async_failure_callback"),
)
"""LiteLLM's lists of them. Its routers and its cache add to them, and take nothing away."""


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    """A model server for LiteLLM to ask, one for all tests of a file."""
    with llm_server() as running:
        yield running


@pytest.fixture
def observations(server: LlmServer) -> Iterator[Recorded]:
    """What is recorded of LiteLLM's calls; nothing of it may fail or be lost."""
    failed_before = dict(guard.failures)
    server.begin()
    instrument_litellm()
    with recorded() as sink:
        yield sink
    uninstrument_litellm()
    import_module("litellm").cache = None
    assert guard.failures == failed_before
    assert sink.lost == {}


def _callbacks() -> dict[str, list[Any]]:
    """The lists that this version of LiteLLM has; none before it is imported."""
    found = {name: getattr(sys.modules.get("litellm"), name, None) for name in _CALLBACKS}
    return {name: each for name, each in found.items() if isinstance(each, list)}


@pytest.fixture(autouse=True)
def nothing_stays_in_litellm() -> Iterator[None]:
    """Take our logger out of LiteLLM, and whatever else was put among its callbacks."""
    before = {name: list(each) for name, each in _callbacks().items()}
    yield
    uninstrument_litellm()
    for name, each in _callbacks().items():
        each[:] = before.get(name, [])


@pytest.fixture
def told_first(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What LiteLLM's pool of threads has told callbacks: of every call before LiteLLM itself goes on with it.

    For calls that are not asynchronous it always uses the pool; for others when there is a function among the callbacks,
    or a name, as its cache is one.
    """
    litellm: Any = import_module("litellm")
    told: list[Any] = []
    pool = import_module("litellm.litellm_core_utils.thread_pool_executor").executor
    submit = pool.submit

    def to_its_end(*work: Any, **more: Any) -> Any:
        done = submit(*work, **more)
        done.exception(20)
        return done

    # LiteLLM makes what calls functions with the first callbacks of the process, and never again.
    logging: Any = import_module("litellm.litellm_core_utils.litellm_logging")
    monkeypatch.setattr(logging, "customLogger", logging.customLogger or logging.CustomLogger())
    monkeypatch.setattr(litellm, "success_callback", [*litellm.success_callback, lambda *_: told.append(_)])
    monkeypatch.setattr(pool, "submit", to_its_end)
    return told
