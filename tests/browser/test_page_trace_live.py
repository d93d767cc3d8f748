"""A trace that runs while its page is open: what it does shows up, and nobody who reads in it is disturbed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import SCHEMES, WIDTHS, Browser
from tests.support.running import Running, judged_desk
from tests.support.segments import record
from tests.support.sites import Site, site
from tests.support.stores import generation

NAMES = "return [...document.querySelectorAll('.tree-lines .name')].map(each => each.textContent)"
STATE = "return document.querySelector('[data-live=state] .badge').textContent"
TOLD = "return document.querySelector('[data-live=told]').innerText"
ROWS_ASKED = (
    "return performance.getEntriesByType('resource').filter(each => each.name.endsWith('/rows')).length"
)
PANEL = "document.querySelector('.panel')"


@pytest.fixture
def running(store: Path) -> Iterator[Running]:
    with Running(store) as running:
        running.write(generation(**running.below(), id="b1", name="first ask", output="wait"))
        running.open("a2", "thinker")
        running.write(record(**running.below("a2"), id="b2", name="look up", type="tool"))
        yield running


@pytest.fixture
def served(running: Running) -> Iterator[Site]:
    with site(running.directory) as served:
        yield served


@pytest.fixture
def page(window: Browser, served: Site, running: Running) -> Iterator[Browser]:
    """The page of the trace, which is never loaded again."""
    window.open(served.url + running.page)
    window.ask("window.same_page = true")
    yield window
    assert window.ask("return window.same_page") and window.problems() == []


def names(page: Browser) -> list[str]:
    return list(page.ask(NAMES))


def until(page: Browser, name: str) -> None:
    """Wait until a line of this name is listed."""
    page.wait(
        name,
        "return [...document.querySelectorAll('.name')].some(each => each.textContent === arguments[0])",
        name,
    )


def next_look(page: Browser) -> None:
    """Wait until the page has asked once more, and has had time for the answer."""
    asked = page.ask(ROWS_ASKED)
    page.wait("another look", f"{ROWS_ASKED} > {asked + 1}", timeout_s=15)


def test_what_it_does_appears_in_the_tree_the_waterfall_and_the_totals(
    page: Browser, running: Running
) -> None:
    assert names(page) == ["desk", "first ask", "thinker", "look up"]
    assert page.ask(STATE) == "running" and "so far" in page.ask(TOLD)
    running.write(generation(**running.below("a2"), id="b3", name="second ask"))
    until(page, "second ask")
    assert names(page) == ["desk", "first ask", "thinker", "look up", "second ask"]
    page.wait("the totals", f"return (() => {{ {TOLD} }})().includes('2.2 k')")
    bars = page.ask(
        "return [...document.querySelectorAll('.tree-lines rect')].map(each => [each.x.baseVal, each.width.baseVal].map(at => at.valueInSpecifiedUnits))"
    )
    assert len(bars) == 5 and bars[0][0] == 0 and bars[0][1] > 99 and all(sum(bar) < 100.1 for bar in bars)
    assert page.ask("return document.querySelector('.tree').ariaRowCount") == "6"
    running.finish("a2", level="ERROR", error={"type": "ValueError", "message": "no"})
    page.wait(
        "the error", "return document.querySelector('.tree-line.error .name')?.textContent === 'thinker'"
    )
    page.wait("its count", f"return (() => {{ {TOLD} }})().includes('1 error')")
    assert (page.layout(), page.accessibility()) == ([], [])


def test_what_was_folded_focused_and_marked_stays_so(page: Browser, running: Running) -> None:
    page.press("j", "j", "j", Keys.ARROW_LEFT)
    assert names(page) == ["desk", "first ask", "thinker"]
    page.ask("getSelection().selectAllChildren(document.querySelector('.tree-lines .name'))")
    running.write(record(**running.below("a2"), id="b4", name="hidden below"))
    running.write(record(**running.below(), id="b5", name="seen below"))
    until(page, "seen below")
    assert names(page) == ["desk", "first ask", "thinker", "seen below"]
    assert page.ask("return document.activeElement.textContent") == "thinker"
    assert page.ask("return String(getSelection())") == "desk"
    page.press(Keys.ARROW_RIGHT)
    assert names(page) == ["desk", "first ask", "thinker", "look up", "hidden below", "seen below"]


def test_with_everything_closed_what_comes_is_closed_too(page: Browser, running: Running) -> None:
    page.click("[data-folds=all]")
    running.open("a3", "another thinker")
    running.write(record(**running.below("a3"), id="b6", name="deeper"))
    until(page, "another thinker")
    next_look(page)
    assert names(page) == ["desk", "first ask", "thinker", "another thinker"]


def test_an_open_observation_is_brought_up_to_date_under_who_reads_it(
    page: Browser, running: Running
) -> None:
    page.press("j", "j", "j", Keys.ENTER)
    page.wait("the observation", f"return {PANEL}?.innerText.includes('not finished')")
    page.ask(f"window.panel = {PANEL}; getSelection().selectAllChildren({PANEL}.querySelector('h2'))")
    page.ask(f"{PANEL}.querySelector('.pairs a').focus()")
    running.finish("a2", input="Where is AAPL going?", output="up and up", signal={"action": "BUY"})
    page.wait("its end", f"return {PANEL}.innerText.includes('up and up')")
    shown = page.ask(f"return {PANEL}.innerText")
    assert "not finished" not in shown and "Where is AAPL going?" in shown and "BUY" in shown
    assert page.ask(f"return {PANEL} === window.panel")
    assert page.ask("return document.activeElement.matches('.panel .pairs a')")
    assert page.ask("return String(getSelection())") == "thinker"
    assert page.ask(
        "return [...document.querySelectorAll('.panel [data-copies]')].every(each => !each.hidden)"
    )
    assert page.ask("return scrollY") == 0


def test_paused_it_stands_still_and_goes_on_when_told(page: Browser, running: Running) -> None:
    next_look(page)
    page.click("#live")
    assert page.ask("return document.getElementById('live').getAttribute('aria-pressed')") == "false"
    page.requests()
    running.write(record(**running.below(), id="b7", name="meanwhile"))
    page.ask("window.waited = 0; setInterval(() => window.waited++, 500)")
    page.wait("a few seconds", "return window.waited > 4")
    assert "meanwhile" not in names(page) and page.requests() == []
    page.click("#live")
    until(page, "meanwhile")


@pytest.mark.parametrize("how", ["ok", "interrupted"])
def test_once_it_is_over_nothing_is_asked_any_more(page: Browser, running: Running, how: str) -> None:
    page.press("j", Keys.ENTER)
    page.wait("the observation", f"return {PANEL}?.innerText.includes('not finished')")
    if how == "ok":
        running.finish("a2")
        running.finish()
    else:
        running.die()
    page.wait("the end", f"return (() => {{ {STATE} }})() === '{how}'", timeout_s=15)
    page.wait("the end of it all", "return document.getElementById('live').hidden")
    assert page.ask("return document.getElementById('told').textContent") == f"Ended: {how}"
    assert "so far" not in page.ask(TOLD)
    if how == "ok":
        assert "not finished" not in page.ask(f"return {PANEL}.innerText")
    page.requests()
    page.ask("window.waited = 0; setInterval(() => window.waited++, 500)")
    page.wait("a few seconds", "return window.waited > 4")
    assert page.requests() == []


def test_a_trace_that_ended_is_not_asked_for_again(page: Browser, running: Running, served: Site) -> None:
    running.finish("a2")
    running.finish()
    page.open(served.url + running.page)
    page.ask("window.same_page = true")
    page.requests()
    page.ask("window.waited = 0; setInterval(() => window.waited++, 500)")
    page.wait("a few seconds", "return window.waited > 3")
    assert page.requests() == [] and page.ask("return document.getElementById('live').hidden")


def test_a_transcript_grows_at_its_end(page: Browser, running: Running, served: Site) -> None:
    page.open(f"{served.url}{running.page}?view=transcript")
    page.ask("window.same_page = true; window.first = document.querySelector('.turn')")
    page.press("j")
    running.write(generation(**running.below(), id="b8", name="later ask", output="at last"))
    page.wait(
        "the turn", "return document.querySelector('.turn:last-of-type')?.innerText.includes('at last')"
    )
    assert page.ask("return document.querySelector('.turn') === window.first")
    assert page.ask("return window.first.contains(document.activeElement)")


@pytest.mark.parametrize("width", WIDTHS)
def test_scores_fit_beside_what_was_judged_and_on_the_trace(window: Browser, store: Path, width: int) -> None:
    with Running(store, began_ago_s=2) as running, site(store) as served:
        path = judged_desk(running)
        window.width(width)
        window.open(served.url + path)
        shown = window.ask("return document.querySelector('.panel .scores').innerText")
        for word in ("helpful", "0.75", "names no price", "cites", "true", "calm and collected"):
            assert word in shown
        assert "overall quality" in window.ask("return document.querySelector('.judged').innerText")
        for scheme in SCHEMES:
            window.scheme(scheme)
            assert (window.layout(), window.accessibility(), window.problems()) == ([], [], [])
        wide = "const panel = document.querySelector('.panel'); return panel.scrollWidth - panel.clientWidth"
        assert window.ask(wide) <= 0
        running.judge("b3", "one more", 2.0, "NUMERIC")
        window.wait(
            "another", "return document.querySelector('.panel .scores').innerText.includes('one more')"
        )


def _round(running: Running, number: int, parent: str = "a1") -> list[dict[str, Any]]:
    """A chain, and nine steps below it."""
    top = f"c{number:04x}0"
    below = running.below(parent)
    steps = [
        record(**running.below(top), id=f"c{number:04x}{step}", name=f"step {number}.{step}")
        for step in range(1, 10)
    ]
    return [record(**below, id=top, name=f"round {number}"), *steps]


def test_some_thousand_observations_grow_without_moving_what_is_read(
    window: Browser, running: Running, served: Site
) -> None:
    page = window
    for number in range(1, 301):
        running.write(*_round(running, number))
    page.open(served.url + running.page)
    all_lines = "return Number(document.querySelector('.tree').ariaRowCount) === arguments[0]"
    page.wait("all lines", all_lines, 3005)
    page.ask("scrollTo(0, 20000)")
    page.wait("lines there", "return document.elementFromPoint(300, 400)?.closest('.tree-line') !== null")
    seen = "const line = document.elementFromPoint(300, 400).closest('.tree-line'); return [line.dataset.id, line.getBoundingClientRect().top]"
    before = page.ask(seen)
    # `thinker` began before the rounds: what it opens comes above them.
    for number in range(301, 401):
        running.write(*_round(running, number, "a2" if number % 2 else "a1"))
    page.wait("what came", all_lines, 4005, timeout_s=20)
    after = page.ask(seen)
    assert after[0] == before[0] and abs(after[1] - before[1]) < 2
    assert page.ask("return document.querySelectorAll('.tree-lines .tree-line').length") < 300
    # The last of them is there as soon as somebody goes there.
    page.ask("scrollTo(0, document.documentElement.scrollHeight)")
    until(page, "step 400.9")
    assert (page.layout(), page.problems()) == ([], [])
