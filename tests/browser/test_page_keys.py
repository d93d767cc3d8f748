"""The page without a mouse: everything that is told behind `?`, and a focus that can be seen."""

from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser
from tests.support.sites import Site
from tests.support.walks import path_of

FOCUSED = """
const at = document.activeElement;
if (!at || at === document.body) return null;
const style = getComputedStyle(at), box = at.getBoundingClientRect();
return {name: at.tagName + " " + (at.getAttribute("href") || at.name || at.className), text: at.innerText.slice(0, 80),
  marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none",
  inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
"""


def test_from_the_list_to_an_observation_and_back_with_keys_only(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    window.press("j", "j", "k", "j")
    row = window.ask(FOCUSED)
    assert row is not None and row["marked"] and row["inside"]
    window.press(Keys.ENTER)
    window.arrive("^/traces/")
    window.press("j", "j", Keys.ENTER)
    window.wait("an observation", "return /observation=|observations/.test(location.href)")
    window.press(Keys.ESCAPE)
    window.wait("the trace alone", "return !/observation=/.test(location.search)")
    window.driver.back()
    window.wait("the observation again", "return /observation=/.test(location.search)")
    window.driver.back()
    window.driver.back()
    window.arrive("^/$")
    assert window.problems() == []


def test_escape_closes_an_observation_that_is_still_on_its_way(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    window.press("j", Keys.ENTER)
    window.arrive("^/traces/")
    window.latency(0.5)
    window.press("j", Keys.ENTER)
    window.wait("an observation", "return /observation=/.test(location.search)")
    assert window.ask("return document.querySelector('.panel')") is None
    window.press(Keys.ESCAPE)
    window.wait("the trace alone", "return !/observation=/.test(location.search)")
    window.latency(0)
    window.press("j", Keys.ENTER)
    window.wait("another observation", "return document.querySelector('.panel') !== null")
    window.press(Keys.ESCAPE)
    window.wait("the trace alone again", "return document.querySelector('.panel') === null")
    assert window.problems() == []


def test_question_mark_tells_the_keys_and_escape_closes_them(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    window.press("?")
    window.wait("the keys", "return document.querySelector('dialog[open]') !== null")
    shown = window.ask("return document.querySelector('dialog[open]').innerText")
    for key in ("j", "k", "/", "?", "Esc", "Enter", "[", "]"):
        assert key in shown
    assert window.accessibility() == []
    window.press(Keys.ESCAPE)
    window.wait("the page", "return document.querySelector('dialog[open]') === null")
    assert window.path == "/"


def test_slash_goes_to_the_search_and_typing_there_is_only_typing(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    window.press("/")
    window.wait("the search field", "return document.activeElement.matches('input')")
    window.press("j", "k", "?", "[")
    assert window.ask("return document.activeElement.value") == "jk?["
    assert window.ask("return document.querySelector('dialog[open]')") is None
    window.press(Keys.ESCAPE)
    window.wait("the list", "return !document.activeElement.matches('input')")


def test_brackets_go_to_the_neighbours(window: Browser, demo: Site) -> None:
    first = path_of("trace", demo)
    window.open(demo.url + first)
    window.press("[")
    window.wait(
        "a neighbour", f"return location.pathname !== '{first}' && document.readyState === 'complete'"
    )
    second = window.path
    window.press("]")
    window.arrive(f"^{first}$")
    assert second.startswith("/traces/")


def test_search_inside_a_trace_goes_from_one_find_to_the_next(window: Browser, demo: Site) -> None:
    window.open(demo.url + path_of("long trace", demo))
    window.press("/")
    window.wait("the search field", "return document.activeElement.matches('input')")
    window.press(*"RiskAgent", Keys.ENTER)
    at = "return document.querySelector('.at-hit')?.dataset.id ?? null"
    first = window.wait("a find", at)
    assert "RiskAgent" in window.ask("return document.querySelector('.at-hit').innerText")
    window.press(Keys.ESCAPE, "n")
    second = window.wait("the next find", at)
    window.press("p")
    assert window.ask(at) == first != second
    assert window.problems() == []


def test_tab_goes_through_the_page_in_order_and_is_always_seen(window: Browser, demo: Site) -> None:
    for page in ("traces", "generation", "status"):
        window.open(demo.url + path_of(page, demo))
        seen = []
        for _ in range(25):
            window.press(Keys.TAB)
            at = window.ask(FOCUSED)
            if at is None:  # it went on to the browser's own bar
                break
            assert at["marked"] and at["inside"], (page, at)
            seen.append(at["name"])
        assert len(seen) > 8, (page, seen)
        assert "Skip" in window.ask("return document.querySelector('a').innerText")


def test_keys_do_nothing_with_a_modifier(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    window.chord(Keys.CONTROL, "j")
    window.chord(Keys.ALT, "/")
    assert window.ask("return document.activeElement === document.body")
