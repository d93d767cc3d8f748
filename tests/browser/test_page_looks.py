"""Every page, on a telephone, a laptop and a 4K screen, light and dark: whole, aligned, legible, without an error."""

import pytest

from tests.support.browser import SCHEMES, WIDTHS, Browser
from tests.support.sites import Site
from tests.support.walks import PAGES, REFUSED, path_of


def problems_of(window: Browser, page: str) -> list[str]:
    """What went wrong, without what a browser notes of an answer that says no."""
    found = window.problems()
    return [each for each in found if not (page in REFUSED and "status of 404" in each)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_fits_and_overlaps_nowhere(page: str, width: int, window: Browser, demo: Site) -> None:
    window.width(width)
    window.open(demo.url + path_of(page, demo))
    for scheme in SCHEMES:
        window.scheme(scheme)
        assert window.layout() == []
    assert problems_of(window, page) == []
    assert [each for each in window.requests() if not each.startswith((demo.url, "data:"))] == []


@pytest.mark.parametrize("page", PAGES)
def test_everybody_can_read_and_reach_everything_in_light_and_dark(
    page: str, window: Browser, demo: Site
) -> None:
    window.open(demo.url + path_of(page, demo))
    grounds = []
    for scheme in SCHEMES:
        window.scheme(scheme)
        assert window.accessibility() == []
        colours = window.ask("return getComputedStyle(document.documentElement).backgroundColor")
        grounds.append(sum(map(int, colours.removeprefix("rgb(").removesuffix(")").split(","))))
    assert grounds[0] > 3 * 200 and grounds[1] < 3 * 60  # of 3 * 255


@pytest.mark.parametrize("page", ["traces", "trace", "generation", "status"])
def test_everybody_can_read_and_reach_everything_on_a_telephone(
    page: str, window: Browser, demo: Site
) -> None:
    window.width(380)
    window.open(demo.url + path_of(page, demo))
    assert window.accessibility() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_an_empty_store_teaches_the_two_lines_to_write(width: int, window: Browser, empty: Site) -> None:
    window.width(width)
    window.open(empty.url)
    assert "from agent_trace import observe_llm" in window.text()
    assert "@observe_llm" in window.text()
    for scheme in SCHEMES:
        window.scheme(scheme)
        assert (window.layout(), window.accessibility(), window.problems()) == ([], [], [])


@pytest.mark.parametrize("width", WIDTHS)
def test_running_and_interrupted_traces_are_told_apart(width: int, window: Browser, unfinished: Site) -> None:
    window.width(width)
    window.open(unfinished.url)
    rows = window.ask(
        "return [...document.querySelectorAll('tr')].map(row => row.innerText.replace(/\\s+/g, ' '))"
    )
    assert any("the running one" in row and "running" in row.replace("the running one", "") for row in rows)
    assert any("the killed one" in row and "interrupted" in row for row in rows)
    assert (window.layout(), window.problems()) == ([], [])
    window.open(f"{unfinished.url}/traces/{unfinished.trace_id('the killed one')}")
    assert "interrupted" in window.text()
    assert (window.layout(), window.problems()) == ([], [])


def test_names_in_tables_are_not_broken_at_their_hyphens(window: Browser, demo: Site) -> None:
    window.open(f"{demo.url}/sessions")
    lines = window.ask(
        "return [...document.querySelectorAll('.board td > a')].map(each => [each.innerText, each.getClientRects().length])"
    )
    assert any("-" in name for name, _ in lines)
    assert [name for name, count in lines if count > 1] == []
