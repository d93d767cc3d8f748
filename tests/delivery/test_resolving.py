"""Looking up a host's name ends in time as well, and is not begun again and again while nobody answers."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent_trace.delivery.wire.otlp import OtlpBackend
from agent_trace.delivery.wire.resolving import Resolver
from tests.support.observed import event
from tests.support.otlp_server import OtlpServer

NAME = "collector.example.org"


class Names:
    """The system's resolver, which answers for one name when it is let, and as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.error: Exception | None = None
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != NAME or more.get("flags") == socket.AI_NUMERICHOST:
            return self._real(host, port, *rest, **more)
        self.asked += 1
        self.answers.wait(30)
        if self.error is not None:
            raise self.error
        return self._real("127.0.0.1", port, *rest, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    yield names
    names.answers.set()


def test_a_name_that_nobody_answers_for_is_given_up_in_time_and_asked_for_once(names: Names) -> None:
    resolver = Resolver()
    for _ in range(3):
        with pytest.raises(OSError, match=NAME):
            resolver.addresses(NAME, 4318, 0.05)
    assert names.asked == 1
    names.answers.set()
    assert resolver.addresses(NAME, 4318, 10)[0][4] == ("127.0.0.1", 4318)
    assert names.asked == 1
    resolver.addresses(NAME, 4318, 10)
    assert names.asked == 2, "an answer is used once: addresses change"


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")]
)
def test_what_the_system_says_of_a_name_is_raised(names: Names, error: Exception) -> None:
    names.error = error
    names.answers.set()
    with pytest.raises(type(error), match=str(error.args[-1])):
        Resolver().addresses(NAME, 4318, 10)


def test_an_address_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread was started"))
    assert Resolver().addresses("127.0.0.1", 1, 1)[0][4] == ("127.0.0.1", 1)
    assert Resolver().addresses("::1", 1, 1)[0][4][:2] == ("::1", 1)


def test_while_the_interpreter_ends_and_lets_no_thread_begin_the_name_is_asked_for_all_the_same(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    names.answers.set()
    assert Resolver().addresses(NAME, 4318, 10)[0][4] == ("127.0.0.1", 4318)


def test_a_forked_child_asks_anew_for_what_its_parent_waits_for(names: Names) -> None:
    resolver = Resolver()
    with pytest.raises(OSError, match="was not looked up"):
        resolver.addresses(NAME, 4318, 0.05)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            names.answers = threading.Event()
            names.answers.set()
            code = 0 if resolver.addresses(NAME, 4318, 10)[0][4] == ("127.0.0.1", 4318) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_whole_exchange_ends_in_time_when_the_name_is_not_answered_for(names: Names) -> None:
    with OtlpServer() as server:
        backend = OtlpBackend(f"{server.url.replace('127.0.0.1', NAME)}/v1/traces")
        began_s = time.monotonic()
        answer = backend.send(backend.encode(event()), 0.3)
        assert time.monotonic() - began_s < 5
        assert answer.verdict == "later" and NAME in answer.text
        names.answers.set()
        assert backend.send(backend.encode(event()), 10).verdict == "accepted"
        backend.close()
