"""What a page weighs, and that the charts' script is loaded where there is a chart and nowhere else."""

import pytest

from tests.support.browser import Browser
from tests.support.sites import Site
from tests.support.walks import CHARTS, PAGES, path_of

MOST_BYTES = 150_000
CHARTS_SCRIPT = "/static/charts.js"
WEIGHTS = """
const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
return all.map(each => [new URL(each.name).pathname, each.decodedBodySize]);
"""


@pytest.mark.parametrize("page", PAGES)
def test_every_page_weighs_little(page: str, window: Browser, demo: Site) -> None:
    window.open(demo.url + path_of(page, demo))
    weights = window.ask(WEIGHTS)
    assert sum(size for name, size in weights if name != CHARTS_SCRIPT) <= MOST_BYTES, weights
    names = [name for name, _ in weights]
    assert names.count(CHARTS_SCRIPT) == (page in CHARTS)


@pytest.mark.parametrize("page", CHARTS)
def test_charts_are_drawn_from_what_is_on_the_page(page: str, window: Browser, demo: Site) -> None:
    window.open(demo.url + path_of(page, demo))
    window.wait("a chart", "return document.querySelector('.js-plotly-plot .main-svg') !== null")
    marks = "return document.querySelectorAll('.js-plotly-plot .trace').length"
    assert window.ask(marks) >= 1
    for scheme in ("dark", "light"):
        window.scheme(scheme)
        assert (window.layout(), window.accessibility()) == ([], [])
    assert window.problems() == []


def test_a_page_that_did_not_change_is_not_sent_again(demo: Site) -> None:
    for path in ("/static/page.css", "/static/page.mjs"):
        first = demo.get(path)
        again = demo.get(path, If_None_Match=first.headers["etag"])
        assert (first.status, again.status, again.body) == (200, 304, b"")


def test_a_trace_of_10_000_observations_weighs_no_more_than_its_rows(marathon: Site) -> None:
    page = marathon.get(f"/traces/{marathon.trace_id('marathon')}")
    assert page.status == 200
    assert len(page.body) < 4_000_000
