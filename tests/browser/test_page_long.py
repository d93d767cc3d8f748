"""One trace of 10,000 observations: it opens, scrolls to its end, folds, and finds."""

from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser
from tests.support.sites import Site

DRAWN = "return document.querySelectorAll('main *').length"


def test_it_opens_with_the_rows_that_are_needed_and_scrolls_to_the_last(
    window: Browser, marathon: Site
) -> None:
    window.open(f"{marathon.url}/traces/{marathon.trace_id('marathon')}")
    assert "marathon" in window.text() and "10,000" in window.text().replace("10 k", "10,000")
    assert (window.layout(), window.problems()) == ([], [])
    drawn = window.ask(DRAWN)
    window.ask(
        "const inner = [...document.querySelectorAll('main *')].filter(each => each.scrollHeight > each.clientHeight + 500"
        " && /auto|scroll/.test(getComputedStyle(each).overflowY));"
        "for (const each of inner) each.scrollTop = each.scrollHeight; scrollTo(0, document.documentElement.scrollHeight)"
    )
    window.wait("the last rows", "return document.body.innerText.length > 0")
    assert window.ask(DRAWN) < drawn * 3 + 2000
    assert window.problems() == []


def test_search_inside_it_finds_what_is_not_drawn_yet(window: Browser, marathon: Site) -> None:
    window.open(f"{marathon.url}/traces/{marathon.trace_id('marathon')}")
    window.press("/")
    window.wait("the search field", "return document.activeElement.matches('input')")
    window.press(*"9.3", Keys.ENTER)
    told = window.wait(
        "a find", "return /\\d+ of \\d+/.exec(document.querySelector('[data-hits]').innerText)?.[0]"
    )
    assert told.startswith("1 of ")
    assert window.ask("return document.querySelector('.at-hit').getBoundingClientRect().top < innerHeight")
    window.press(Keys.ESCAPE, "p")
    window.wait("the last find", "return !document.querySelector('[data-hits]').innerText.startsWith('1 of')")
    at = window.ask(
        "const box = document.querySelector('.at-hit').getBoundingClientRect(); return [box.top, box.bottom, innerHeight]"
    )
    assert 0 <= at[0] < at[1] <= at[2]
    assert window.problems() == []
