"""A page that is left open: what arrives shows up by itself, until it is paused, however much it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_trace.store import Store
from tests.support.browser import Browser
from tests.support.sites import site

FIRST_ROW = "return document.querySelector('main table tbody tr')?.innerText ?? ''"
NEWEST = "return Math.max(...[...document.querySelectorAll('main table tbody tr')].map(row => Number(/tick (\\d+)/.exec(row.innerText)?.[1] ?? -1)))"
PAUSE = "button[data-live], button.live, #live, [data-action=pause]"


@pytest.fixture
def ticking(store: Path, record: Callable[..., Any]) -> Path:
    """A store with a few traces in it."""
    with record(store, "each_second", "50", "0.2") as process:
        process.wait(30)
    return store


def test_new_traces_appear_without_a_reload(
    ticking: Path, record: Callable[..., Any], window: Browser
) -> None:
    with site(ticking) as running:
        window.open(running.url)
        assert window.ask(NEWEST) == 9
        window.ask("window.same_page = true")
        with record(ticking, "each_second", "20", "3") as process:
            window.wait("a new trace", f"const at = (() => {{ {NEWEST} }})(); return at > 12", timeout_s=15)
            process.wait(30)
        window.wait("the last one", f"return (() => {{ {NEWEST} }})() === 59", timeout_s=15)
        assert window.ask("return window.same_page")
        assert (window.layout(), window.problems()) == ([], [])


def test_paused_it_stands_still_and_goes_on_when_told(
    ticking: Path, record: Callable[..., Any], window: Browser
) -> None:
    with site(ticking) as running:
        window.open(running.url)
        pause = "[...document.querySelectorAll('button')].find(each => /pause|live/i.test(each.innerText + each.ariaLabel))"
        window.wait("a button that pauses", f"return Boolean({pause})")
        window.ask(f"{pause}.click()")
        with record(ticking, "each_second", "20", "1") as process:
            process.wait(30)
        window.ask("window.waited = 0; setInterval(() => window.waited++, 500)")
        window.wait("a few seconds", "return window.waited > 5")
        assert window.ask(NEWEST) == 9
        window.ask(
            "[...document.querySelectorAll('button')].find(each => /resume|continue|live|pause/i.test(each.innerText + each.ariaLabel)).click()"
        )
        window.wait("what came meanwhile", f"return (() => {{ {NEWEST} }})() === 19", timeout_s=15)


def test_200_observations_a_second_are_kept_up_with(
    ticking: Path, record: Callable[..., Any], window: Browser
) -> None:
    with site(ticking) as running:
        window.open(running.url)
        with record(ticking, "each_second", "200", "5") as process:
            process.wait(60)
        window.wait("the last of them", f"return (() => {{ {NEWEST} }})() === 999", timeout_s=15)
        assert window.ask("return document.querySelectorAll('main table tbody tr').length") <= 200
        assert (window.layout(), window.problems()) == ([], [])
    with Store(ticking) as kept:
        assert kept.ledger().lost == {}


def test_a_running_trace_becomes_finished_under_the_eyes(
    store: Path, record: Callable[..., Any], window: Browser
) -> None:
    with record(store, "wait", "thinker") as process, site(store) as running:
        window.open(running.url)
        assert "running" in window.ask(FIRST_ROW)
        process.kill()
        window.wait("its end", f"return (() => {{ {FIRST_ROW} }})().includes('interrupted')", timeout_s=15)
        assert window.problems() == []


def test_the_first_trace_of_an_empty_store_appears(
    store: Path, record: Callable[..., Any], window: Browser
) -> None:
    store.mkdir()
    with site(store) as running:
        window.open(running.url)
        assert "Nothing recorded yet" in window.text()
        with record(store, "each_second", "10", "0.5") as process:
            process.wait(30)
        window.open(running.url)
        assert window.ask(NEWEST) == 4


def test_a_server_that_is_gone_is_told_and_nothing_else_breaks(ticking: Path, window: Browser) -> None:
    with site(ticking) as running:
        window.open(running.url)
    window.ask("window.waited = 0; setInterval(() => window.waited++, 500)")
    window.wait("a few seconds", "return window.waited > 5")
    assert window.ask(NEWEST) == 9
    assert [each for each in window.problems() if "ERR_CONNECTION_REFUSED" not in each] == []
